"""What the pipeline asks of a schema, whatever library it is written in."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from cxfulfill.errors import ConfigurationError

_MAX_LEAVES: Final = 100
UNNAMED: Final = "*"
"""Stands for a parameter whose name came with the call and so is not shown."""


class UnresolvedAnnotation(ConfigurationError):
    """A type is not defined yet; at freeze that is final."""


class Schema(Protocol):
    """From parameters to the value that a handler is given.

    Attributes:
        fields: Names by which the value's fields are found; None where it can have any.
        names: The parameters that it reads; empty where it names none.
        synonyms: The first name of a parameter by its other ones.
    """

    @property
    def fields(self) -> frozenset[str] | None:
        """See the class."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """See the class."""
        ...

    @property
    def synonyms(self) -> Mapping[str, str]:
        """See the class."""
        ...

    def structured(self) -> frozenset[str]:
        """Name the parameters that take lists or objects."""
        ...

    def wire_names(self, given: Collection[str] = ()) -> Mapping[str, bool]:
        """Name the parameters as callers send them.

        Args:
            given: Names, of either kind, of parameters that are left out.

        Returns:
            Whether it is required, by parameter.
        """
        ...

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """Make the value.

        Raises:
            ParameterError: They do not fit.
        """
        ...


class PlainSchema:
    """No schema: the parameters as a ``dict``."""

    fields: frozenset[str] | None = None
    names: frozenset[str] = frozenset()

    @property
    def synonyms(self) -> dict[str, str]:
        """There are none; see `Schema`."""
        return {}

    def structured(self) -> frozenset[str]:
        """None are known; see `Schema.structured`."""
        return frozenset()

    def wire_names(self, given: Collection[str] = ()) -> Mapping[str, bool]:
        """None are known; see `Schema.wire_names`."""
        del given
        return {}

    def load(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Copy them; see `Schema.load`."""
        return dict(parameters)


def repeats(message: str, value: Any) -> bool:
    """Tell whether a message repeats what the user said.

    Args:
        message: A message about a parameter.
        value: The parameter's value, of JSON.

    Returns:
        Whether a text or number of the value stands in it as a word; also where there are too many to look.
    """
    leaves = _leaves(value)
    return leaves is None or any(_stands_in(message, leaf) for leaf in leaves)


def _leaves(value: Any) -> list[str] | None:
    """List the texts and numbers of a value; None where there are too many."""
    leaves: list[str] = []
    parts = [value]
    for part in parts:  # grows as it goes
        if len(parts) > _MAX_LEAVES:
            return None
        if isinstance(part, Mapping):
            parts.extend(part.values())
        elif isinstance(part, list | tuple):
            parts.extend(part)
        elif isinstance(part, float) and part.is_integer():
            leaves += [str(part), str(int(part))]
        elif part is not None and not isinstance(part, bool):
            leaves.append(str(part).strip())
    return leaves


def _stands_in(message: str, leaf: str) -> bool:
    if not leaf or leaf.casefold() not in message.casefold():
        return False
    return re.search(rf"(?<!\w){re.escape(leaf)}(?!\w)", message, re.IGNORECASE) is not None
