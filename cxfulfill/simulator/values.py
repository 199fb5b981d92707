"""Values of parameters as CX has them."""

from collections.abc import Mapping
from typing import Any

from cxfulfill.errors import ReplyError
from cxfulfill.parameters.entities import to_cx
from cxfulfill.protocol.values import to_json_object


def as_cx(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give parameters as CX would have them: dates and other entities of Python as CX's objects.

    Args:
        parameters: Values by name.

    Returns:
        The same as JSON.

    Raises:
        ReplyError: A value is none of JSON, or one that CX cannot hold.
    """
    try:
        return to_json_object({name: to_cx(value) for name, value in (parameters or {}).items()})
    except RecursionError:
        raise ReplyError("parameters", "is nested too deep") from None


def doubles(value: Any) -> Any:
    """Give JSON as CX keeps it: each number is a double.

    Args:
        value: The JSON value.

    Returns:
        The same.

    Raises:
        OverflowError: A number is beyond the range of a double.
    """
    if isinstance(value, Mapping):
        return {name: doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [doubles(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
