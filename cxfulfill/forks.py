"""What belongs to one process alone.

Threads do not survive a fork, what they ran is the parent process's, and a lock that one of them held in that moment
would stay shut in the child for ever.
"""

import os
import threading
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet


class OfProcess(Protocol):
    """Something with locks, threads or counts of its process."""

    def begin(self) -> None:
        """Begin at nothing, with new locks."""
        ...


_all: WeakSet[OfProcess] = WeakSet()
_locked: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def begin_in_each_process(owner: OfProcess) -> None:
    """Let something begin here, and anew in every process that is forked off.

    Args:
        owner: It.
    """
    owner.begin()
    _all.add(owner)


def lock_of_process(owner: object, name: str = "_lock") -> threading.Lock:
    """Make a lock that is another one, and open, in every process that is forked off.

    Args:
        owner: What has the lock.
        name: The owner's attribute for it.

    Returns:
        The lock.
    """
    _locked[owner] = name
    return threading.Lock()


def _begin_all() -> None:
    for owner in list(_all):
        owner.begin()
    for each, name in list(_locked.items()):
        setattr(each, name, threading.Lock())


os.register_at_fork(after_in_child=_begin_all)
