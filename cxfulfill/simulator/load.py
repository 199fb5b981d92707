"""A bounded load: users that call a webhook as those of an agent make CX call it, some calls delivered twice."""

import copy
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from threading import Event, Lock, Thread
from typing import Any, Final, Protocol

from cxfulfill.errors import BadRequest
from cxfulfill.http import Headers
from cxfulfill.protocol import json
from cxfulfill.simulator.figures import Delivery, Figures
from cxfulfill.simulator.sending import Answer, NoAnswer, Outgoing, Transport
from cxfulfill.simulator.traffic import Conversation, Mix
from cxfulfill.simulator.values import doubles

MAX_SECONDS: Final = 600.0
MAX_USERS: Final = 64
MAX_THINK: Final = 60.0
MAX_TIMEOUT: Final = 30.0
"""The longest that CX waits."""

HUNG: Final = "hung"
"""Failure of a user whose call did not come to an end, long after its time limit."""

_MAX_ANSWER: Final = 65_536  # bytes that CX takes
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TICK: Final = 0.25  # seconds between two looks at the figures
_GRACE: Final = 2.0


class Connection(Transport, Protocol):
    """A transport of one user."""

    def close(self) -> None:
        """Close what is open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        url: The webhook's URL.
        mix: What is called.
        headers: Header fields of each call; credentials among them.
        users: How many users there are.
        seconds: How long no call begins any more.
        calls: How many calls there are at most; None for no such limit.
        think: Mean of the seconds between two calls of a user, which are distributed exponentially.
        duplicates: Share of the calls that are delivered twice: half of them at once, half one after the other.
        timeout: Seconds after which a delivery is given up, as CX does.
        not_replayed: Tags whose two deliveries are not expected to be answered as one.
    """

    url: str
    mix: Mix
    headers: Headers = field(repr=False, default_factory=lambda: Headers({}))
    users: int = 8
    seconds: float = 30.0
    calls: int | None = None
    think: float = 0.5
    duplicates: float = 0.0
    timeout: float = 5.0
    not_replayed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        bounds = {
            f"seconds must be more than 0 and at most {MAX_SECONDS:g}": 0 < self.seconds <= MAX_SECONDS,
            f"users must be between 1 and {MAX_USERS}": 1 <= self.users <= MAX_USERS,
            "calls must be 1 at least": self.calls is None or self.calls >= 1,
            f"think must be between 0 and {MAX_THINK:g}": 0 <= self.think <= MAX_THINK,
            "duplicates must be between 0 and 1": 0 <= self.duplicates <= 1,
            f"timeout must be more than 0 and at most {MAX_TIMEOUT:g}": 0 < self.timeout <= MAX_TIMEOUT,
        }
        for sentence, is_kept in bounds.items():
            if not is_kept:  # what is no number keeps none of them
                raise ValueError(sentence)


class Load:
    """Does it, once.

    Args:
        plan: What is to be done.
        connect: Makes the transport of a user.
        clock: Seconds that only go up.
        sleep: Waits so many seconds; by default until it is stopped at most.
        rng: Where chance comes from, but for ids: those are new each time, so that no call is that of an earlier load.
    """

    def __init__(
        self,
        plan: Plan,
        connect: Callable[[], Connection],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        rng: Random | None = None,
    ) -> None:
        self._plan = plan
        self._connect = connect
        self._clock = clock
        self._stopped = Event()
        self._sleep = sleep or self._stopped.wait
        self._rng = rng or Random()  # noqa: S311 - no secret comes of it
        self._lock = Lock()
        self._figures = Figures()
        self._left = plan.calls
        self._users = plan.users
        self._over = Event()
        self._begun = self._end = 0.0
        self._broken: Exception | None = None

    def run(self, watch: Callable[[Figures], object] = id) -> Figures:
        """Begin, and wait until it is over.

        An interrupt (Ctrl-C) ends it: calls that are on their way may end, unless another interrupt follows.

        Args:
            watch: Told the figures four times a second.

        Returns:
            The figures.
        """
        self._begun = self._clock()
        self._end = self._begun + self._plan.seconds
        # Each user's chance is its own: which thread is quicker decides nothing.
        chances = [Random(self._rng.getrandbits(64)) for _ in range(self._plan.users)]  # noqa: S311 - no secret
        for chance in chances:
            Thread(target=self._live, args=(chance,), daemon=True).start()
        interrupted = False
        try:
            self._wait(watch)
        except KeyboardInterrupt:
            interrupted = True
            self._stopped.set()
            with suppress(KeyboardInterrupt):
                self._over.wait(self._plan.timeout + _GRACE)
        if self._broken:
            raise self._broken
        figures = self.figures()
        figures.is_interrupted = interrupted
        return figures

    def figures(self) -> Figures:
        """Give the figures so far.

        Returns:
            A copy, which does not change.
        """
        with self._lock:
            figures = copy.deepcopy(self._figures)
        figures.seconds = self._clock() - self._begun
        return figures

    def _wait(self, watch: Callable[[Figures], object]) -> None:
        # A call may have begun at the very end, and be delivered twice in a row.
        gives_up = self._end + 2 * self._plan.timeout + _GRACE
        while not self._over.wait(_TICK):
            watch(self.figures())
            if self._clock() > gives_up:
                self._stopped.set()
                with self._lock:
                    for _ in range(self._users):
                        self._figures.fail(HUNG)
                return
        watch(self.figures())

    def _live(self, rng: Random) -> None:
        try:
            self._converse(rng)
        except Exception as error:  # it is raised again where the load is waited for
            self._broken = error
            self._stopped.set()
        with self._lock:
            self._users -= 1
            is_last = self._users == 0
        if is_last:
            self._over.set()

    def _converse(self, rng: Random) -> None:
        conversation, connection = Conversation(), self._connect()
        try:
            while self._may_call() and self._think(rng):
                self._call(conversation, connection, rng)
        finally:
            connection.close()

    def _may_call(self) -> bool:
        with self._lock:
            if self._left is not None:
                self._left -= 1
            return self._left is None or self._left >= 0

    def _think(self, rng: Random) -> bool:
        pause = rng.expovariate(1 / self._plan.think) if self._plan.think else 0.0
        if self._clock() + pause >= self._end:
            return False
        if pause:
            self._sleep(pause)
        return not self._stopped.is_set()

    def _call(self, conversation: Conversation, connection: Connection, rng: Random) -> None:
        plan = self._plan
        tag, request = plan.mix.choose(rng)
        outgoing = Outgoing(method="POST", url=plan.url, headers=plan.headers, body=conversation.turn(request))
        is_twice, is_at_once = rng.random() < plan.duplicates, rng.random() < 0.5
        if is_twice and is_at_once:
            deliveries = self._at_once(connection, outgoing)
        else:
            deliveries = [self._deliver(connection, outgoing) for _ in range(2 if is_twice else 1)]
        for delivery in deliveries:
            conversation.hear(delivery.document)
        with self._lock:
            self._figures.add(tag, deliveries, is_checked=tag not in plan.not_replayed)

    def _at_once(self, connection: Connection, outgoing: Outgoing) -> list[Delivery]:
        deliveries: list[Delivery] = []

        def deliver() -> None:
            deliveries.append(self._deliver(connection, outgoing))

        other = Thread(target=deliver, daemon=True)
        other.start()
        deliver()
        other.join()
        return deliveries

    def _deliver(self, connection: Connection, outgoing: Outgoing) -> Delivery:
        begun = self._clock()
        try:
            answer = connection.send(outgoing, self._plan.timeout)
        except NoAnswer as error:
            return Delivery(self._clock() - begun, failure=error.failure)
        seconds = self._clock() - begun
        failure, document = _read(answer)
        if seconds > self._plan.timeout:
            failure = "timeout"
        return Delivery(seconds, answer.status, failure, answer.is_replayed, answer.body, document)


def _read(answer: Answer) -> tuple[str, dict[str, Any]]:
    """Read an answer: the reason why CX would not take it, empty for none; and what it says."""
    try:
        document = doubles(json.loads(answer.body))
    except (BadRequest, OverflowError):
        document = None
    if not HTTPStatus(200) <= answer.status < HTTPStatus(300):
        reason = document.get("reason") if isinstance(document, dict) else None
        known = isinstance(reason, str) and _REASON.fullmatch(reason)
        return f"{answer.status} {reason}" if known else str(answer.status), {}
    if len(answer.body) > _MAX_ANSWER:
        return "too_large", {}
    return ("", document) if isinstance(document, dict) else ("unreadable", {})
