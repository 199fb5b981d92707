"""Response schemas: from what a flexible handler returns to the JSON that CX reads."""

import sys
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from cxfulfill.errors import ReplyError
from cxfulfill.parameters.marshmallow_schema import instance_of, is_marshmallow, shape_of
from cxfulfill.parameters.models import AnythingElse, adapter_of
from cxfulfill.parameters.shapes import Shape
from cxfulfill.protocol.values import NAMEABLE

_FIELD = "the handler's answer"


class ResponseSchema(Protocol):
    """What a handler returns, as JSON."""

    def dump(self, answer: Any) -> Any:
        """Turn an answer into a value of JSON.

        Raises:
            ReplyError: It does not fit.
        """
        ...

    def shape(self) -> Shape:
        """Tell what may be found where."""
        ...


def response_for(kind: Any) -> ResponseSchema:
    """Make a response schema.

    Args:
        kind: Any type that pydantic knows, or a marshmallow ``Schema``, class or instance.

    Returns:
        The response schema.

    Raises:
        ConfigurationError: It is neither.
    """
    return MarshmallowResponse(kind) if is_marshmallow(kind) else ModelResponse(kind)


class ModelResponse:
    """A type that pydantic knows; see `ResponseSchema`.

    Args:
        kind: The type.

    Raises:
        ConfigurationError: pydantic cannot make a schema of it.
    """

    def __init__(self, kind: Any) -> None:
        self.adapter = adapter_of(kind)

    def dump(self, answer: Any) -> Any:
        """See `ResponseSchema.dump`."""
        try:
            value = self.adapter.validate_python(answer, from_attributes=True, by_alias=True, by_name=True)
            # Some models are not looked at again: what does not fit would only be a warning, which shows the value.
            return self.adapter.dump_python(value, mode="json", by_alias=True, warnings="error")
        except ValidationError as error:
            item = error.errors(include_url=False, include_input=False, include_context=False)[0]
            places = [part if isinstance(part, str) and NAMEABLE.fullmatch(part) else "*" for part in item["loc"]]
            raise ReplyError(".".join([_FIELD, *places]), f"does not fit the response schema: {item['type']}") from None
        except PydanticSerializationError:
            raise ReplyError(_FIELD, "cannot be dumped by the response schema") from None

    def shape(self) -> Shape:
        """See `ResponseSchema.shape`."""
        return Shape.of(self.adapter.json_schema(mode="serialization", schema_generator=AnythingElse))


class MarshmallowResponse:
    """A marshmallow schema; see `ResponseSchema`.

    Args:
        kind: The schema, class or instance.

    Raises:
        ConfigurationError: The class cannot be made without arguments.
    """

    def __init__(self, kind: Any) -> None:
        self.schema = instance_of(kind)
        self._invalid: type[Exception] = sys.modules["marshmallow"].ValidationError

    def dump(self, answer: Any) -> Any:
        """See `ResponseSchema.dump`."""
        try:
            return self.schema.dump(answer)
        except (self._invalid, ValueError, TypeError, AttributeError):
            raise ReplyError(_FIELD, "cannot be dumped by the response schema") from None

    def shape(self) -> Shape:
        """See `ResponseSchema.shape`."""
        return shape_of(self.schema)
