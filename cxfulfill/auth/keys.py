"""Where the public keys come from that tokens are verified with.

A `KeySource` fetches a document; a `KeyCache` keeps what is in it (see `cxfulfill.auth.fetched`) and looks keys up by
id. A key that a token brings along, or an address in it, is never looked at.
"""

import inspect
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from cxfulfill.auth.fetched import Fetched, FetchError, Held
from cxfulfill.auth.outbound import check_url, send
from cxfulfill.errors import BadRequest, ConfigurationError
from cxfulfill.forks import lock_of_process
from cxfulfill.protocol.json import loads

K = TypeVar("K")
Parse = Callable[[dict[str, Any]], Mapping[str, K]]
"""Makes usable keys by id from a document."""

DEFAULT_MAX_AGE: Final = 3_600.0
"""Seconds that keys are held where their source does not say."""
SHORTEST_MAX_AGE: Final = 60.0
LONGEST_MAX_AGE: Final = 86_400.0

_MAX_AGE = r"(?i)(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})"


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A document with keys.

    Attributes:
        content: A JWK set (RFC 7517), or Google's map from key id to certificate; JSON.
        max_age: Seconds that it is good for; None where the source does not say.
    """

    content: bytes
    max_age: float | None = None


class KeySource(Protocol):
    """Where keys come from; the contract of an implementation of one's own."""

    def fetch(self) -> KeyDocument:
        """Fetch the document. Runs in a thread of its own, one at a time, and is given up after 3 seconds.

        It needs a time limit of its own: a thread that hangs stays.

        Returns:
            The document.

        Raises:
            Exception: The source is down, whatever it raises; keys that are held go on being used.
        """
        ...


class HttpKeySource:
    """Keys from an address (a ``jwks_uri``): at most 3 seconds and 256 KiB, no redirects.

    Args:
        url: The address.

    Raises:
        ConfigurationError: It is no https URL.
    """

    def __init__(self, url: str) -> None:
        self.url = check_url("the keys' address", url)

    def fetch(self) -> KeyDocument:
        """Fetch the document; see `KeySource.fetch`."""
        received = send("GET", self.url)
        return KeyDocument(received.body, _max_age(received.headers))

    def __repr__(self) -> str:
        return f"HttpKeySource({_shown(self.url)!r})"


class KeyCache(Generic[K]):
    """Keys by id, fetched when first needed and kept.

    Args:
        source: Where they come from.
        parse: Makes usable keys from the document, an object.
        clock: Seconds that only go up.

    Attributes:
        source: Where they come from.
        shown: Its name for the log: an address, or a class.
    """

    def __init__(self, source: KeySource, parse: Parse[K], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self.shown = _shown(source.url) if isinstance(source, HttpKeySource) else type(source).__name__
        self._parse = parse
        self._keys: Fetched[Mapping[str, K]] = Fetched("keys", self.shown, self._load, clock=clock)

    def find(self, key_id: str) -> K | None:
        """Look a key up; one that is not there is looked for once more at the source, within its cool-down.

        Args:
            key_id: The key's id.

        Returns:
            The key; None where the source has none of this id, as far as its last document tells.

        Raises:
            NeedsIO: The keys must be fetched first.
            Unavailable: They could not be fetched a moment ago, and this one is not held.
        """
        key = self._keys.get().get(key_id)
        if key is None:
            self._keys.renew()
        return key

    def held(self) -> Mapping[str, K]:
        """Give all keys that are held: another object after each fetch.

        Returns:
            The keys by id.

        Raises:
            NeedsIO: They must be fetched first.
            Unavailable: They could not be fetched a moment ago, and none are held.
        """
        return self._keys.get()

    def over(self, source: KeySource) -> "KeyCache[K]":
        """Make a cache that reads another source's keys alike, for a tool that stands in for the issuer.

        Args:
            source: Where those come from.

        Returns:
            The cache, which holds nothing yet.
        """
        return KeyCache(source, self._parse)

    def warm(self) -> None:
        """Fetch the keys now, for at most 3 seconds; whether it worked, `ready` tells."""
        self._keys.fetch()

    def ready(self) -> bool:
        """Tell whether keys are held; where none are, a fetch is started and not waited for.

        Returns:
            Whether tokens can be verified now.
        """
        return self._keys.is_held()

    def _load(self) -> Held[Mapping[str, K]]:
        document = self.source.fetch()
        try:
            content = loads(document.content)
        except BadRequest:
            raise FetchError("not JSON") from None
        if not isinstance(content, dict) or not _holds_keys(content):
            is_metadata = isinstance(content, dict) and "jwks_uri" in content
            hint = ", but the issuer's metadata: give the address in its jwks_uri" if is_metadata else ""
            raise FetchError(f"not a JWK set or certificate map{hint}")
        keys = self._parse(content)
        if not keys:
            raise FetchError("no usable key in it")
        age = DEFAULT_MAX_AGE if document.max_age is None or math.isnan(document.max_age) else document.max_age
        return Held(keys, min(max(age, SHORTEST_MAX_AGE), LONGEST_MAX_AGE))


class Shared(Generic[K]):
    """Caches of one process by address, so that several verifiers of one issuer fetch its keys once.

    Args:
        parse: As for `KeyCache`.
    """

    def __init__(self, parse: Parse[K]) -> None:
        self._parse = parse
        self._lock = lock_of_process(self)
        self._caches: dict[str, KeyCache[K]] = {}

    def of(self, keys: "str | KeySource", clock: Callable[[], float]) -> KeyCache[K]:
        """Give the cache of a source.

        Args:
            keys: An address, whose cache is shared, or a source, which gets one of its own.
            clock: Seconds that only go up.

        Returns:
            The cache.

        Raises:
            ConfigurationError: It is neither a source nor an https URL.
        """
        if not isinstance(keys, str):
            _check_source(keys)
            return KeyCache(keys, self._parse, clock=clock)
        source = HttpKeySource(keys)
        with self._lock:
            return self._caches.setdefault(keys, KeyCache(source, self._parse, clock=clock))


def _check_source(keys: object) -> None:
    fetch = getattr(keys, "fetch", None)
    if isinstance(keys, type) or not callable(fetch) or inspect.iscoroutinefunction(fetch):
        raise ConfigurationError(
            "keys= must be an address (https URL) of a JWK set, or an object with fetch(), such as HttpKeySource(...)"
        )


def _holds_keys(document: Mapping[str, Any]) -> bool:
    if "keys" in document:
        return isinstance(document["keys"], list)
    return any(isinstance(value, str) and value.startswith("-----BEGIN ") for value in document.values())


def signing_jwks(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Read a JWK set (RFC 7517): the keys that are for signatures and have an id.

    Args:
        document: The set.

    Returns:
        The keys by id. Of two with one id neither is taken: which is meant cannot be told.
    """
    found: dict[str, dict[str, Any]] = {}
    twice: set[str] = set()
    keys = document.get("keys")
    for jwk in keys if isinstance(keys, list) else ():
        key_id = jwk.get("kid") if isinstance(jwk, dict) else None
        if not isinstance(key_id, str) or not key_id or not _is_for_signatures(jwk):
            continue
        if key_id in found:
            twice.add(key_id)
        found[key_id] = jwk
    return {key_id: jwk for key_id, jwk in found.items() if key_id not in twice}


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _shown(url: str) -> str:
    """Give an address for a log, without a query, which may hold a secret."""
    path, mark, _ = url.partition("?")
    return f"{path}?..." if mark else path


def _max_age(headers: Mapping[str, str]) -> float | None:
    control = headers.get("cache-control", "")
    found = re.search(_MAX_AGE, control)
    if not found:
        return 0.0 if "no-cache" in control or "no-store" in control else None
    age = headers.get("age", "0")
    return max(0.0, float(found[1]) - (float(age) if age.isascii() and age.isdigit() else 0.0))
