"""Runbook: reason codes of requests that cannot be read, or that nothing is there for."""

from collections.abc import Mapping
from typing import Final

from cxfulfill.cli.entries import Entry

_NOT_CX: Final = "CX writes no such body: see what is calling, and whether a proxy in between changes bodies."

REQUESTS: Final[Mapping[str, Entry]] = {
    # The head
    "unknown_path": Entry(
        404,
        "Nothing is served on this path.",
        "Compare the path of the webhook's URL in CX with what `cxfulfill routes` lists; a slash at the end counts, "
        "and a proxy in front may change paths.",
    ),
    "method_not_allowed": Entry(
        405,
        "The path is served, for other methods.",
        "In CX, compare type and method of the webhook: a standard one is POST, a flexible one takes what "
        "`cxfulfill routes` lists. A browser or a monitor sends GET: let it ask /health.",
    ),
    "escaped_slash": Entry(
        400,
        "A value in the path has a slash in it (%2F), which servers read in different ways.",
        "Hand the value over in the query or the body.",
    ),
    "path_not_utf8": Entry(
        400, "The path has escapes that are not UTF-8.", "CX escapes values as UTF-8: see what is calling."
    ),
    "content_length": Entry(
        400, "Content-Length is not a row of digits.", "No HTTP client sends that: see what is calling."
    ),
    # The body
    "unsupported_media_type": Entry(
        415,
        "Content-Type is not application/json, or names another charset than UTF-8.",
        "CX sends application/json: look at the headers that the CX webhook adds, and at what else is calling.",
    ),
    "content_encoding": Entry(
        415,
        "The body is compressed.",
        "CX sends it as it is: look at the proxy in between, and at what else is calling.",
    ),
    "body_too_large": Entry(
        413,
        "The body is larger than max_body.",
        "Look at the session parameters that the agent has gathered; raise max_body (CXFULFILL_MAX_BODY) where they "
        "are needed.",
    ),
    "body_too_slow": Entry(
        408,
        "The body did not arrive in time.",
        "Look at the network and the proxy in front; where none buffers, slow clients hold threads.",
    ),
    "incomplete_body": Entry(
        400, "The connection ended before the body did.", "Look at the proxy in front and its time limits."
    ),
    "json_syntax": Entry(
        400,
        "The body is not JSON.",
        "For a flexible webhook look at the request body in CX: quotes around each reference, no comma at the end. "
        "For a standard one see what is calling.",
    ),
    "json_duplicate_member": Entry(
        400,
        "The body has a member twice in one object.",
        "For a flexible webhook look at the request body in CX; for a standard one see what is calling.",
    ),
    "json_too_deep": Entry(
        400,
        "The body is nested deeper than 200 levels.",
        "Look at the session parameters: one that is put into itself turn by turn grows so.",
    ),
    "json_not_utf8": Entry(400, "The body is not UTF-8.", _NOT_CX),
    "json_lone_surrogate": Entry(400, "The body has half a character (a lone surrogate).", _NOT_CX),
    "json_number_out_of_range": Entry(
        400,
        "The body has a number that no double holds.",
        "Look at the session parameters: long rows of digits belong into text, such as order numbers.",
    ),
    "not_an_object": Entry(
        400,
        "The body is JSON, and no object.",
        "For a flexible webhook let the request body in CX be an object in braces; for a standard one see what is "
        "calling.",
    ),
    "wrong_shape": Entry(
        400,
        "A member of the WebhookRequest is of another type than CX's documentation says; detail names it.",
        "See what is calling; if it is CX, a release of this package that knows the new form is needed.",
    ),
    # What it is for
    "no_tag": Entry(
        400,
        "The call has no tag.",
        "In CX, enter a tag wherever the webhook is called; a flexible webhook has none and wants the path of a "
        "flexible route.",
    ),
    "unknown_tag": Entry(
        404,
        "No handler takes this tag, or none for this page, flow, intent, event or language.",
        "Compare the tag in the log line with what `cxfulfill routes` lists, character by character; was the agent "
        "published before this service?",
    ),
    # Parameters
    "query_syntax": Entry(
        400,
        "The query is not UTF-8, or has too many values.",
        "Compare the URL in CX with what `cxfulfill routes --cx` prints.",
    ),
    "repeated_parameter": Entry(
        400,
        "The query has a parameter twice.",
        "Look at the URL in CX: each parameter stands in it once.",
    ),
    "conflicting_parameter": Entry(
        400,
        "A parameter comes from two places of the call; detail names it.",
        "In CX, send it in the path, the query, a header or the body, and not in two of them.",
    ),
    "invalid_parameters": Entry(
        400,
        "Parameters do not fit the handler's type; detail names each with a code.",
        "Compare the parameters' entity types in the agent with the handler's type; to ask the user again, "
        'on_invalid="reprompt".',
    ),
    "key_reused": Entry(
        400,
        "The idempotency key was used before, for other parameters.",
        "Make the key as fine as the action: one for each order, not one for each user.",
    ),
    # What a handler leaves at that
    "bad_request": Entry(
        400, "A handler raised BadRequest and gave no reason code.", "Look at the handler of the line's tag or route."
    ),
    "not_found": Entry(
        404, "A handler raised NotFound and gave no reason code.", "Look at the handler of the line's tag or route."
    ),
}
"""By reason code."""
