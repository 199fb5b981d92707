"""Connections to Redis: of URLs, with one time limit over all the steps of a call."""

import re
import threading
import time
from concurrent.futures import Future
from typing import Any, Final
from urllib.parse import urlsplit

import redis.asyncio.connection as on_loop
from redis import ConnectionPool, RedisError
from redis.asyncio.retry import Retry as RetryOnLoop
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, parse_url
from redis.exceptions import ReadOnlyError
from redis.retry import Retry

from cxfulfill.errors import ConfigurationError

_LEAST: Final = 0.001
"""Seconds that a step gets at least: none at all would mean not to wait, and leave an answer unread."""

_COMMON: Final[dict[str, Any]] = {
    # RESP 2 needs no greeting, and servers cannot lengthen time limits on it.
    "protocol": 2,
    "driver_info": None,
    "decode_responses": False,
    # The one thing that is tried again, by each pool's own `Retry`, is a server that was made a replica: connecting
    # again finds the new primary, and nothing was done yet.
    "retry_on_error": [],
    "retry_on_timeout": False,
}


class Budget(threading.local):
    """The time of the call that this thread is in."""

    until = 0.0

    def start(self, seconds: float) -> None:
        """Begin a call.

        Args:
            seconds: The time that it may take.
        """
        self.until = time.monotonic() + seconds

    def left(self) -> float:
        """Tell what is left of it.

        Returns:
            Seconds, and a moment at least.
        """
        return max(self.until - time.monotonic(), _LEAST)


class _Timed(Connection):
    """A connection on which each step gets what the steps before it have left of its call's time.

    The client's own limits are for one step each, and a call has up to seven: name, connection, TLS, password,
    database, script, script again.
    """

    _sock: Any

    def __init__(self, *, budget: Budget, **options: Any) -> None:
        self._budget = budget
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        # In a thread of its own, since no limit holds for the resolver of names, and the rest have one each.
        connecting: Future[Any] = Future()

        def run() -> None:
            try:
                connecting.set_result(super(_Timed, self)._connect())  # type: ignore[no-untyped-call]
            except Exception as error:
                connecting.set_exception(error)

        threading.Thread(target=run, name="cxfulfill-redis", daemon=True).start()
        try:
            return connecting.result(self._budget.left())
        except TimeoutError:
            connecting.add_done_callback(_close_late)
            raise

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self._limit()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        self._limit()
        return super().read_response(*arguments, **options)

    def _limit(self) -> None:
        left = self._budget.left()
        if self._sock and self._sock.gettimeout() > left:
            self._sock.settimeout(left)


class _TimedTls(_Timed, SSLConnection):
    pass


def _close_late(connecting: "Future[Any]") -> None:
    if connecting.exception() is None:
        connecting.result().close()


def make_pool(url: str, time_limit: float, budget: Budget) -> ConnectionPool:
    """Make a pool of timed connections, and one of these for a trial, without connecting it.

    Args:
        url: The URL.
        time_limit: Seconds that a call may take in all.
        budget: The time of each thread's call.

    Returns:
        The pool.

    Raises:
        ConfigurationError: It is no such URL.
    """
    try:
        options = _options(url)
    except ValueError:
        # Its text may hold a part of the password.
        raise ConfigurationError(
            "RedisStore: the URL must be redis://user:password@host:port/database, or rediss:// for TLS; "
            "in the password, characters other than letters, digits, - . _ and ~ are written as %XX"
        ) from None
    tls = options.pop("connection_class", None) is SSLConnection
    options |= _COMMON
    options |= {
        # A little less than the limit, so that it need not be lowered, by a system call, where all goes well.
        "socket_timeout": time_limit * 0.98,
        "socket_connect_timeout": time_limit,
        "retry": Retry(NoBackoff(), 1, (ReadOnlyError,)),
        "budget": budget,
    }
    try:
        pool = ConnectionPool(connection_class=_TimedTls if tls else _Timed, **options)
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError, RedisError):
        raise ConfigurationError(
            "RedisStore: the URL has an option that redis-py's connections do not take; "
            "for a cluster pass a redis.RedisCluster"
        ) from None
    return pool


def _options(url: str) -> dict[str, Any]:
    """Read a URL, and refuse one that redis-py would take for another server than was meant."""
    parts = urlsplit(url)
    whole = "@" not in parts.path + parts.query and not parts.fragment
    if parts.scheme not in {"redis", "rediss"} or not whole or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    return options


def make_pool_on_loop(url: str) -> on_loop.ConnectionPool | None:
    """Make a pool for the event loop that runs, whose connections have no time limit of their own.

    Args:
        url: A URL that `make_pool` takes.

    Returns:
        The pool; None where the URL has an option that only connections of threads take.
    """
    options: dict[str, Any] = {**on_loop.parse_url(url), **_COMMON}
    options |= {"socket_timeout": None, "socket_connect_timeout": None}
    options["retry"] = RetryOnLoop(NoBackoff(), 1, (ReadOnlyError,))
    try:
        pool = on_loop.ConnectionPool(**options)
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError, RedisError):
        return None
    return pool
