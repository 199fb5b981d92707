"""The keys of calls; what two deliveries share, tests/pipeline and tests/property tell."""

from enum import StrEnum

from cxfulfill import Principal
from cxfulfill.idempotency.keys import own_call_key

CALLER = Principal("cx", "basic")


class Kind(StrEnum):
    """A text of a kind of its own."""

    ORDER = "order-1"


def test_a_key_that_is_a_kind_of_text_is_that_text() -> None:
    plain = own_call_key("app", CALLER, "order-1")
    assert own_call_key("app", Principal(Kind.ORDER, "basic"), Kind.ORDER) == own_call_key(
        "app", Principal("order-1", "basic"), "order-1"
    )
    assert own_call_key("app", CALLER, Kind.ORDER) == plain
