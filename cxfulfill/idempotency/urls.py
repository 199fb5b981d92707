"""From a store's URL to the store. What a kind of store needs is imported when it is asked for."""

import os
from importlib import import_module
from typing import Final
from urllib.parse import urlsplit

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import IdempotencyStore

_FORMS: Final = "memory://, sqlite:///relative, sqlite:////absolute, redis://host/0, firestore://project/collection"
_KINDS: Final = {
    "redis": ("cxfulfill.idempotency.redis", "RedisStore"),
    "rediss": ("cxfulfill.idempotency.redis", "RedisStore"),
    "firestore": ("cxfulfill.idempotency.firestore", "FirestoreStore"),
}

shared_file: str | None = None
"""A SQLite file that the workers of this machine share; set by the shipped gunicorn settings before they fork."""


def open_store(url: str) -> IdempotencyStore:
    """Make the store of a URL.

    Args:
        url: The URL.

    Returns:
        The store.

    Raises:
        ConfigurationError: There is no such kind of store, its URL has another form, or its extra is missing.
    """
    kind, mark, rest = url.partition("://")
    if not mark:
        raise ConfigurationError(f"a store is named by its URL: {_FORMS}")
    if kind == "memory" and not rest:
        return MemoryStore()
    if kind == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return _made("cxfulfill.idempotency.sqlite", "SqliteStore", rest[1:])
    if kind in _KINDS and urlsplit(url).netloc:
        return _made(*_KINDS[kind], url if kind != "firestore" else rest)
    raise ConfigurationError(f"no store has a URL of this form; there are {_FORMS}")


def default_store() -> IdempotencyStore:
    """Make the store for an application that names none.

    Returns:
        The file that the workers of this machine share, where there is one, else this process's memory.
    """
    return MemoryStore() if shared_file is None else open_store(f"sqlite:///{os.fspath(shared_file)}")


def _made(module: str, name: str, argument: str) -> IdempotencyStore:
    store: IdempotencyStore = getattr(import_module(module), name)(argument)
    return store
