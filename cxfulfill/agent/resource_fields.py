"""Fields of messages: what two of them differ in, what an update names, and which hold secrets.

A field of the REST JSON is a path of member names. An update names what the API's field masks can: members of
messages, but of maps and lists the whole.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic.alias_generators import to_snake

Path = tuple[str, ...]
"""A field."""

SERVICES: Final = ("genericWebService", "serviceDirectory")
"""Of these a Webhook has one."""

_SAME_AS_NONE: Final[Mapping[str, Any]] = {
    "webhookType": "STANDARD", "timeout": "5s", "serviceAgentAuth": "ID_TOKEN", "disabled": False,
}  # fmt: skip
"""Values that CX takes where there is none."""
_REFERENCE: Final = re.compile(r"\$session\.params\.[\w.-]+")
_DEPTHS: Final = {SERVICES[0]: 2, SERVICES[1]: 3}


def leaves(document: Mapping[str, Any], above: Path = ()) -> dict[Path, Any]:
    """List the fields that say something.

    Args:
        document: A message.
        above: Where it is.

    Returns:
        Values by field, without those that are as good as none.
    """
    found: dict[Path, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            found |= leaves(value, (*above, name))
            continue
        if name == "timeout" and isinstance(value, str):
            value = f"{float(value.removesuffix('s')):g}s"  # noqa: PLW2901 - 7.500s is 7.5s
        if value not in (None, "", []) and value != _SAME_AS_NONE.get(name):
            found[*above, name] = value
    return found


def masks(document: Mapping[str, Any]) -> frozenset[Path]:
    """Tell what an update of all that a message says would name.

    Args:
        document: A message; its None say something, too.

    Returns:
        The fields.
    """
    return frozenset(mask_of(path) for path in _paths(document, ()))


def mask_of(path: Path) -> Path:
    """Tell what an update of a field names.

    Args:
        path: The field.

    Returns:
        It, or the map or message that it is in.
    """
    return path[: _DEPTHS.get(path[0], 1)]


def written(mask: Path) -> str:
    """Write a path of a field mask.

    Args:
        mask: The field.

    Returns:
        The path: ``generic_web_service.uri``.
    """
    return ".".join(to_snake(part) for part in mask)


def is_secret(path: Path, value: Any) -> bool:
    """Tell whether a field's value must not be shown.

    Args:
        path: The field.
        value: The value.

    Returns:
        Whether it is a password, a client's secret, or the value of a header other than a reference to a parameter.
    """
    if "requestHeaders" in path:
        return not _REFERENCE.fullmatch(str(value))
    return path[-1] in ("password", "clientSecret")


def secrets_of(document: Mapping[str, Any]) -> dict[Path, str]:
    """List the secrets of a message.

    Args:
        document: The message.

    Returns:
        Values by field.
    """
    return {path: value for path, value in leaves(document).items() if is_secret(path, value)}


def differing(wanted: Mapping[Path, Any], there: Mapping[Path, Any], unseen: Collection[Path] = ()) -> list[Path]:
    """List the fields in which two messages differ.

    Args:
        wanted: What is to be, as `leaves` gives it.
        there: What is.
        unseen: Secrets that are known to be there as they are to be, and which the API does not show.

    Returns:
        The fields, in order.
    """
    return sorted(
        path
        for path in wanted.keys() | there.keys()
        if wanted.get(path) != there.get(path) and not (path in unseen and path not in there)
    )


def compact(value: Any) -> Any:
    """Leave out of a message what says that there is nothing: None, which the API does not know, and what is empty.

    Args:
        value: The message.

    Returns:
        The rest.
    """
    if isinstance(value, Mapping):
        return {name: compact(member) for name, member in value.items() if member not in (None, {}, [])}
    return value


def _paths(document: Mapping[str, Any], above: Path) -> Iterator[Path]:
    for name, value in document.items():
        path = (*above, name)
        if isinstance(value, Mapping) and name in SERVICES:
            yield from _paths(value, path)
        else:
            yield path
