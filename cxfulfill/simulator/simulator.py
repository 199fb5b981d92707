"""A conversation: a session of an agent, and the calls that it makes."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator import wire
from cxfulfill.simulator.caller import Caller, Delivery, Fault
from cxfulfill.simulator.findings import Version
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.judging import Verdict, judge, judge_flexible
from cxfulfill.simulator.merging import Merged
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.state import State
from cxfulfill.simulator.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A call that is to be made.

    Attributes:
        tag: The tag.
        turn: What the user does; None goes on in the turn of the call before.
        parameters: Session parameters that are set before, as presets do; None removes one.
        page: Where the session is then: a page, or its display name, id or full name; None leaves it there.
        form: Values of a form on that page; None as a value is an empty parameter.
        collected: Values that the turn fills the form with.
        queued: Static messages of the fulfillment, which come before the answer.
    """

    tag: str
    turn: Turn | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    page: SessionPage | str | None = None
    form: Mapping[str, Any] | None = None
    collected: Mapping[str, Any] = field(default_factory=dict)
    queued: Iterable[Mapping[str, Any] | str] = ()


class Simulator:
    """Calls a webhook as Dialogflow CX does, and keeps the session.

    Args:
        session: The session.
        caller: Makes the calls.
        version: The API's version that answers are read as.

    Attributes:
        results: What became of each call, in order.
    """

    def __init__(self, session: Session, caller: Caller, *, version: Version = "v3") -> None:
        self.session = session
        self.caller = caller
        self.version: Version = version
        self.results: list[Result] = []

    def as_caller(self, credential: Credential | None, *, headers: Mapping[str, str] | None = None) -> Self:
        """Give the same conversation, with another caller.

        Args:
            credential: What its calls prove themselves with; None for nothing.
            headers: Further header fields.

        Returns:
            The conversation; session and results are shared with this one.
        """
        other = copy(self)
        other.caller = self.caller.proving(credential, headers)
        return other

    def make(self, wanted: Input, *, fault: Fault = "none", faults: int = 1) -> Result:
        """Make a call.

        Args:
            wanted: The call.
            fault: What happens to the answers of its first attempts.
            faults: How many of them it happens to.

        Returns:
            What became of it.
        """
        before, request = self._prepare(wanted)
        outgoing = self.caller.outgoing(wire.dumps(request), self.session.state.parameters)
        return self._settle(wanted.tag, request, before, self.caller.deliver(outgoing, fault=fault, faults=faults))

    def make_flexible(self, settings: FlexibleSettings, *, fault: Fault = "none", faults: int = 1) -> Result:
        """Call a flexible webhook: its request has nothing of the session but what the settings refer to.

        Args:
            settings: What is entered in CX.
            fault: What happens to the answers of its first attempts.
            faults: How many of them it happens to.

        Returns:
            What became of it; its tag is empty.
        """
        self.check_going_on()
        before = self.session.state
        outgoing = self.caller.flexible(settings, before.parameters)
        delivery = self.caller.deliver(outgoing, fault=fault, faults=faults)
        return self._result("", {}, before, (delivery, judge_flexible(delivery, settings.mapping)))

    def make_twice(self, wanted: Input, *, concurrently: bool = False) -> tuple[Result, Result]:
        """Make a call whose request is delivered twice. The session takes the first answer.

        Args:
            wanted: The call.
            concurrently: Whether the second delivery is sent while the first still runs.

        Returns:
            What became of each delivery.
        """
        before, request = self._prepare(wanted)
        outgoing = self.caller.outgoing(wire.dumps(request), self.session.state.parameters)
        deliveries = self.caller.deliver_twice(outgoing, concurrently=concurrently)
        # The one that has run comes first, whichever thread was the faster.
        ran, repeated = sorted(deliveries, key=lambda each: each.answer is not None and each.answer.is_replayed)
        ready = self.session.state
        other = self._settle(wanted.tag, request, before, repeated)
        self.session.state = ready
        first = self._settle(wanted.tag, request, before, ran)
        self.results[-2:] = [first, other]
        return first, other

    def check_going_on(self) -> None:
        """Check that the session can make a call.

        Raises:
            ConfigurationError: It is over.
        """
        if self.session.state.ended:
            raise ConfigurationError("the session is over: begin a new one")

    def _prepare(self, wanted: Input) -> tuple[State, dict[str, Any]]:
        self.check_going_on()
        session = self.session
        before = session.state
        if wanted.page is not None or wanted.form is not None:
            page = session.find_page(wanted.page or session.state.page)
            session.goto(page if wanted.form is None else SessionPage.of(page.name, page.display_name, wanted.form))
        if wanted.turn is not None:
            session.begin(wanted.turn)
        session.set(wanted.parameters)
        session.collect(wanted.collected)
        session.queue(*wanted.queued)
        return before, session.request(wanted.tag)

    def _settle(self, tag: str, request: Mapping[str, Any], before: State, delivery: Delivery) -> Result:
        return self._result(tag, request, before, (delivery, judge(delivery, self.version)))

    def _result(self, tag: str, request: Mapping[str, Any], before: State, judged: tuple[Delivery, Verdict]) -> Result:
        delivery, verdict = judged
        merged = Merged() if verdict.answer is None else self.session.take(verdict.answer)
        result = Result(tag, request, delivery, verdict, merged, self.session.state, before)
        self.results.append(result)
        return result
