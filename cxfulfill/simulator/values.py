"""Values of parameters as CX has them."""

from collections.abc import Mapping
from typing import Any

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
    return to_json_object({name: to_cx(value) for name, value in (parameters or {}).items()})
