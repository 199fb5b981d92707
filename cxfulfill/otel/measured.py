"""The metrics of calls: how many, how long and how large, by handler and outcome.

Sums are added up here and read when the SDK collects, which costs a call much less than an instrument's own ``add``;
only distributions take a measurement each. No label comes from a request: a tag is the one that the handler is
registered for.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from cxfulfill.forks import begin_in_each_process
from cxfulfill.records import CallRecord

MAX_OUTCOMES: Final = 1_000
"""Combinations of labels that are counted apart; more of them would mean that a reason holds more than a code."""
OVERFLOW: Final = "other"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.5, 5.0, 10.0, 20.0, 30.0)
"""Bounds of durations; CX waits 5 seconds by default, and 30 at most."""
BYTES: Final = (256, 1_024, 4_096, 8_192, 16_384, 32_768, 49_152, 57_344, 65_536)
"""Bounds of sizes; the last one is the most that CX takes."""

Labels = dict[str, str | int]
_Key = tuple[str, str, str, str, str, int]


class _Sum(NamedTuple):
    """What is added up of the records of a handler, and what it is told as."""

    part: str
    instrument: str
    unit: str
    text: str
    label: tuple[str, str] | None = None
    scale: float = 1


_IO: Final = ("cxfulfill.io", "By", "Bytes of bodies.")
_TIME: Final = ("cxfulfill.stage.time", "s", "Seconds of calls, by stage.")
SUMS: Final = (
    _Sum("bytes_in", *_IO, ("network.io.direction", "receive")),
    _Sum("bytes_out", *_IO, ("network.io.direction", "transmit")),
    *(_Sum(f"{stage}_ms", *_TIME, ("cxfulfill.stage", stage), 1e-3) for stage in ("queue", "auth", "store", "handler")),
    _Sum("store_errors", "cxfulfill.store.errors", "{error}", "Round trips to the store of calls that failed."),
)


class _Counted:
    """The calls of one handler and outcome.

    Args:
        record: The record of the first one.
        reason: Its reason code, as it is counted.
    """

    __slots__ = ("by_outcome", "labels", "number", "of_handler", "sums")

    def __init__(self, record: CallRecord, reason: str) -> None:
        self.of_handler: Labels = {
            "http.request.method": record.method, "http.route": record.path, "cxfulfill.tag": record.pattern,
        }  # fmt: skip
        self.by_outcome = self.of_handler | {"cxfulfill.outcome": record.outcome}
        self.labels = self.by_outcome | {"cxfulfill.reason": reason, "http.response.status_code": record.status}
        self.number = 0
        self.sums: list[float] = [0] * len(SUMS)


class Meters:
    """The instruments of one meter, and what is added up for them in this process.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        begin_in_each_process(self)
        meter.create_observable_counter("cxfulfill.calls", [self._observe_calls], "{call}", "Calls that are over.")
        for instrument, unit, text in dict.fromkeys(each[1:4] for each in SUMS):
            own = [(place, each) for place, each in enumerate(SUMS) if each.instrument == instrument]
            meter.create_observable_counter(instrument, [self._observer(own)], unit, text)
        self._duration = meter.create_histogram(
            "cxfulfill.call.duration", "s", "Seconds of calls, from their arrival.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )  # fmt: skip
        self._size = meter.create_histogram(
            "cxfulfill.response.size", "By", "Bytes of answers; CX takes 65,536 at most.",
            explicit_bucket_boundaries_advisory=BYTES,
        )  # fmt: skip

    def begin(self) -> None:
        """Begin at nothing: what the parent process counted is told by that one; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._counted: dict[_Key, _Counted] = {}

    def count(self, record: CallRecord) -> None:
        """Count a call.

        Args:
            record: Its record.
        """
        with self._lock:
            counted = self._counted_with(record)
            counted.number += 1
            sums = counted.sums
            for place, each in enumerate(SUMS):
                sums[place] += getattr(record, each.part)
        self._size.record(record.bytes_out, counted.of_handler)
        self._duration.record(record.ms / 1e3, counted.by_outcome)

    def _counted_with(self, record: CallRecord) -> _Counted:
        key: _Key = (record.path, record.pattern, record.method, record.outcome, record.reason, record.status)
        found = self._counted.get(key)
        if found is None:
            if len(self._counted) >= MAX_OUTCOMES:
                key = (*key[:4], OVERFLOW, record.status)
            found = self._counted[key] = self._counted.get(key) or _Counted(record, key[4])
        return found

    def _observe_calls(self, _: CallbackOptions) -> Iterator[Observation]:
        with self._lock:
            numbers = [(counted.number, counted.labels) for counted in self._counted.values()]
        for number, labels in numbers:
            yield Observation(number, labels)

    def _observer(self, own: list[tuple[int, _Sum]]) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            totals: defaultdict[tuple[tuple[str, str | int], ...], float] = defaultdict(float)
            with self._lock:
                for counted in self._counted.values():
                    for place, each in own:
                        labels = (*counted.of_handler.items(), *((each.label,) if each.label else ()))
                        totals[labels] += counted.sums[place] * each.scale
            for labels, total in totals.items():
                yield Observation(total, dict(labels))

        return observe


class _Global:
    """Stands for the global provider, which may be set later than this asks for it."""


_GLOBAL: Final = _Global()
_made: WeakKeyDictionary[object, Meters] = WeakKeyDictionary()


def meters_of(provider: object | None, make: Callable[[], Meter]) -> Meters:
    """Give the instruments of a provider: the same ones to all webhooks, since an instrument must not be made twice.

    Args:
        provider: The provider; None for the global one.
        make: Makes the meter.

    Returns:
        The instruments.
    """
    key = provider or _GLOBAL
    if key not in _made:
        _made[key] = Meters(make())
    return _made[key]
