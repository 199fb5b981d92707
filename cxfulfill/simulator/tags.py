"""Tags that an application has handlers for, and what to say where a call's tag is none of them."""

from difflib import get_close_matches
from typing import Final

from cxfulfill.simulator.result import Result
from cxfulfill.webhook import Webhook

_ANY: Final = "*"
"""The pattern of a fallback."""


def known_tags(webhook: Webhook | None) -> list[str]:
    """Give the tags that an application has handlers for.

    Args:
        webhook: The application; None where it runs elsewhere.

    Returns:
        Tags and patterns, without that of its fallback.
    """
    return [] if webhook is None else sorted({entry.tag for entry in webhook.entries()} - {_ANY})


def tag_hint(webhook: Webhook | None, result: Result) -> tuple[str, ...]:
    """Tell which tags there are, where a call's tag has no handler.

    Args:
        webhook: The application; None where it runs elsewhere.
        result: What became of the call.

    Returns:
        Some lines; nothing where it has one, or nobody came to look for it.
    """
    record = result.record
    if (
        webhook is None
        or record is None
        or record.pattern not in ("", _ANY)
        or record.reason not in ("ok", "unknown_tag")
    ):
        return ()
    tags = known_tags(webhook)
    answered = " The fallback has answered." if result.ok else ""
    return (f"{_problem(result.tag, tags)}{answered}", f"Tags: {', '.join(tags) or 'none'}")


def _problem(tag: str, tags: list[str]) -> str:
    if tag in tags:
        return "The handlers of this tag are narrowed to other pages, flows, intents and the like (cxfulfill routes)."
    if tag.startswith("/"):
        return "No handler has this tag. A flexible webhook has a path and no tag: call it with curl, or cx.flexible."
    near = get_close_matches(tag, tags, 1)
    return f"No handler has this tag{f': did you mean {near[0]}?' if near else '.'}"
