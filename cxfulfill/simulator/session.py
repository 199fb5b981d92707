"""An agent's side of a session: it builds the requests that CX sends, and takes the answers as CX does."""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.protocol.names import AgentName
from cxfulfill.simulator.merging import Merged, go, merge, queued_message
from cxfulfill.simulator.pages import START_FLOW, SYMBOLIC, FormField, SessionPage
from cxfulfill.simulator.state import State
from cxfulfill.simulator.turns import MEMBERS, Intent, Turn
from cxfulfill.simulator.values import as_cx

AGENT: Final = "projects/test-project/locations/global/agents/test-agent"
"""The agent of sessions that name no other."""


_NO_ID: Final = re.compile(r"[^\w.-]+")


def new_id() -> str:
    """Make an id as CX's are: a UUID."""
    return str(uuid.uuid4())


class Session:
    """A session of an agent.

    Args:
        agent: Full name of the agent.
        session_id: Id of the session; a new one by default.
        environment: Id of the agent's environment; ``-`` is the draft in the long form, None the draft without one.
        language: Language code of the user.
        parameters: Session parameters at the beginning.
        payload: ``QueryParameters.payload`` of each turn, as integrations fill it.
        caller_id: The caller's number, for a session by telephone: it goes into the payload as the Phone Gateway does.
        page: Where it begins; the start page of the Default Start Flow by default.
        pages: Further pages that answers may lead to.
        new_id: Makes ids; given by tests.

    Attributes:
        state: The session at this moment.

    Raises:
        ConfigurationError: The agent's name is none.
    """

    def __init__(
        self,
        *,
        agent: str = AGENT,
        session_id: str = "",
        environment: str | None = None,
        language: str = "en",
        parameters: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
        caller_id: str = "",
        page: SessionPage | None = None,
        pages: Iterable[SessionPage] = (),
        new_id: Callable[[], str] = new_id,
    ) -> None:
        if AgentName.parse(agent) is None:
            raise ConfigurationError("agent is a full name: projects/P/locations/L/agents/A")
        self.agent = agent
        self.environment = environment
        self.language = language
        self.payload = {**({"telephony": {"caller_id": caller_id}} if caller_id else {}), **(payload or {})}
        self._new_id = new_id
        self.id = session_id or new_id()
        begins = page or SessionPage.of(self.page_name("START_PAGE"))
        self.pages = {each.name: each for each in (*pages, begins)}
        self.state = State(page=begins, parameters=as_cx(parameters)).at(begins)
        self.state = replace(self.state, previous=None)
        self.begin(Turn())

    @property
    def name(self) -> str:
        """Full name of the session."""
        environment = "" if self.environment is None else f"/environments/{self.environment}"
        return f"{self.agent}{environment}/sessions/{self.id}"

    def page_name(self, page: str, flow: str = "") -> str:
        """Write the full name of a page.

        Args:
            page: Its id, or its full name.
            flow: Id of its flow, or its full name; that of the current page by default.

        Returns:
            The name.
        """
        if "/" in page:
            return page
        given = flow or (self.state.page.flow if hasattr(self, "state") else START_FLOW)
        return f"{given if '/' in given else f'{self.agent}/flows/{given}'}/pages/{page}"

    def begin(self, turn: Turn) -> None:
        """Begin a turn: with an id of its own, and without messages.

        Args:
            turn: What the user does.
        """
        fields = [replace(each, just_collected=False) for each in self.state.page.form or ()]
        self.state = replace(
            self.state,
            turn=turn,
            response_id=self._new_id(),
            queued=(),
            own=0,
            page=self.state.page.with_fields(fields),
        )

    def collect(self, values: Mapping[str, Any]) -> None:
        """Let the turn fill parameters of the form, as the agent understands the user's words.

        Args:
            values: Values by parameter.

        Raises:
            ConfigurationError: The page's form has no such parameter.
        """
        fields = {each.display_name: each for each in self.state.page.form or ()}
        if unknown := values.keys() - fields.keys():
            raise ConfigurationError(f"the page {self.state.page.display_name!r} has no form parameter {min(unknown)}")
        given = as_cx(values)
        filled = [fields[name].filled(value, just_collected=True) for name, value in given.items()]
        state = self.state.written(given)
        self.state = replace(state, page=state.page.with_fields(filled))

    def expect(self, name: str) -> None:
        """Let the current page's form have a parameter; it is empty where it is new.

        Args:
            name: Its display name.
        """
        form = self.state.page.form or ()
        if name not in {each.display_name for each in form}:
            page = replace(self.state.page, form=(*form, FormField(name)))
            self.pages[page.name] = page
            self.state = replace(self.state, page=page)

    def set(self, parameters: Mapping[str, Any]) -> None:
        """Set session parameters, as a fulfillment's presets do; None removes one.

        Args:
            parameters: Values by name.
        """
        self.state = self.state.written(as_cx(parameters))

    def find_page(self, page: SessionPage | str) -> SessionPage:
        """Find a page.

        Args:
            page: The page, its full name, its display name, or its id in the current flow.

        Returns:
            The page, with its form where it is known; one that nobody has told of is made up.
        """
        if isinstance(page, SessionPage):
            return page
        for known in self.pages.values():
            if page in (known.display_name, known.id) and known.flow == self.state.page.flow:
                return known
        name = page if "/" in page else self.page_name(_NO_ID.sub("-", page))
        return self.pages.get(name) or SessionPage.of(name, "" if "/" in page or page in SYMBOLIC else page)

    def goto(self, page: SessionPage | str) -> None:
        """Go to a page, as a route of the agent does.

        Args:
            page: As for `find_page`.
        """
        found = self.find_page(page)
        if found.id not in SYMBOLIC:
            self.pages[found.name] = found
        self.state = go(self.state, found.name, self.pages)

    def queue(self, *messages: Mapping[str, Any] | str, origin: str = "HANDLER_PROMPT") -> None:
        """Queue static messages of the fulfillment that calls the webhook.

        Args:
            messages: Messages as JSON, or texts.
            origin: Their ``responseType``.
        """
        full = [{"text": {"text": [each]}} if isinstance(each, str) else each for each in messages]
        new = tuple(queued_message(each, origin) for each in full)
        self.state = replace(self.state, queued=(*self.state.queued, *new), own=self.state.own + len(new))

    def request(self, tag: str) -> dict[str, Any]:
        """Build the WebhookRequest that CX sends now.

        Args:
            tag: The fulfillment's tag.

        Returns:
            The request; `cxfulfill.simulator.wire.dumps` writes it.
        """
        state, turn = self.state, self.state.turn
        members: dict[str, Any] = {"detectIntentResponseId": state.response_id}
        if turn.intent is not None:
            members["intentInfo"] = _intent_info(turn.intent, self.agent)
        members["pageInfo"] = state.page.wire()
        members["sessionInfo"] = {"session": self.name}
        if state.parameters:
            members["sessionInfo"]["parameters"] = dict(state.parameters)
        members["fulfillmentInfo"] = {"tag": tag}
        if state.queued:
            members["messages"] = [dict(each) for each in state.queued]
        if payload := {**self.payload, **turn.payload}:
            members["payload"] = payload
        if turn.sentiment is not None:
            members["sentimentAnalysisResult"] = _set(score=turn.sentiment.score, magnitude=turn.sentiment.magnitude)
        if turn.kind != "none":
            triggered = turn.intent.full_name(self.agent) if turn.kind == "intent" and turn.intent else ""
            members[MEMBERS[turn.kind]] = triggered or turn.value
        return {**members, "languageCode": self.language, "languageInfo": _language_info(self.language)}

    def take(self, answer: Mapping[str, Any]) -> Merged:
        """Take an answer that CX reads.

        Args:
            answer: A WebhookResponse, with the names of members as documented.

        Returns:
            What it has done to the session.
        """
        self.state, merged = merge(self.state, answer, self.pages)
        return merged


def _set(**members: float) -> dict[str, float]:
    """Leave out what is 0, as the printer of messages does."""
    return {name: value for name, value in members.items() if value}


def _intent_info(intent: Intent, agent: str) -> dict[str, Any]:
    members: dict[str, Any] = {"lastMatchedIntent": intent.full_name(agent)}
    if intent.parameters:
        members["parameters"] = {name: _intent_value(value) for name, value in intent.parameters.items()}
    return {**members, "displayName": intent.display_name, **_set(confidence=intent.confidence)}


def _intent_value(value: Any) -> dict[str, Any]:
    original, resolved = value if isinstance(value, tuple) else (value if isinstance(value, str) else "", value)
    return {**({"originalValue": original} if original else {}), "resolvedValue": as_cx({"value": resolved})["value"]}


def _language_info(language: str) -> dict[str, Any]:
    return {"inputLanguageCode": language, "resolvedLanguageCode": language, "confidenceScore": 1.0}
