"""From a store's URL to the store. What a kind of store needs is imported when it is asked for."""

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import Final

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

_log = logging.getLogger("cxfulfill")
_warned = False


def check_url(url: str) -> str:
    """Check the form of a store's URL, without opening the store.

    Args:
        url: The URL.

    Returns:
        Its kind, such as ``redis``.

    Raises:
        ConfigurationError: There is no such kind of store, or its URL has another form.
    """
    kind, mark, rest = url.partition("://")
    if not mark:
        raise ConfigurationError(f"a store is named by its URL: {_FORMS}")
    is_memory = kind == "memory" and not rest
    is_file = kind == "sqlite" and len(rest) > 1 and rest.startswith("/")
    if not (is_memory or is_file or (kind in _KINDS and rest.strip("/"))):
        raise ConfigurationError(f"no store has a URL of this form; there are {_FORMS}")
    return kind


def open_store(url: str) -> IdempotencyStore:
    """Make the store of a URL.

    Args:
        url: The URL.

    Returns:
        The store.

    Raises:
        ConfigurationError: As for `check_url`; or the store's own settings are wrong, or its extra is missing.
    """
    kind, rest = check_url(url), url.partition("://")[2]
    if kind == "memory":
        return MemoryStore()
    if kind == "sqlite":
        return _made("cxfulfill.idempotency.sqlite", "SqliteStore", rest[1:])
    return _made(*_KINDS[kind], rest if kind == "firestore" else url)


def default_store() -> IdempotencyStore:
    """Make the store for an application that names none.

    Returns:
        The file that the workers of this machine share, where there is one, else this process's memory.
    """
    return MemoryStore() if shared_file is None else open_store(f"sqlite:///{os.fspath(shared_file)}")


def _made(module: str, name: str, argument: str) -> IdempotencyStore:
    store: IdempotencyStore = getattr(import_module(module), name)(argument)
    return store


def warn_of_memory(
    store: IdempotencyStore, environ: Mapping[str, str] = os.environ, arguments: Sequence[object] | None = None
) -> None:
    """Warn, once a process, where calls are remembered in one process's memory and others may get the retries.

    Args:
        store: The store.
        environ: The environment.
        arguments: The process's command line; by default that of this one.
    """
    global _warned  # noqa: PLW0603 - one warning a process, whatever the number of applications
    if _warned or not isinstance(store, MemoryStore) or not _has_others(environ, arguments or sys.argv):
        return
    _warned = True
    _log.warning(
        "calls are remembered in this process's memory alone: a retry that another worker or instance gets runs again; "
        "set a store that all share, such as CXFULFILL_STORE=redis://..., or idempotency='redis://...'"
    )


def _has_others(environ: Mapping[str, str], line: Sequence[object]) -> bool:
    """Tell whether there are other workers or instances, as far as the environment and the server's line tell it."""
    told = f" {environ.get('GUNICORN_CMD_ARGS', '')}"
    if _is_servers(line):
        told += "".join(f" {word}" for word in line)
    given = re.findall(r"\s(?:-w|--workers)[\s=]*(\d+)", told) if "-w" in told else ()
    workers = given[-1] if given else environ.get("UVICORN_WORKERS") or environ.get("WEB_CONCURRENCY", "")
    is_number = workers.isascii() and workers.isdigit() and len(workers) < 9
    return "K_SERVICE" in environ or (is_number and int(workers) > 1)


def _is_servers(line: Sequence[object]) -> bool:
    program = PurePath(str(line[0])) if line else PurePath()
    return (program.parent.name if program.stem == "__main__" else program.stem) in ("gunicorn", "uvicorn")
