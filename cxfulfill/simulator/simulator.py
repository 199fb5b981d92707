"""A conversation: a session of an agent, and the calls that it makes."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

from cxfulfill.errors import ConfigurationError, CxFulfillError
from cxfulfill.simulator import wire
from cxfulfill.simulator.caller import Caller, Delivery, Fault
from cxfulfill.simulator.findings import Version
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.judging import Verdict, judge, judge_flexible, query_result
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


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that is ready to be sent.

    Attributes:
        tag: The tag.
        request: The request, as JSON.
        body: Its bytes.
        before: The session before it was made.
    """

    tag: str
    request: Mapping[str, Any]
    body: bytes
    before: State


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

    def query_result(self, version: Version | None = None) -> dict[str, Any]:
        """Show the last turn's calls as whoever called detect intent sees them in its ``QueryResult``.

        Args:
            version: The API's version; the conversation's own by default.

        Returns:
            ``webhookPayloads`` and ``webhookStatuses``; with ``v3beta1`` ids, names, latencies and tags too. A call
            that was delivered several times is one.
        """
        turn = self.session.state.response_id
        calls: dict[int, tuple[str, Delivery, Verdict]] = {}
        for each in self.results:
            if each.state.response_id == turn:
                calls.setdefault(id(each.delivery.outgoing), (each.tag, each.delivery, each.verdict))
        return query_result(calls.values(), version or self.version)

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
        return self.send(self.prepare(wanted), fault=fault, faults=faults)

    def send(self, ready: Ready, *, fault: Fault = "none", faults: int = 1) -> Result:
        """Send a request that is ready, such as one of a file; as for `make`.

        Args:
            ready: The request.
            fault: What happens to the answers of its first attempts.
            faults: How many of them it happens to.

        Returns:
            What became of it.
        """
        outgoing = self.caller.outgoing(ready.body, self.session.state.parameters)
        return self._settle(ready, self.caller.deliver(outgoing, fault=fault, faults=faults))

    def repeat(self, result: Result) -> Result:
        """Deliver a call again, with the same bytes and header fields. The session takes the answer again.

        Args:
            result: The call.

        Returns:
            What became of this delivery.
        """
        outgoing = result.delivery.outgoing
        ready = Ready(result.tag, result.request, outgoing.body, self.session.state)
        return self._settle(ready, self.caller.deliver(outgoing))

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
        return self.send_twice(self.prepare(wanted), concurrently=concurrently)

    def send_twice(self, ready: Ready, *, concurrently: bool = False) -> tuple[Result, Result]:
        """Send a request that is ready twice; as for `make_twice`.

        Args:
            ready: The request.
            concurrently: Whether the second delivery is sent while the first still runs.

        Returns:
            What became of each delivery.
        """
        outgoing = self.caller.outgoing(ready.body, self.session.state.parameters)
        deliveries = self.caller.deliver_twice(outgoing, concurrently=concurrently)
        # The one that has run comes first, whichever thread was the faster.
        ran, repeated = sorted(deliveries, key=lambda each: each.answer is not None and each.answer.is_replayed)
        state = self.session.state
        other = self._settle(ready, repeated)
        self.session.state = state
        first = self._settle(ready, ran)
        self.results[-2:] = [first, other]
        return first, other

    def prepare(self, wanted: Input) -> Ready:
        """Make the request of a call; the session is then where it says.

        Args:
            wanted: The call.

        Returns:
            The request.

        Raises:
            ConfigurationError: The session is over, or its page has no form parameter that the turn fills.
            ReplyError: A value is none of JSON. In either case the session is as it was.
        """
        self.check_going_on()
        before = self.session.state
        try:
            self._move(wanted)
        except CxFulfillError:
            self.session.state = before
            raise
        request = self.session.request(wanted.tag)
        return Ready(wanted.tag, request, wire.dumps(request), before)

    def check_going_on(self) -> None:
        """Check that the session can make a call.

        Raises:
            ConfigurationError: It is over.
        """
        if self.session.state.ended:
            raise ConfigurationError("the session is over: begin a new one")

    def _move(self, wanted: Input) -> None:
        session = self.session
        if wanted.page is not None or wanted.form is not None:
            page = session.find_page(wanted.page or session.state.page)
            session.goto(page if wanted.form is None else SessionPage.of(page.name, page.display_name, wanted.form))
        if wanted.turn is not None:
            session.begin(wanted.turn)
        session.set(wanted.parameters)
        session.collect(wanted.collected)
        session.queue(*wanted.queued)

    def _settle(self, ready: Ready, delivery: Delivery) -> Result:
        return self._result(ready.tag, ready.request, ready.before, (delivery, judge(delivery, self.version)))

    def _result(self, tag: str, request: Mapping[str, Any], before: State, judged: tuple[Delivery, Verdict]) -> Result:
        delivery, verdict = judged
        merged = Merged() if verdict.answer is None else self.session.take(verdict.answer)
        result = Result(tag, request, delivery, verdict, merged, self.session.state, before)
        self.results.append(result)
        return result
