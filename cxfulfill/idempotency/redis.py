"""Leases and results in Redis 6 or newer, or Valkey (extra ``redis``): one round trip a call, and the server's clock.

A record is one string: a head of fixed length and three parts, so that one GET reads it whole, its length can be
checked, and it costs less memory than a hash, whose fields of more than 64 bytes each cost an entry of their own.

    cxf1, L or R, time of expiry in 16 digits, lengths of the parts in 9 digits each; owner, fingerprint, result
"""

import math
import re
import threading
import time
from concurrent.futures import Future
from typing import Any, Final, cast
from urllib.parse import urlsplit

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome

try:
    from redis import ConnectionPool, Redis, RedisCluster, RedisError
    from redis.backoff import NoBackoff
    from redis.connection import Connection, SSLConnection, parse_url
    from redis.exceptions import ReadOnlyError
    from redis.retry import Retry
except ImportError:
    raise ConfigurationError.for_extra("RedisStore", "redis") from None

TIME_LIMIT: Final = 1.0
"""Seconds that a call of the store may take."""
LEASE_KEPT: Final = 86_400.0
"""Seconds that a lease is remembered after it has run out, so that who takes it over is told."""

_LEAST = 0.001
"""Seconds that a step gets at least: none at all would mean not to wait, and leave an answer unread."""

_READ = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    value = false
end
local record
if value then
    local state, expires, owner, fingerprint, result = string.match(value, HEAD)
    if state and #value == 48 + owner + fingerprint + result then
        local middle = 48 + owner
        record = {
            running = state == 'L',
            expires = tonumber(expires),
            owner = string.sub(value, 49, middle),
            fingerprint = string.sub(value, middle + 1, middle + fingerprint),
            result = string.sub(value, middle + fingerprint + 1),
        }
    end
end
local function write(state, lasts, kept, owner, fingerprint, result)
    local head = string.format('cxf1%s%016d%09d%09d%09d', state, now + lasts, #owner, #fingerprint, #result)
    redis.call('SET', KEYS[1], head .. owner .. fingerprint .. result, 'PX', lasts + kept)
end
""".replace("HEAD", f"'^cxf1([LR])({'%d' * 16})({'%d' * 9})({'%d' * 9})({'%d' * 9})'")
_ACQUIRE = """
local own = record and record.running and record.owner == ARGV[1]
if record and not own and record.expires > now then
    if record.running then return {'running', record.fingerprint} end
    return {'completed', record.fingerprint, record.result}
end
write('L', ARGV[3], KEPT, ARGV[1], ARGV[2], '')
return {'acquired', (record and record.running and not own) and 1 or 0}
""".replace("KEPT", str(int(LEASE_KEPT * 1000)))
_COMPLETE = """
if not record or record.owner ~= ARGV[1] then return 0 end
write('R', ARGV[3], 0, ARGV[1], record.fingerprint, ARGV[2])
return 1
"""
_RELEASE = """
if not record or not record.running or record.owner ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class _Budget(threading.local):
    """The time of the call that this thread is in."""

    until = 0.0

    def start(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def left(self) -> float:
        return max(self.until - time.monotonic(), _LEAST)


class _Timed(Connection):
    """A connection on which each step gets what the steps before it have left of its call's time.

    The client's own limits are for one step each, and a call has up to seven: name, connection, TLS, password,
    database, script, script again.
    """

    _sock: Any

    def __init__(self, *, budget: _Budget, **options: Any) -> None:
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


class RedisStore:
    """Leases and results in Redis.

    Each key stands alone, so a cluster spreads them. Set ``maxmemory-policy noeviction`` or leave memory to spare: a
    lease that is evicted is a call that may run twice. The same holds for what a fail-over loses, since replicas
    follow a moment later.

    Args:
        url_or_client: ``redis://user:password@host:6379/0``, or ``rediss://`` for TLS; a query names further options
            of redis-py's connections, such as ``?ssl_ca_certs=/etc/ca.pem``. Or a client: a `redis.RedisCluster`, or a
            `redis.Redis` of Sentinel's; its time limits and retries are its own, and it is not closed.
        prefix: What all keys begin with.
        time_limit: Seconds that a call may take in all.

    Attributes:
        bounded: Whether calls end by themselves within the time limit: not those of a client that was passed in.

    Raises:
        ConfigurationError: It is no such URL or client, or another argument is none of these.
    """

    blocking = True

    def __init__(
        self,
        url_or_client: str | Redis | RedisCluster,
        *,
        prefix: str = "cxfulfill:",
        time_limit: float = TIME_LIMIT,
    ) -> None:
        if not (math.isfinite(time_limit) and time_limit > 0):
            raise ConfigurationError("RedisStore: time_limit is a number of seconds above 0")
        self._prefix = prefix
        self._time_limit = time_limit
        self._budget = _Budget()
        self.bounded = isinstance(url_or_client, str)
        if isinstance(url_or_client, str):
            pool = _pool(url_or_client, time_limit, self._budget)
            options = pool.connection_kwargs
            self._name = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"
            self._client: Redis | RedisCluster = Redis(connection_pool=pool)
        else:
            self._client = _checked(url_or_client)
            self._name = type(url_or_client).__name__
        self._acquire = self._client.register_script(_READ + _ACQUIRE)
        self._complete = self._client.register_script(_READ + _COMPLETE)
        self._release = self._client.register_script(_READ + _RELEASE)

    def __repr__(self) -> str:
        return f"RedisStore({self._name})"

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        answer = self._run(self._acquire, key, owner, fingerprint, _milliseconds(lease))
        match answer:
            case [b"running", other]:
                return InProgress(_text(other))
            case [b"completed", other, result]:
                return Completed(_text(other), result)
            case _:
                return Acquired(Lease(key, owner, fingerprint), took_over=answer[1] == 1)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        return bool(self._run(self._complete, lease.key, lease.owner, result, _milliseconds(ttl)))

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        return bool(self._run(self._release, lease.key, lease.owner))

    def check(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            redis.RedisError: There is none.
        """
        self._budget.start(self._time_limit)
        self._client.ping()

    def close(self) -> None:
        """Close the connections, where they are this store's own."""
        if self.bounded:
            cast(Redis, self._client).connection_pool.disconnect()

    def _run(self, script: Any, key: str, *arguments: str | bytes | int) -> Any:
        self._budget.start(self._time_limit)
        return script(keys=[self._prefix + key], args=arguments)


def _pool(url: str, time_limit: float, budget: _Budget) -> ConnectionPool:
    """Make a pool of timed connections, and one of these for a trial, without connecting it."""
    try:
        options = _options(url)
    except ValueError:
        # Its text may hold a part of the password.
        raise ConfigurationError(
            "RedisStore: the URL must be redis://user:password@host:port/database, or rediss:// for TLS; "
            "in the password, characters other than letters, digits, - . _ and ~ are written as %XX"
        ) from None
    tls = options.pop("connection_class", None) is SSLConnection
    options |= {
        # RESP 2 needs no greeting, and servers cannot lengthen time limits on it.
        "protocol": 2,
        "driver_info": None,
        "decode_responses": False,
        # A little less than the limit, so that it need not be lowered, by a system call, where all goes well.
        "socket_timeout": time_limit * 0.98,
        "socket_connect_timeout": time_limit,
        # A server that was made a replica: connecting again finds the new primary, and nothing was done yet.
        "retry": Retry(NoBackoff(), 1, (ReadOnlyError,)),
        "retry_on_error": [],
        "retry_on_timeout": False,
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


def _checked(client: Redis | RedisCluster) -> Redis | RedisCluster:
    if not isinstance(client, (Redis, RedisCluster)):
        raise ConfigurationError("RedisStore needs a URL, or a redis.Redis or redis.RedisCluster that is not async")
    if client.get_encoder().decode_responses:
        raise ConfigurationError("RedisStore: results are bytes; make the client with decode_responses=False")
    return client


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
