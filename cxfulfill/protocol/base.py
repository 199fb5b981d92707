"""What the wire models have in common: a liberal reader for requests, a strict writer for answers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from cxfulfill.built import Built
from cxfulfill.errors import ReplyError
from cxfulfill.protocol.values import NAMEABLE, place


class Incoming(Built):
    """A part of a request: unknown members are kept, every documented one may be missing or null."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        ser_json_inf_nan="strings",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


class Part(Built):
    """A part of an answer: nothing but documented members, each of its own type."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


class Outgoing(Part):
    """A part of an answer that is built by itself.

    Raises:
        ReplyError: A member is unknown, missing or of another type; the error names it.
    """

    refused: ClassVar[Mapping[str, str]] = {}
    """Members that CX knows and a webhook may not send, at any depth, each with the reason."""

    def __init__(self, /, **members: Any) -> None:
        try:
            super().__init__(**members)
        except ValidationError as error:
            raise _reply_error(error, type(self)) from None


def _reply_error(error: ValidationError, model: type[Outgoing]) -> ReplyError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    *outer, last = first["loc"]
    location = (*(to_camel(part) if isinstance(part, str) else part for part in outer), last)
    problem = f"is wrong: {first['msg']}"
    if first["type"] == "extra_forbidden":  # shown as it was spelled
        problem = model.refused.get(to_camel(str(last)), "is no member that CX knows")
    elif isinstance(last, str):
        location = (*location[:-1], to_camel(last))
    if first["type"] in ("value_error", "assertion_error"):
        problem = "is refused by a validator"  # whose text is the application's, and may hold a value
    known = {part for part in location if isinstance(part, str) and NAMEABLE.fullmatch(part)}
    return ReplyError(f"{model.__name__}.{place(location, known)}".removesuffix("."), problem)
