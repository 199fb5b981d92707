"""What becomes of a session when the agent takes an answer.

As CX's pages say: a null removes a session parameter; ``INVALID`` has the agent ask again, and is the only state that
acts; a form's parameters are changed and never added; messages are appended unless the answer replaces those of its own
fulfillment; a transition leads to a page, or to the start page of a flow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cxfulfill.protocol.names import PageName
from cxfulfill.simulator.findings import Finding
from cxfulfill.simulator.pages import SYMBOLIC, FormField, SessionPage
from cxfulfill.simulator.state import Change, State, changes

_FORM: Final = "pageInfo.formInfo.parameterInfo"


@dataclass(frozen=True, slots=True)
class Merged:
    """What an answer has done to a session.

    Attributes:
        messages: The messages of the answer, in order.
        parameters: The session parameters that are others now.
        form: The form's parameters that are others now.
        reprompt: The form's parameters that the agent asks for again.
        transition: Full name of the page that it goes to; empty for none.
        payload: What the caller of detect intent gets; None for nothing.
        findings: Parts of the answer that do not do what they seem to.
    """

    messages: tuple[Mapping[str, Any], ...] = ()
    parameters: tuple[Change, ...] = ()
    form: tuple[Change, ...] = ()
    reprompt: tuple[str, ...] = ()
    transition: str = ""
    payload: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()


def merge(state: State, answer: Mapping[str, Any], pages: Mapping[str, SessionPage]) -> tuple[State, Merged]:
    """Take an answer.

    Args:
        state: The session before.
        answer: A WebhookResponse that CX reads, with the names of members as documented.
        pages: Pages that are known, by full name.

    Returns:
        The session then, and what is different.
    """
    part = answer.get("fulfillmentResponse") or {}
    messages = tuple(part.get("messages") or ())
    after = _queued(state, messages, replaces=part.get("mergeBehavior") in ("REPLACE", 2))
    after = after.written((answer.get("sessionInfo") or {}).get("parameters") or {})
    after, reprompt, findings = _form(after, answer)
    written, form = changes(state.parameters, after.parameters), _form_changes(state.page, after.page)
    after, transition, unsettled = _moved(after, answer, pages)
    return after, Merged(
        messages=messages, parameters=written, form=form, reprompt=reprompt, transition=transition,
        payload=answer.get("payload"), findings=(*findings, *unsettled),
    )  # fmt: skip


def queued_message(message: Mapping[str, Any], origin: str = "HANDLER_PROMPT") -> dict[str, Any]:
    """Write a message as later requests of the turn have it: with members that are documented nowhere.

    Args:
        message: The message.
        origin: Its ``responseType``.

    Returns:
        The message with them.
    """
    content = dict(message)
    if isinstance(text := content.get("text"), Mapping):
        content["text"] = {**text, "redactedText": list(text.get("text") or ())}
    return {**content, "responseType": content.get("responseType", origin), "source": "VIRTUAL_AGENT"}


def _queued(state: State, messages: tuple[Mapping[str, Any], ...], *, replaces: bool) -> State:
    kept = state.queued[: len(state.queued) - state.own] if replaces else state.queued
    return replace(state, queued=(*kept, *map(queued_message, messages)), own=0)


def _form(state: State, answer: Mapping[str, Any]) -> tuple[State, tuple[str, ...], list[Finding]]:
    """Change the form's parameters as an answer says."""
    given = ((answer.get("pageInfo") or {}).get("formInfo") or {}).get("parameterInfo") or []
    fields = {each.display_name: each for each in state.page.form or ()}
    reprompt: list[str] = []
    findings = _idle(given)
    for index, update in enumerate(given):
        found = fields.get(name := update.get("displayName") or "")
        if found is None:
            problem = "is no parameter of the page's form: a webhook adds and removes none, CX ignores this"
            findings.append(Finding(f"{_FORM}[{index}].displayName", problem, "warning"))
            continue
        fields[name] = changed = _updated(found, update)
        if changed.state == "INVALID":
            reprompt.append(name)
        state = state if changed.value is None else state.written({name: changed.value})
    after = replace(state, page=state.page.with_fields(fields.values()))
    findings += [
        Finding(_FORM, "is INVALID and keeps its session parameter: remove that with null, as Google's sample does,"
                " so that the agent asks again", "warning")
        for name in reprompt if name in after.parameters
    ]  # fmt: skip
    return after, tuple(reprompt), findings


def _idle(given: list[Mapping[str, Any]]) -> list[Finding]:
    problem = "empties nothing: INVALID is the only state that acts in an answer"
    empty = (index for index, update in enumerate(given) if update.get("state") in ("EMPTY", 1))
    return [Finding(f"{_FORM}[{index}].state", problem, "warning") for index in empty]


def _updated(found: FormField, update: Mapping[str, Any]) -> FormField:
    required = found.required if update.get("required") is None else bool(update["required"])
    found = replace(found, required=required, just_collected=False)
    if update.get("state") in ("INVALID", 2):
        return replace(found, state="INVALID", value=None)
    return found.filled(update["value"]) if "value" in update else found


def _form_changes(before: SessionPage, after: SessionPage) -> tuple[Change, ...]:
    told = [{each.display_name: _shown(each) for each in page.form or ()} for page in (before, after)]
    return changes(*told)


def _shown(found: FormField) -> Any:
    return {"state": found.state} if found.value is None else {"state": found.state, "value": found.value}


def _moved(
    state: State, answer: Mapping[str, Any], pages: Mapping[str, SessionPage]
) -> tuple[State, str, list[Finding]]:
    page, flow = answer.get("targetPage") or "", answer.get("targetFlow") or ""
    if not (page or flow):
        return state, "", []
    named = PageName.parse(page or flow)
    if named is None or (named.page is None) == bool(page):
        form = "projects/P/locations/L/agents/A/flows/F" + "/pages/G" * bool(page)
        problem = f"is no full name ({form}), and CX knows no others: here the session stays where it is"
        return state, "", [Finding("targetPage" if page else "targetFlow", problem, "warning")]
    findings = []
    if page and named.page in SYMBOLIC:
        problem = "is a symbolic page: agents have them, and no page says that an answer may"
        findings.append(Finding("targetPage", problem, "warning"))
    target = page or f"{flow}/pages/START_PAGE"
    return go(state, target, pages), target, findings


def go(state: State, target: str, pages: Mapping[str, SessionPage]) -> State:
    """Go to a page by its name, which may be a symbolic one.

    Args:
        state: The session.
        target: Full name of the page.
        pages: Pages that are known, by full name.

    Returns:
        The session there.
    """
    name = target.rpartition("/")[2]
    if name == "CURRENT_PAGE":
        return state
    if name == "PREVIOUS_PAGE":
        return state.at(state.previous or state.page)
    page = pages.get(target) or SessionPage.of(target)
    return replace(state.at(page), ended=name == "END_SESSION")
