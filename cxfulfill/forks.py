"""What belongs to one process alone.

Threads do not survive a fork, what they ran is the parent process's, and a lock that one of them held in that moment
would stay shut in the child for ever.
"""

import os
import threading
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet


class OfProcess(Protocol):
    """Something with locks, threads or counts of its process."""

    def begin(self) -> None:
        """Begin at nothing, with new locks."""
        ...


_all: WeakSet[OfProcess] = WeakSet()
_locked: WeakKeyDictionary[object, str] = WeakKeyDictionary()
LOADING = threading.RLock()
"""Held by whoever loads modules late or builds models, and by whoever forks: others' locks would stay shut in it."""


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


@cache
def load(name: str) -> ModuleType:
    """Load a module that most processes never need, in the midst of calls: nothing is forked off meanwhile.

    Args:
        name: Its full name.

    Returns:
        The module.
    """
    with LOADING:
        return import_module(name)


def _begin_all() -> None:
    for owner in list(_all):
        owner.begin()
    for each, name in list(_locked.items()):
        setattr(each, name, threading.Lock())


os.register_at_fork(before=LOADING.acquire, after_in_parent=LOADING.release, after_in_child=LOADING.release)
os.register_at_fork(after_in_child=_begin_all)
