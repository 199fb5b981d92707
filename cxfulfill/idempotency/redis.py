"""Leases and results in Redis 6 or newer, or Valkey (extra ``redis``): one round trip a call, by the server's clock."""

import asyncio
import math
from typing import Any, Final, cast

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import Lease, Outcome

try:
    from redis import Redis, RedisCluster
    from redis.asyncio import ConnectionPool as PoolOnLoop
    from redis.asyncio import Redis as ClientOnLoop

    from cxfulfill.idempotency.redis_commands import SCRIPTS, Command, acquiring, completing, outcome, releasing
    from cxfulfill.idempotency.redis_connections import Budget, make_pool, make_pool_on_loop
except ImportError:
    raise ConfigurationError.for_extra("RedisStore", "redis") from None

TIME_LIMIT: Final = 1.0
"""Seconds that a call of the store may take."""


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
        self._url = url_or_client if isinstance(url_or_client, str) else None
        self._prefix = prefix
        self._time_limit = time_limit
        self._budget = Budget()
        self.bounded = self._url is not None
        if isinstance(url_or_client, str):
            pool = make_pool(url_or_client, time_limit, self._budget)
            options = pool.connection_kwargs
            self._name = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"
            self._client: Redis | RedisCluster = Redis(connection_pool=pool)
        else:
            self._client = _checked(url_or_client)
            self._name = type(url_or_client).__name__
        self._scripts = [self._client.register_script(script) for script in SCRIPTS]

    def __repr__(self) -> str:
        return f"RedisStore({self._name})"

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        right = Lease(key, owner, fingerprint)
        return outcome(right, self._send(acquiring(right, lease)))

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        return bool(self._send(completing(lease, result, ttl)))

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        return bool(self._send(releasing(lease)))

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

    def on_loop(self) -> "RedisOnLoop | None":
        """Give a client for the event loop that runs; see `IdempotencyStore`.

        Returns:
            It; None where the store is around a client of the user's own.
        """
        pool = None if self._url is None else make_pool_on_loop(self._url)
        return None if pool is None else RedisOnLoop(pool, self._prefix, self._time_limit)

    def _send(self, command: Command) -> Any:
        number, key, *arguments = command
        self._budget.start(self._time_limit)
        return self._scripts[number](keys=[self._prefix + key], args=arguments)


class RedisOnLoop:
    """`RedisStore` on the event loop that it was made on.

    Args:
        pool: Connections.
        prefix: What all keys begin with.
        time_limit: Seconds that a call may take in all.
    """

    bounded = True

    def __init__(self, pool: PoolOnLoop, prefix: str, time_limit: float) -> None:
        self._client = ClientOnLoop(connection_pool=pool)
        self._scripts = [self._client.register_script(script) for script in SCRIPTS]
        # A pool refuses whoever finds all its connections in use; here they wait.
        self._free = asyncio.Semaphore(pool.max_connections)
        self._prefix = prefix
        self._time_limit = time_limit

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        right = Lease(key, owner, fingerprint)
        return outcome(right, await self._send(acquiring(right, lease)))

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        return bool(await self._send(completing(lease, result, ttl)))

    async def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        return bool(await self._send(releasing(lease)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.connection_pool.disconnect()

    async def _send(self, command: Command) -> Any:
        number, key, *arguments = command
        async with asyncio.timeout(self._time_limit), self._free:
            return await self._scripts[number](keys=[self._prefix + key], args=arguments)


def _checked(client: Redis | RedisCluster) -> Redis | RedisCluster:
    if not isinstance(client, (Redis, RedisCluster)):
        raise ConfigurationError("RedisStore needs a URL, or a redis.Redis or redis.RedisCluster that is not async")
    if client.get_encoder().decode_responses:
        raise ConfigurationError("RedisStore: results are bytes; make the client with decode_responses=False")
    return client
