"""Values in the files of an export, read with patience: what is missing or of another type counts as not there."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]
_NANO: Final = 1e-9


def text(given: Json, name: str) -> str:
    """Take a text.

    Args:
        given: An object.
        name: The member.

    Returns:
        The text; empty where there is none.
    """
    value = given.get(name)
    return value if isinstance(value, str) else ""


def flag(given: Json, name: str) -> bool:
    """Take a truth value.

    Args:
        given: An object.
        name: The member.

    Returns:
        Whether it is true.
    """
    return given.get(name) is True


def member(given: Json, name: str) -> Json:
    """Take an object.

    Args:
        given: An object.
        name: The member.

    Returns:
        The object; an empty one where there is none.
    """
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def members(given: Json, name: str) -> Iterator[Json]:
    """Take the objects of a list.

    Args:
        given: An object.
        name: The member.

    Yields:
        The objects.
    """
    value = given.get(name)
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def texts(given: Json, name: str) -> tuple[str, ...]:
    """Take the texts of a list.

    Args:
        given: An object.
        name: The member.

    Returns:
        The texts.
    """
    value = given.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def pairs(given: Json, name: str) -> dict[str, Any]:
    """Take a map, which exports write as a list of keys and values.

    Args:
        given: An object.
        name: The member.

    Returns:
        Value by key.
    """
    value = given.get(name)
    if isinstance(value, dict):
        return value
    return {text(each, "key"): each.get("value") for each in members(given, name) if text(each, "key")}


def seconds(given: Json, name: str) -> float | None:
    """Take a duration, which exports write as an object.

    Args:
        given: An object.
        name: The member.

    Returns:
        Seconds; None where there is none.
    """
    value = given.get(name)
    if isinstance(value, str) and value.endswith("s"):
        try:
            return float(value[:-1])
        except ValueError:
            return None
    if not isinstance(value, dict):
        return None
    whole, nanos = _number(value.get("seconds")), _number(value.get("nanos"))
    return whole + nanos * _NANO


def _number(value: Any) -> float:
    if isinstance(value, str) and not value.isdecimal():  # else an int64 as ProtoJSON writes it
        return 0.0
    try:
        return float(value)
    except (TypeError, OverflowError):
        return 0.0
