"""Tokens that were verified and are sent again: CX sends one ID token with every call for up to an hour.

Held are digests, never tokens, and only of those that were let in: nobody else can fill the memory.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from cxfulfill.auth.base import Principal
from cxfulfill.auth.keys import KeyCache
from cxfulfill.forks import lock_of_process
from cxfulfill.structures import structure

MAX_VERIFIED: Final = 1_000
"""Tokens that one verifier remembers; the oldest is dropped for a further one."""


@structure
class _Verdict:
    principal: Principal
    keys: Mapping[str, Any]
    since: float
    until: float


class Verified:
    """The tokens that one verifier has let in.

    Args:
        limit: How many are remembered at most.
    """

    def __init__(self, limit: int = MAX_VERIFIED) -> None:
        self._limit = limit
        self._verdicts: dict[bytes, _Verdict] = {}
        self._lock = lock_of_process(self)

    def find(self, digest: bytes, keys: KeyCache[Any], now: float) -> Principal | None:
        """Tell whose token it is, where it was verified before.

        Args:
            digest: `digest_of` the whole header field.
            keys: What it is verified with: after another fetch every token is verified anew.
            now: Seconds since 1970.

        Returns:
            The caller; None where the token must be verified: it is not known, the keys are others, or its time is up.

        Raises:
            NeedsIO: The keys must be fetched first.
            Unavailable: They could not be fetched a moment ago, and none are held.
        """
        verdict = self._verdicts.get(digest)
        if verdict is None or not verdict.since <= now < verdict.until or verdict.keys is not keys.held():
            return None
        return verdict.principal

    def note(self, digest: bytes, principal: Principal, keys: Mapping[str, Any], *, since: float, until: float) -> None:
        """Remember a token that was let in.

        Args:
            digest: As for `find`.
            principal: Whose it is.
            keys: The set of keys that it was verified with.
            since: When it was verified, in seconds since 1970: a clock that is set back makes nothing valid.
            until: When it expires.
        """
        with self._lock:
            self._verdicts.pop(digest, None)
            while len(self._verdicts) >= self._limit:
                del self._verdicts[next(iter(self._verdicts))]
            self._verdicts[digest] = _Verdict(principal, keys, since, until)


def digest_of(header: str) -> bytes:
    """Digest a header field.

    Args:
        header: The field's value, which may hold anything.

    Returns:
        32 bytes.
    """
    return sha256(header.encode(errors="surrogatepass")).digest()
