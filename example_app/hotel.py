"""The business behind the webhook: Harbour Hotel, small enough to read at one sitting."""

import hashlib
from dataclasses import dataclass
from datetime import date

RATES = {"single": 89, "double": 129, "suite": 240}
"""Euros a night by room type."""

MAX_NIGHTS = 30
FRONT_DESK = "+14155550100"


class SoldOut(Exception):
    """No room of this type is free."""


@dataclass(frozen=True)
class Booking:
    """A booking.

    Attributes:
        reference: What the guest is told.
        total: Euros for the whole stay.
    """

    reference: str
    total: int


def book(*, guest: str, arrival: date, nights: int, room_type: str) -> Booking:
    """Book a room.

    Args:
        guest: The guest's name.
        arrival: First night.
        nights: Number of nights.
        room_type: One of `RATES`.

    Returns:
        The booking.

    Raises:
        SoldOut: There is no such room any more.
    """
    if room_type not in RATES:
        raise SoldOut(room_type)
    digest = hashlib.sha256(f"{guest}/{arrival}/{nights}/{room_type}".encode()).hexdigest()
    return Booking(f"HH-{int(digest[:6], 16) % 100_000:05d}", RATES[room_type] * nights)


async def status(reference: str) -> str:
    """Look a booking up.

    Args:
        reference: The booking's reference.

    Returns:
        ``confirmed`` or ``unknown``.
    """
    return "confirmed" if reference.startswith("HH-") else "unknown"
