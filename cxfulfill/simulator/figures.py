"""What is counted of a load: calls, statuses, failures, durations, and whether repeated calls ran once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cxfulfill.simulator.percentiles import Durations

NOT_REPLAYED: Final = "not_replayed"
"""Failure of a call whose two deliveries were not answered as one."""

OTHER: Final = "other"
_MOST_FAILURES: Final = 200  # tags are few, but reasons are the server's word

Twice = Literal["once", "not_replayed", "failed", "unchecked"]
"""What became of a call that was delivered twice: it ran once; it did not; no telling, since a delivery failed; nobody
expected it to run once."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that was sent, and what became of it.

    Attributes:
        seconds: How long it took.
        status: The HTTP status; 0 where no answer came.
        failure: What failed: ``timeout``, ``unreachable``, ``tls``, ``unreadable``, ``too_large``, or a status with the
            reason code of its problem document, such as ``503 deadline``; empty for none.
        is_replayed: Whether the answer is that of an earlier delivery.
        body: The answer.
        document: The answer as JSON; empty where it failed.
    """

    seconds: float
    status: int = 0
    failure: str = ""
    is_replayed: bool = False
    body: bytes = field(repr=False, default=b"")
    document: Mapping[str, Any] = field(repr=False, default_factory=dict)


def verdict_of(first: Delivery, second: Delivery) -> Twice:
    """Judge the two deliveries of a call.

    Args:
        first: One of them.
        second: The other.

    Returns:
        What became of it. Both may be replayed: a business key may have been used before.
    """
    if first.failure or second.failure:
        return "failed"
    is_one = first.body == second.body and (first.is_replayed or second.is_replayed)
    return "once" if is_one else "not_replayed"


@dataclass(slots=True)
class Figures:
    """Counts.

    Attributes:
        seconds: How long the load has lasted.
        calls: Calls, each delivered once or twice.
        failed: Deliveries that failed, and calls that did not run once.
        replayed: Answers that were those of an earlier delivery.
        late: Deliveries that were not answered within the time limit.
        statuses: Answers by status.
        failures: Failures by what failed and tag.
        twice: Calls that were delivered twice, by what became of them.
        durations: How long the deliveries took that were answered or given up; not those that broke.
        by_tag: The same by tag, but for answers of an earlier delivery.
        of_replays: The same of answers of an earlier delivery.
        is_interrupted: Whether it was ended from outside.
    """

    seconds: float = 0.0
    calls: int = 0
    failed: int = 0
    replayed: int = 0
    late: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    twice: Counter[Twice] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    by_tag: dict[str, Durations] = field(default_factory=dict)
    of_replays: Durations = field(default_factory=Durations)
    is_interrupted: bool = False

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds if self.seconds else 0.0

    @property
    def late_share(self) -> float:
        """Share of the deliveries that took longer than the time limit, of those in `durations`."""
        return self.late / self.durations.count if self.durations.count else 0.0

    def add(self, tag: str, deliveries: Sequence[Delivery], *, is_checked: bool = True) -> None:
        """Count a call.

        Args:
            tag: Its tag.
            deliveries: Its one or two deliveries.
            is_checked: Whether two of them are expected to be answered as one.
        """
        self.calls += 1
        for delivery in deliveries:
            self._add(tag, delivery)
        if len(deliveries) == 2:
            verdict = verdict_of(*deliveries) if is_checked else "unchecked"
            self.twice[verdict] += 1
            if verdict == "not_replayed":
                self.fail(NOT_REPLAYED, tag)

    def fail(self, what: str, tag: str = "") -> None:
        """Count a failure.

        Args:
            what: What failed.
            tag: The call's tag; empty where it is not known.
        """
        self.failed += 1
        is_new = (what, tag) not in self.failures
        self.failures[(OTHER, "") if is_new and len(self.failures) >= _MOST_FAILURES else (what, tag)] += 1

    def document(self) -> dict[str, Any]:
        """Give the figures for machines.

        Returns:
            A JSON object; times in seconds.
        """
        return {
            "seconds": self.seconds, "interrupted": self.is_interrupted,
            "calls": self.calls, "calls_per_second": self.rate, "failed": self.failed, "replayed": self.replayed,
            "late": self.late, "late_share": self.late_share,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "failures": [{"what": what, "tag": tag, "count": n} for (what, tag), n in self.failures.most_common()],
            "delivered_twice": {"calls": self.twice.total(), **self.twice},
            "latency": _summary(self.durations),
            "latency_by_tag": {tag: _summary(durations) for tag, durations in sorted(self.by_tag.items())},
            "latency_of_replays": _summary(self.of_replays),
            "distribution": [{"from": each.start, "count": each.count} for each in self.durations.steps()],
        }  # fmt: skip

    def _add(self, tag: str, delivery: Delivery) -> None:
        if delivery.status:
            self.statuses[delivery.status] += 1
        if delivery.failure:
            self.fail(delivery.failure, tag)
        self.replayed += delivery.is_replayed
        is_late = delivery.failure == "timeout"
        self.late += is_late
        if delivery.status or is_late:
            kind = self.of_replays if delivery.is_replayed else self.by_tag.setdefault(tag, Durations())
            kind.add(delivery.seconds)
            self.durations.add(delivery.seconds)


def _summary(durations: Durations) -> dict[str, float]:
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    percentiles = {name: durations.percentile(share) for name, share in shares.items()}
    return {"count": durations.count, **percentiles, "max": durations.longest}
