"""The rules of ``cxfulfill agent check``: one table, which the command, its output formats and the page read."""

from collections.abc import Mapping
from typing import Final

from cxfulfill.agent.findings import Rule

SECTIONS: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Names in the agent": (
        Rule(
            "CX101", "error", "a webhook that the agent does not have",
            "CX calls nothing there, and says nothing of it.",
            "Choose one of the agent's webhooks at this place, or restore the one that was deleted or renamed.",
        ),
        Rule(
            "CX102", "error", "a target page that the flow does not have",
            "The conversation cannot go on there; a page's name is looked for in its own flow only.",
            "Choose a page of this flow, or a target flow.",
        ),
        Rule(
            "CX103", "error", "a target flow that the agent does not have",
            "The conversation cannot go on there.",
            "Choose one of the agent's flows.",
        ),
        Rule(
            "CX104", "error", "an intent that the agent does not have",
            "The route is never taken.",
            "Choose one of the agent's intents, or give the route a condition.",
        ),
        Rule(
            "CX105", "error", "an entity type that the agent does not have",
            "The parameter cannot be filled.",
            "Choose a system entity type, or one of the agent's.",
        ),
        Rule(
            "CX106", "error", "a group of routes that there is not",
            "Its routes are not there for the page that lists it.",
            "Take the group off the page's list, or restore it.",
        ),
        Rule(
            "CX107", "error", "a standard webhook that is called without a tag",
            "The tag is how the handler is found; CX requires one.",
            "Enter the tag of a handler; `cxfulfill routes` lists them.",
        ),
        Rule(
            "CX108", "warning", "a webhook that nothing calls",
            "What nobody uses is not kept up, and may hold a credential that still opens something.",
            "Delete it, or choose it where it is meant to be called.",
        ),
    ),
    "Tags and handlers": (
        Rule(
            "CX201", "error", "a tag without a handler",
            "The call is answered 404 (`unknown_tag`), and CX raises webhook.error.not-found.",
            "Register a handler for the tag, or correct the tag.",
        ),
        Rule(
            "CX202", "warning", "a tag that only the fallback handles",
            "The user gets the answer that is meant for unknown tags.",
            "Register a handler for the tag, or correct the tag.",
        ),
        Rule(
            "CX203", "warning", "a handler that the agent never calls",
            "It may be the other half of a tag that was renamed, or belong to another agent.",
            "Remove it, or enter its tag where it is meant to be called.",
        ),
        Rule(
            "CX204", "error", "a tag that is spelt in two ways",
            "Tags are compared letter by letter: the spelling without a handler does not reach the one that has it.",
            "Spell it alike everywhere; or register one handler for both: @webhook.handler([...]).",
        ),
        Rule(
            "CX205", "error", "a tag that is handled elsewhere, and not at this place",
            "The tag's handlers are narrowed by page=, flow=, intent=, event= or language=, and none takes this call.",
            "Widen the narrowing of a handler, or register another one for this place.",
        ),
        Rule(
            "CX206", "error", "a handler that is narrowed to something that the agent does not have",
            "It is never called.",
            "Correct the name in page=, flow=, intent= or event=; a flow goes by its id.",
        ),
    ),
    "Parameters": (
        Rule(
            "CX301", "warning", "a required parameter that no way to the place sets",
            "The call is answered 400 (`invalid_parameters`), unless the parameter comes from outside of the agent.",
            "Fill it by a form, an intent or a preset on the way, or give it a default in the handler's type. Where it "
            "comes from outside, a test case that injects it tells so.",
        ),
        Rule(
            "CX302", "error", "a parameter of another type than the handler reads",
            "The call is answered 400 (`invalid_parameters`).",
            "Change the parameter's entity type, or the type of the handler's field: "
            "`cxfulfill.parameters.entities` has one for each system entity.",
        ),
        Rule(
            "CX303", "warning", "a value of an entity type that the handler refuses",
            "Users who choose it get the error's answer: 400 (`invalid_parameters`).",
            "Add the value to the handler's type, or take it out of the entity type.",
        ),
    ),
    "Names in the application": (
        Rule(
            "CX401", "error", "a page or flow that a reply names, and the agent does not have",
            "CX refuses the answer, and the conversation does not go on.",
            "Take the id from the agent; display names are not ids.",
        ),
        Rule(
            "CX402", "warning", "an event that a reply lets the user raise, and no event handler takes",
            "A click on it is answered as if nothing had been understood.",
            "Add an event handler to the flow, or correct the event's name.",
        ),
        Rule(
            "CX403", "warning", "a module of names that is older than the agent",
            "A name in it leads to something that the agent no longer has, or one of the agent's is missing.",
            "Write the module again with `cxfulfill agent names`.",
        ),
    ),
    "Failures, time": (
        Rule(
            "CX501", "warning", "a route or event handler whose target hides a failure of its webhook",
            "CX raises webhook.error* only where the route that called has no target: a failed call goes unnoticed.",
            "Call the webhook in the target page's entry fulfillment, or let the webhook choose the target.",
        ),
        Rule(
            "CX502", "warning", "a page that calls a webhook, without a handler of webhook.error",
            "A failed call ends in silence.",
            "Add an event handler for webhook.error to the flow or the page.",
        ),
        Rule(
            "CX503", "error", "a webhook that is called by a handler of webhook.error",
            "CX takes such a handler for invalid.",
            "Let the handler of the error speak, or lead to a page, without a webhook.",
        ),
        Rule(
            "CX504", "warning", "slow or deferred work without a partial response",
            "The user hears nothing until the webhook has answered.",
            "Add a message to the fulfillment, and turn on \"Return partial response\".",
        ),
        Rule(
            "CX505", "warning", "a webhook whose timeout is not above that of a handler",
            "CX gives up before the handler's fallback or 503 arrives, and calls again.",
            "Raise the webhook's timeout (30 seconds at most), or lower timeout= of the handler.",
        ),
    ),
    "Webhooks": (
        Rule(
            "CX601", "error", "a webhook with an http URL",
            "CX calls https only; and what is sent could be read on the way.",
            "Enter an https URL.",
        ),
        Rule(
            "CX602", "warning", "a webhook that proves nothing",
            "Anybody who knows the URL can call it.",
            "Choose an ID token of the service agent, and GoogleIdToken in the application.",
        ),
        Rule(
            "CX603", "error", "a webhook whose authentication the application does not accept",
            "Every call is answered 401, and CX raises webhook.error.rejected.",
            "Enter what `cxfulfill auth explain` says, or change auth= of the application.",
        ),
        Rule(
            "CX604", "error", "a secret that stands readable in the export",
            "Whoever can read the export, its repository or its backups has it.",
            "Put the secret into Secret Manager, choose its version in the webhook, and replace the secret.",
        ),
        Rule(
            "CX605", "error", "a standard webhook whose path is not the application's",
            "Every call is answered 404, and CX raises webhook.error.not-found.",
            "Correct the path of the URL, or path= of the application.",
        ),
        Rule(
            "CX606", "warning", "a webhook that is turned off, and called",
            "CX skips the calls.",
            "Turn it on, or take it out of the places that call it.",
        ),
    ),
    "Flexible webhooks": (
        Rule(
            "CX701", "error", "a flexible webhook whose path no route takes",
            "Every call is answered 404.",
            "Correct the URL, or the path of the route; `cxfulfill routes --cx` tells what to enter.",
        ),
        Rule(
            "CX702", "error", "a flexible webhook with a method that the route does not take",
            "Every call is answered 405.",
            "Choose another method, or add it to methods= of the route.",
        ),
        Rule(
            "CX703", "error", "a flexible webhook that does not send what the route requires",
            "Every call is answered 400 (`invalid_parameters`).",
            "Add the parameter to URL, headers or body; `cxfulfill routes --cx` tells what to enter.",
        ),
        Rule(
            "CX704", "error", "a response configuration that finds nothing in the answer",
            "The session parameter is not set.",
            "Correct the path; `cxfulfill routes --cx` tells what to enter.",
        ),
        Rule(
            "CX705", "error", "a request body that is no JSON object",
            "CX sends JSON, and the route reads an object.",
            "Write the body as a JSON object, with the references in quotes.",
        ),
        Rule(
            "CX706", "warning", "a flexible route that no webhook of the agent calls",
            "It may have been renamed in one of the two, or belong to another agent.",
            "Remove the route, or add a webhook; `cxfulfill routes --cx` tells what to enter.",
        ),
    ),
}  # fmt: skip
"""By heading of the page."""

RULES: Final[Mapping[str, Rule]] = {rule.code: rule for part in SECTIONS.values() for rule in part}
"""By code."""
