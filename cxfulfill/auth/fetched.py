"""A value from elsewhere that is kept: keys, secrets.

Fetched when first needed, by one thread at a time and for a bounded time; renewed before it is too old; and served
past its age while its source is down. Reading it never blocks.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final, Generic, TypeVar

from cxfulfill.auth.base import NeedsIO
from cxfulfill.errors import Unavailable
from cxfulfill.forks import lock_of_process
from cxfulfill.structures import structure

T = TypeVar("T")

TIME_LIMIT: Final = 3.0
"""Seconds that a fetch may take."""
COOL_DOWN: Final = 30.0
"""Seconds between two fetches that a caller can cause, such as with an unknown key id."""
PAUSE: Final = 5
"""Seconds after a failed fetch before the next one."""
STALE_FOR: Final = 86_400.0
"""Seconds that a value is served past its age while its source is down."""

_EARLY = 0.8
"""Part of a value's age after which it is renewed in the background."""
_LONG = 0.9
"""Part of the time limit after which a fetch that failed counts as one that had no answer."""
_log = logging.getLogger("cxfulfill")


class FetchError(Exception):
    """The value could not be had. The text is of our own and stands in the log: it holds nothing that was received."""


class Gone(Exception):
    """The source says that the value is no longer valid: it is dropped, not served past its age.

    Its argument is the reason, for the log, without the value.
    """


class Held(Generic[T]):
    """A value and how long it is good for.

    Args:
        value: The value.
        max_age: Seconds from its fetch.
    """

    def __init__(self, value: T, max_age: float) -> None:
        self.value = value
        self.max_age = max_age


class TakenBack(Unavailable):
    """503: there is no value, and its source said so itself."""


@structure
class _State(Generic[T]):
    held: Held[T] | None = None
    fetched: float = -math.inf
    attempted: float = -math.inf
    failed: bool = False
    hung: bool = False
    gone: bool = False
    problem: str = ""


class Fetched(Generic[T]):
    """A value that is fetched and kept.

    Args:
        what: What it is, for answers' reasons, such as ``keys``.
        source: Where it comes from, for the log.
        load: Fetches it; runs in a thread of its own. Raises `Gone` where the source took it back, anything else
            where the source is down. Of a `FetchError` and of `Gone` the log has the text, else the class alone.
        clock: Seconds that only go up.
    """

    def __init__(
        self, what: str, source: str, load: Callable[[], Held[T]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._source = source
        self._load = load
        self._clock = clock
        self._state: _State[T] = _State()
        self._lock = lock_of_process(self)
        self._flight: _Flight | None = None

    def get(self) -> T:
        """Give the value as it is held.

        Returns:
            The value; one past its age while its source is down or being asked.

        Raises:
            NeedsIO: It must be fetched first.
            Unavailable: It could not be fetched a moment ago, and none is held.
        """
        now, state = self._clock(), self._state
        held, age = state.held, now - state.fetched
        if held is not None and age < held.max_age * _EARLY:
            return held.value
        if held is None or age >= held.max_age + STALE_FOR:
            if state.failed and now < state.attempted + PAUSE:
                raise self._unavailable(now, state)
            raise NeedsIO(partial(self._fetch, state))
        if not self._is_settled(now, state):
            if age >= held.max_age and not state.hung:
                raise NeedsIO(partial(self._fetch, state))  # this caller waits, all others are served meanwhile
            self._start_behind()  # nobody waits again for a source that gave no answer at all
        return held.value

    def renew(self) -> None:
        """Ask for a newer value, such as for a key that is not among those held.

        Raises:
            NeedsIO: Fetch, and look again. Not raised within `COOL_DOWN` of the last fetch.
            Unavailable: The last fetch failed, so nobody knows.
        """
        now, state = self._clock(), self._state
        if now >= state.attempted + (PAUSE if state.failed else COOL_DOWN):
            if not state.hung:
                raise NeedsIO(partial(self._fetch, state))
            self._start_behind()  # as in `get`: whoever asks for a key that nobody has would hold up a thread
        if state.failed:
            raise self._unavailable(now, state)

    def _unavailable(self, now: float, state: _State[T]) -> Unavailable:
        retry_after = max(1, math.ceil(state.attempted + PAUSE - now))
        note = f"no {self._what} from {self._source}: {state.problem}"
        if state.gone:
            return TakenBack(reason=f"{self._what}_unavailable", retry_after=retry_after, note=note)
        return Unavailable(reason=f"{self._what}_unavailable", retry_after=retry_after, note=note)

    def fetch(self) -> None:
        """Fetch the value, or wait for the fetch that is under way; returns after `TIME_LIMIT` at the latest."""
        self._fetch(None)

    def _fetch(self, seen: _State[T] | None) -> None:
        flight = self._start(seen)
        if flight is None:
            return
        try:
            flight.landed.result(TIME_LIMIT)
        except TimeoutError:
            self._land(flight, None, "it took too long", hung=True)

    def is_held(self) -> bool:
        """Tell whether a value is held; where none is, a fetch is started.

        Returns:
            Whether `get` gives one.
        """
        try:
            self.get()
        except NeedsIO:
            self._start_behind()
            return self._state.held is not None
        except Unavailable:
            return False
        return True

    def _is_settled(self, now: float, state: _State[T]) -> bool:
        return self._under_way(now) is not None or (state.failed and now < state.attempted + PAUSE)

    def _under_way(self, now: float) -> "_Flight | None":
        """Give the fetch that is under way: not the parent process's, and none that has taken too long."""
        flight = self._flight
        alive = flight is not None and flight.process == os.getpid() and now < flight.begun + TIME_LIMIT
        return flight if alive else None

    def _start_behind(self) -> None:
        """Begin a fetch that nobody waits for; where one hangs, give it up: there is a pause before the next."""
        flight = self._flight
        if flight is None or flight.process != os.getpid() or self._under_way(self._clock()) is not None:
            self._start()
        else:
            self._land(flight, None, "it took too long", hung=True)

    def _start(self, seen: _State[T] | None = None) -> "_Flight | None":
        """Begin a fetch, or join the one under way; None where one has landed since the caller looked."""
        with self._lock:
            if seen is not None and self._state is not seen:
                return None
            now = self._clock()
            under_way = self._under_way(now)
            if under_way is not None:
                return under_way
            flight = self._flight = _Flight(os.getpid(), now)
        try:
            threading.Thread(target=self._run, args=(flight,), name="cxfulfill-fetch", daemon=True).start()
        except RuntimeError:
            self._land(flight, None, "no thread could be started")
        return flight

    def _run(self, flight: "_Flight") -> None:
        try:
            held = self._load()
        except Gone as gone:
            self._land(flight, None, str(gone), drop=True)
        except FetchError as error:
            self._land(flight, None, str(error))
        except BaseException as error:  # whatever it was, the source did not give the value
            self._land(flight, None, type(error).__name__)
        else:
            self._land(flight, held, "")

    def _land(
        self, flight: "_Flight", held: Held[T] | None, problem: str, *, drop: bool = False, hung: bool = False
    ) -> None:
        with self._lock:
            is_late = self._flight is not flight
            if is_late and not drop:
                return  # it has been given up
            now = self._clock()
            if not is_late:
                self._flight = None
            if held is not None:
                self._state = _State(held, fetched=now, attempted=now)
            else:
                kept: _State[T] = _State(gone=True) if drop else self._state
                hung = hung or now >= flight.begun + _LONG * TIME_LIMIT
                self._state = replace(kept, attempted=now, failed=True, hung=hung, problem=problem)
        if problem:
            with suppress(Exception):  # a log that fails must not keep those who wait
                _log.warning("%s could not be fetched from %s: %s", self._what, self._source, problem)
        if not flight.landed.done():
            flight.landed.set_result(None)


class _Flight:
    """A fetch that was begun."""

    __slots__ = ("begun", "landed", "process")

    def __init__(self, process: int, begun: float) -> None:
        self.process = process
        self.begun = begun
        self.landed: Future[None] = Future()
