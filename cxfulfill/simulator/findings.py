"""What is to be said of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Version = Literal["v3", "v3beta1"]
"""The API's version, whose messages an answer is read as."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with an answer.

    Attributes:
        place: The member, such as ``fulfillmentResponse.messages[0].text``; empty for the whole.
        problem: What is wrong with it, without any value of it.
        severity: ``error`` where CX refuses the answer; ``warning`` where it passes though no page says so, or where
            the answer does not do what it seems to.
    """

    place: str
    problem: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as CX reads it.

    Attributes:
        value: The answer with the names of members as CX documents them (lowerCamelCase), members that are null but
            for values left out; None where it is refused.
        findings: What is to be said of it; an ``error`` among them is why it is refused.
    """

    value: Mapping[str, Any] | None
    findings: tuple[Finding, ...] = ()
