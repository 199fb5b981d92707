"""Phone numbers, read to E.164."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.parameters.entity import TEXT, Entity, resolved, same
from cxfulfill.parameters.numbers import MAX_TEXT
from cxfulfill.parameters.refusals import EntityError

if TYPE_CHECKING:
    from types import ModuleType

_E164: Final = r"\+[1-9][0-9]{6,14}"
_NATIONAL: Final = r"[0-9]{3,15}"
_CHARACTERS: Final = r"[0-9\s+().\-/]*"
_LAYOUT: Final = r"[\s.()-]"
_TRUNK: Final = r"(\s*\(?(?:\+|00)(?:[\s.-]*[0-9]){1,3}[)\s.-]*)\(0\)"
# Behind a country's or an area's code, not before an extension or the end of a second number: "030/123456".
_SLASHED: Final = r"(?:(?:\+|00)(?:[0-9]{1,3}/)?)?[0-9]{1,8}/[0-9]{5,}"


class PhoneNumber(Entity[str]):
    """``@sys.phone-number`` as an annotation: ``Annotated[str, PhoneNumber(region="US")]``.

    That CX sends the number as it was said is inferred. International numbers begin with ``+`` or
    ``00``; white space, dots, hyphens, parentheses and the ``(0)`` behind a country's code are removed, and so is a
    slash behind an area's: at least five digits follow it.

    Args:
        region: ISO 3166 code of the country whose national numbers are read as well. It takes the extra ``phone``.

    Raises:
        ConfigurationError: The extra is missing, or it knows no such region.
    """

    def __init__(self, *, region: str | None = None) -> None:
        super().__init__(read=_reader(region), write=same, accepted=TEXT, written=_WRITTEN)


def read_phone_number(value: Any) -> str:
    """Read a phone number in international form.

    Args:
        value: Text.

    Returns:
        The number in E.164, such as ``+14155550100``.

    Raises:
        EntityError: ``phone_number_without_country`` or ``not_a_phone_number``.
    """
    digits = _digits(_text(value))
    number = _international(digits)
    if number is None:
        raise EntityError("phone_number_without_country" if re.fullmatch(_NATIONAL, digits) else "not_a_phone_number")
    return number


def _reader(region: str | None) -> Callable[[Any], str]:
    if region is None:
        return read_phone_number
    library = _library()
    if region not in library.SUPPORTED_REGIONS:
        raise ConfigurationError("a phone number's region is an ISO 3166 code such as US")

    def read(value: Any) -> str:
        text = _text(value)
        return _international(_digits(text)) or _national(library, text, region)

    return read


def _library() -> "ModuleType":
    try:
        import phonenumbers  # noqa: PLC0415 - only for national numbers
    except ImportError:
        raise ConfigurationError.for_extra("a region", "phone") from None
    return phonenumbers


def _text(value: Any) -> str:
    value = resolved(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT or not re.fullmatch(_CHARACTERS, value):
        raise EntityError("not_a_phone_number")
    return value


def _digits(text: str) -> str:
    """Give the number without its layout; there may be a ``+`` left."""
    digits = re.sub(_LAYOUT, "", re.sub(_TRUNK, r"\1", text) if "(0)" in text else text)
    if "/" not in digits:
        return digits
    if not re.fullmatch(_SLASHED, digits):
        raise EntityError("not_a_phone_number")
    return digits.replace("/", "")


def _international(digits: str) -> str | None:
    number = f"+{digits[2:]}" if digits.startswith("00") else digits
    return number if re.fullmatch(_E164, number) else None


def _national(library: "ModuleType", text: str, region: str) -> str:
    try:
        number = library.parse(text, region)
    except library.NumberParseException:
        raise EntityError("not_a_phone_number") from None
    # Whether the number was assigned is not asked: plans change too often. One that cannot be called from abroad is
    # none: too short for its area code to be there, or an emergency call's and the like.
    possible = library.is_possible_number_with_reason(number) == library.ValidationResult.IS_POSSIBLE
    is_short = library.is_valid_short_number(number) and not library.is_valid_number(number)
    if "+" in text or is_short or not possible:
        raise EntityError("not_a_phone_number")
    return str(library.format_number(number, library.PhoneNumberFormat.E164))


_WRITTEN: Final = {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}
PHONE_NUMBER: Final = PhoneNumber()
