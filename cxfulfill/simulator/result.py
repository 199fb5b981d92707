"""What became of a call: what a test looks at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cxfulfill.http import Headers
from cxfulfill.records import CallRecord
from cxfulfill.simulator.caller import Delivery
from cxfulfill.simulator.findings import Finding
from cxfulfill.simulator.judging import Verdict
from cxfulfill.simulator.merging import Merged
from cxfulfill.simulator.state import State


class Parameters(dict[str, Any]):
    """Session parameters; pytest shows what is different where an assertion about them fails."""


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What became of a call.

    Attributes:
        tag: The tag that was called; empty for a flexible webhook.
        request: The request, as JSON.
        delivery: The call on its way, with its attempts.
        verdict: What CX makes of the answer.
        merged: What the answer has done to the session.
        state: The session after it.
        before: The session before it.
    """

    tag: str
    request: Mapping[str, Any]
    delivery: Delivery
    verdict: Verdict
    merged: Merged
    state: State
    before: State

    @property
    def called(self) -> str:
        """What was called: the tag, or else method and path."""
        outgoing = self.delivery.outgoing
        return self.tag or f"{outgoing.method} {urlsplit(outgoing.url).path}"

    @property
    def ok(self) -> bool:
        """Whether CX takes the answer."""
        return self.verdict.ok

    @property
    def status(self) -> int | None:
        """The HTTP status; None where CX has no answer."""
        answer = self.delivery.answer
        return None if answer is None else answer.status

    @property
    def event(self) -> str:
        """The event that CX raises; empty for none."""
        return self.verdict.event

    @property
    def texts(self) -> list[str]:
        """The texts of the answer, in order: of each, the first variant."""
        found = (each.get("text", {}).get("text") or [] for each in self.messages)
        return [variants[0] for variants in found if variants]

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The messages of the answer, as JSON."""
        return list(self.merged.messages)

    @property
    def parameters(self) -> Parameters:
        """The session parameters after the answer."""
        return Parameters(self.state.parameters)

    @property
    def page(self) -> str:
        """Display name of the page after the answer; its id where no display name is known."""
        return self.state.page.display_name

    @property
    def page_name(self) -> str:
        """Full name of the page after the answer."""
        return self.state.page.name

    @property
    def form(self) -> dict[str, Any]:
        """Values of the form of that page; None where there is none."""
        return self.state.page.values

    @property
    def reprompt(self) -> list[str]:
        """The form's parameters that the answer has the agent ask for again."""
        return list(self.merged.reprompt)

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """The answer's payload for the caller of detect intent."""
        return self.merged.payload

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.state.ended

    @property
    def replayed(self) -> bool:
        """Whether the answer is that of an earlier delivery: no handler has run for this one."""
        answer = self.delivery.answer
        return answer is not None and answer.is_replayed

    @property
    def headers(self) -> Headers:
        """Header fields of the answer."""
        answer = self.delivery.answer
        return Headers({}) if answer is None else answer.headers

    @property
    def body(self) -> bytes:
        """The answer's bytes; none where CX has no answer."""
        answer = self.delivery.answer
        return b"" if answer is None else answer.body

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of the answer, and of what it does to the session."""
        return (*self.verdict.findings, *self.merged.findings)

    @property
    def json(self) -> Any:
        """The answer's bytes as JSON.

        Raises:
            ValueError: They are none.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("the answer is nested too deeply") from None

    @property
    def reason(self) -> str:
        """The reason code of a refusal or failure that cxfulfill answers with; empty for none."""
        try:
            document = self.json
        except (ValueError, RecursionError):
            return ""
        return str(document.get("reason", "")) if isinstance(document, dict) and (self.status or 0) >= 400 else ""

    @property
    def record(self) -> CallRecord | None:
        """The application's own record of the call; None where it runs in another process, or no answer came."""
        last = self.delivery.last.answer
        return None if last is None else last.record

    def __repr__(self) -> str:
        told = [f"<Result {self.called}: {self.status or 'no answer'}"]
        told += [f"event={self.event}"] * bool(self.event)
        told += [f"reason={self.reason}"] * bool(self.reason)
        told += [f"texts={self.texts!r}"] * bool(self.texts)
        told += ["replayed"] * self.replayed
        return " ".join(told) + ">"
