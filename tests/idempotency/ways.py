"""The two ways that a store is called by: in threads, and on an event loop."""

from collections.abc import Callable
from typing import Any

from cxfulfill.idempotency.contract_on_loop import OnItsLoop


class Looped(OnItsLoop):
    """A store on a loop, which is closed with it."""

    def close(self) -> None:
        super().close()
        self.plain.close()  # type: ignore[attr-defined]


Way = Callable[[Any], Any]


def in_threads(store: Any) -> Any:
    return store
