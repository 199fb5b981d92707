"""What a row of the runbook is."""

from dataclasses import dataclass

from cxfulfill.records import event_of


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reason code means to whoever is on call.

    Attributes:
        status: The status that it is answered with.
        meaning: A sentence on what was found.
        look_at: A sentence on what to look at.
    """

    status: int
    meaning: str
    look_at: str

    @property
    def event(self) -> str:
        """The event that CX raises; empty where it raises none."""
        return event_of(self.status)
