"""The contract of stores: who may run a call, and what it answered.

Outcomes are values. A lease is held by an owner with a random token, and whoever comes too late with another token can
neither complete nor release it (a fence). `cxfulfill.testing.StoreContract` is this contract as tests.
"""

from typing import NamedTuple, Protocol


class Lease(NamedTuple):
    """The right to run a call, for a while.

    Attributes:
        key: The call's key: at most 200 printable ASCII characters.
        owner: Who holds it: a random token.
        fingerprint: What the key was used for; empty where the key says it all.
    """

    key: str
    owner: str
    fingerprint: str = ""


class Acquired(NamedTuple):
    """The call may be run.

    Attributes:
        lease: The right to.
        took_over: Whether another owner's lease had run out: its run may have had effects.
    """

    lease: Lease
    took_over: bool = False


class InProgress(NamedTuple):
    """Another owner runs the call.

    Attributes:
        fingerprint: What that one uses the key for.
    """

    fingerprint: str


class Completed(NamedTuple):
    """The call was run.

    Attributes:
        fingerprint: What the key was used for.
        result: What was kept, byte for byte.
    """

    fingerprint: str
    result: bytes

    def __repr__(self) -> str:
        return f"Completed(fingerprint={self.fingerprint!r}, {len(self.result)} bytes)"


Outcome = Acquired | InProgress | Completed


class IdempotencyStore(Protocol):
    """Where leases and results are kept.

    An implementation may also have

    * ``blocking`` (bool): whether its methods do IO; taken as True where it is missing;
    * ``bounded`` (bool): whether its methods end by themselves within a second or so where the other end hangs; where
      it is missing or False, they are run in a thread and given up after a time limit;
    * ``check()``: raises where it cannot work now, for ``/ready``;
    * ``close()``: called when the process ends;
    * ``on_loop()``: gives a `StoreOnLoop` over the same records, for the event loop that runs, or None. Under an ASGI
      server it takes the place of this one where nothing may block; without it, these methods run in threads there.
    """

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """Ask for the right to run a call. In one step: of many callers one gets it.

        A record that is no record of this kind counts as none. Asked again by the owner of the lease, the lease
        is renewed, also one that has run out and that nobody took over.

        Args:
            key: The call's key.
            owner: The caller's random token.
            fingerprint: What the key is used for.
            lease: Seconds that the right lasts.

        Returns:
            `Acquired`, or `Completed` with the result, or `InProgress`.

        Raises:
            Exception: The store cannot tell, whatever it raises.
        """
        ...

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """Keep a result. Repeated by its owner it is True again.

        Args:
            lease: The right that the call was run by.
            result: The result; any bytes, also none.
            ttl: Seconds that it is kept.

        Returns:
            Whether it was kept: False where the lease is no longer this owner's.

        Raises:
            Exception: The store cannot tell, whatever it raises.
        """
        ...

    def release(self, lease: Lease) -> bool:
        """Give the right back, so that another caller may run the call.

        Args:
            lease: The right.

        Returns:
            Whether it was given back: False where it was not this owner's, or the call is complete.

        Raises:
            Exception: The store cannot tell, whatever it raises.
        """
        ...


class StoreOnLoop(Protocol):
    """A store on the event loop that it was made on: the same three methods, as coroutines.

    An implementation may also have ``bounded``, as an `IdempotencyStore` has it, and an ``async`` ``close()``, which is
    called on that loop before its server ends.
    """

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        ...

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        ...

    async def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        ...
