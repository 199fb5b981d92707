"""What belongs to one process alone.

Threads do not survive a fork, what they ran is the parent process's, and a lock that one of them held in that moment
would stay shut in the child for ever.
"""

import os
from typing import Protocol
from weakref import WeakSet


class OfProcess(Protocol):
    """Something with locks, threads or counts of its process."""

    def begin(self) -> None:
        """Begin at nothing, with new locks."""
        ...


_all: WeakSet[OfProcess] = WeakSet()


def begin_in_each_process(owner: OfProcess) -> None:
    """Let something begin here, and anew in every process that is forked off.

    Args:
        owner: It.
    """
    owner.begin()
    _all.add(owner)


def _begin_all() -> None:
    for owner in list(_all):
        owner.begin()


os.register_at_fork(after_in_child=_begin_all)
