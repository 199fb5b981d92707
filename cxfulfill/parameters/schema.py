"""From session parameters to the type of a handler's second argument.

A schema is a function from the parameters to a value that raises `ParameterError`. It is read once, when the
handler is registered (or, where its annotation names a type that is defined later, at freeze).
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import typing_extensions
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from cxfulfill.errors import ConfigurationError, ParameterError

Schema = Callable[[Mapping[str, Any]], Any]

_MAPPINGS = (dict, Mapping, Any, inspect.Parameter.empty)


def schema_for(kind: Any) -> Schema:
    """Make the schema of a type.

    Args:
        kind: A pydantic model, dataclass or TypedDict; ``dict``, ``Mapping`` or nothing for a plain ``dict``.

    Returns:
        The schema. Session parameters that the type does not name are left to the type's own configuration,
        which by default ignores them.

    Raises:
        ConfigurationError: It is another type, or pydantic cannot make a schema of it.
    """
    if kind in _MAPPINGS or typing.get_origin(kind) in (dict, Mapping):
        return dict
    if not _is_record(kind):
        raise ConfigurationError("parameters need a pydantic model, dataclass, TypedDict or dict")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
    except PydanticUserError as error:
        hint = (
            "take TypedDict from typing_extensions on Python 3.11" if error.code == "typed-dict-version" else error.code
        )
        raise ConfigurationError(f"pydantic cannot read the parameters' type: {hint}") from error

    known = _known_names(kind)

    def load(parameters: Mapping[str, Any]) -> Any:
        try:
            return adapter.validate_python(parameters)
        except ValidationError as error:
            raise _parameter_error(error, known) from None

    return load


def field_names(kind: Any) -> frozenset[str] | None:
    """List the fields that a handler finds in its parameters.

    Args:
        kind: As for `schema_for`.

    Returns:
        Their names in Python; None where there may be any.
    """
    if kind in _MAPPINGS or typing.get_origin(kind) in (dict, Mapping):
        return None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return frozenset(kind.model_fields)
    return frozenset(getattr(kind, "__dataclass_fields__", None) or kind.__annotations__)


def parameter_names(kind: Any) -> frozenset[str]:
    """List the session parameters that a type reads.

    Args:
        kind: As for `schema_for`.

    Returns:
        Their names and aliases; none where it names none.
    """
    return _known_names(kind) or field_names(kind) or frozenset()


def _is_record(kind: Any) -> bool:
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel)
    is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return is_model or is_dataclass or typing_extensions.is_typeddict(kind)


def _known_names(kind: Any) -> frozenset[str] | None:
    """List the names that a model gives its parameters; None where every name in an error is the type's own."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    names = set(kind.model_fields)
    for info in kind.model_fields.values():
        aliases = getattr(info.validation_alias, "choices", [info.validation_alias, info.alias])
        names |= {str(getattr(alias, "path", [alias])[0]) for alias in aliases}
    return frozenset(names)


def _parameter_error(error: ValidationError, known: frozenset[str] | None) -> ParameterError:
    problems = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        # An unexpected parameter's name came with the call, every other first name is the schema's own.
        name = str(item["loc"][0]) if item["loc"] else "*"
        if item["type"] == "extra_forbidden" or (known is not None and name not in known):
            name = "*"
        problems.append((name, item["type"]))
    return ParameterError(dict.fromkeys(problems))
