"""Texts, people and places."""

import re
from typing import Annotated, Any, ClassVar, Final, Self, TypeGuard

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from cxfulfill.parameters.entity import (
    NULL,
    TEXT,
    Entity,
    Record,
    any_of,
    object_of,
    record_of,
    resolved,
    same,
    write_record,
)
from cxfulfill.parameters.refusals import MESSAGES, EntityError

_is_printable: Final = str.isprintable  # unbound: it raises ``TypeError`` for what is no text
_MAX_EMAIL: Final = 254  # RFC 5321's path, without its angle brackets
_MAX_URL: Final = 2_048
_EMAIL: Final = r"[^\s@]+@[^\s@]+"
_REST: Final = r"(?::[0-9]{1,5})?(?:[/?#]\S*)?"
_URL: Final = rf"[Hh][Tt][Tt][Pp][Ss]?://[\w.-]+{_REST}"
_BARE_URL: Final = rf"[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]+{_REST}"
# Control characters but tabs and line ends, and halves of surrogate pairs, which are no characters at all.
_UNFIT: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"


class Person(Record):
    """A person: ``{"name": ...}`` in CX.

    Attributes:
        name: The name.
        original: What the user said, where CX sends it beside the name.
    """

    name: Annotated[str, Field(pattern=r"\S")]
    original: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


_Part = Annotated[
    str | None,
    BeforeValidator(lambda value: None if value == "" else value),
    Field(exclude_if=lambda value: value is None),
]


class Location(Record):
    """A place, in the parts that CX tells apart; their names are hyphenated there (``street-address``).

    At least one part is there; an empty one is none.

    Attributes:
        country: Country.
        city: City.
        admin_area: State, province or the like.
        subadmin_area: County, district or the like.
        street_address: Street and house number.
        zip_code: Postal code.
        business_name: Name of a business or sight.
        island: Island.
        shortcut: A word for a place, such as ``home``.
        original: The place as text, where CX sends it beside, or instead of, the parts.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    country: _Part = None
    city: _Part = None
    admin_area: _Part = None
    subadmin_area: _Part = None
    street_address: _Part = None
    zip_code: _Part = None
    business_name: _Part = None
    island: _Part = None
    shortcut: _Part = None
    original: _Part = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if all(getattr(self, name) is None for name in _LOCATION_PARTS):
            raise PydanticCustomError("not_a_location", MESSAGES["not_a_location"])
        return self


_LOCATION_PARTS: Final = {name: name.replace("_", "-") for name in Location.model_fields}


def read_text(value: Any) -> str:
    """Read ``@sys.color`` and the like: text as it was said, by the ES page "System entities".

    That ``@sys.geo-city`` and the other entities of this kind are text is inferred.

    Args:
        value: Text, which may be empty.

    Returns:
        The text, unchanged.

    Raises:
        EntityError: ``not_text``. A number is none: its leading zeros would be lost. Nor is text with control
            characters other than tabs and line ends.
    """
    if isinstance(value, str) and value.isprintable():
        return value  # what CX sends, at once
    value = resolved(value)
    if is_text(value):
        return value
    raise EntityError("not_text")


def is_text(value: Any) -> TypeGuard[str]:
    """Tell whether a value is text without control characters other than tabs and line ends.

    Args:
        value: Any.

    Returns:
        Whether it is. Halves of surrogate pairs are no text either.
    """
    return isinstance(value, str) and (value.isprintable() or not re.search(_UNFIT, value))


def read_email(value: Any) -> str:
    """Read ``@sys.email``: text. Not documented: inferred.

    Args:
        value: Text with one ``@``, something on both sides of it, and no white space; every character printable.

    Returns:
        The address, without white space around it.

    Raises:
        EntityError: ``not_an_email``.
    """
    return _matching(value, _MAX_EMAIL, "not_an_email", _EMAIL)


def read_url(value: Any) -> str:
    """Read ``@sys.url``: text as it was said. Not documented: inferred.

    Args:
        value: An absolute address with ``http`` or ``https``, or one that begins with a host name, such as
            ``www.example.com/rooms``. Every character is printable.

    Returns:
        The address, without white space around it. None is given a scheme that it does not have.

    Raises:
        EntityError: ``not_a_url``: of another scheme, with a password, or no address at all.
    """
    return _matching(value, _MAX_URL, "not_a_url", _URL, _BARE_URL)


def _matching(value: Any, longest: int, code: str, *patterns: str) -> str:
    value = resolved(value)
    if isinstance(value, str) and len(value) <= longest:
        text = value.strip()
        if text.isprintable() and any(re.fullmatch(pattern, text) for pattern in patterns):
            return text
    raise EntityError(code)


def read_person(value: Any) -> Person:
    """Read ``@sys.person``: ``name``, with ``original`` beside it, as seen in public captures.

    Text is inferred.

    Args:
        value: The object, text, or a ``Person``.

    Returns:
        The person.

    Raises:
        EntityError: ``not_a_person``: no name is there, or one of both has control characters (see `read_text`).
    """
    value = resolved(value)
    name, original = value, None
    if isinstance(value, dict):
        name, original = value.get("name"), value.get("original")
    elif isinstance(value, Person):
        return value
    if not isinstance(original, str):
        original = None
    elif not (original.isprintable() or is_text(original)):
        raise EntityError("not_a_person")
    if not isinstance(name, str) or not name.strip() or not (name.isprintable() or is_text(name)):
        raise EntityError("not_a_person")
    return record_of(Person, {"name": name, "original": original})


def read_location(value: Any) -> Location:
    """Read ``@sys.location``: the parts that public code for ES reads, the empty ones as empty text.

    That CX sends the same parts, or text, is inferred.

    Args:
        value: The object, text, or a ``Location``.

    Returns:
        The place; text becomes its ``original``.

    Raises:
        EntityError: ``not_a_location``: no part is there, or one is no text (see `read_text`).
    """
    value = resolved(value)
    if not isinstance(value, dict) and isinstance(value, Location):
        return value
    given = {"original": value}
    if isinstance(value, dict):
        given = {name: value.get(member) for name, member in _LOCATION_PARTS.items()}
    parts = {name: part for name, part in given.items() if part not in (None, "")}
    if not parts or not all(map(is_text, parts.values())):
        raise EntityError("not_a_location")
    return record_of(Location, dict.fromkeys(_LOCATION_PARTS) | parts)


STRING: Final = Entity(read=read_text, write=same, accepted=TEXT, written=TEXT)
EMAIL: Final = Entity(read=read_email, write=same, accepted=TEXT, written=TEXT)
URL: Final = Entity(read=read_url, write=same, accepted=TEXT, written=TEXT)
_TEXT_OR_NULL: Final = any_of(TEXT, NULL)


class _Person(Entity[Person]):
    """People, who mostly come as an object of two texts."""

    @override
    def validate(self, value: Any) -> Person:
        """See `Entity.validate`."""
        try:
            if type(value) is dict and len(value) == 2:
                name, original = value["name"], value["original"]
                if _is_printable(name) and _is_printable(original) and name.strip():
                    return record_of(Person, {"name": name, "original": original})  # what CX sends, at once
        except (KeyError, TypeError):
            pass
        return super().validate(value)


PERSON: Final = _Person(
    read=read_person,
    write=write_record,
    accepted=any_of(object_of({"name": TEXT, "original": _TEXT_OR_NULL}, "name"), TEXT),
    written=object_of({"name": TEXT, "original": TEXT}, "name"),
)
LOCATION: Final = Entity(
    read=read_location,
    write=write_record,
    accepted=any_of(object_of(dict.fromkeys(_LOCATION_PARTS.values(), _TEXT_OR_NULL)), TEXT),
    written=object_of(dict.fromkeys(_LOCATION_PARTS.values(), TEXT)),
)
