"""Reads an answer as ``google.protobuf.json_format`` does, without that package, and says where it is wrong.

It takes what that parser takes, but for two things. An empty text or list in place of an object is refused, since
CX's own parser, which is another one, wants an object. So are numbers that can be read and not written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cxfulfill.protocol.values import NAMEABLE
from cxfulfill.simulator.findings import Finding, Version
from cxfulfill.simulator.scalars import (
    UnknownName,
    WrongValue,
    read_bool,
    read_bytes,
    read_enum,
    read_number,
    read_text,
)
from cxfulfill.simulator.schema import ENUMS, NEEDED, Field, members

UNKNOWN: Final = "is not a member of a WebhookResponse; CX refuses the whole answer"
TOO_DEEP: Final = "is nested deeper than CX's parser reads"
MAX_DEPTH: Final = 100
"""Levels of messages, of which a value in a parameter or payload takes one, and a list or object there another."""

_SCALARS: Final[Mapping[str, Callable[[Any], Any]]] = {"string": read_text, "bool": read_bool, "bytes": read_bytes}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands in an answer.

    Attributes:
        place: As in a `Finding`.
        depth: Levels of messages from the answer, which is the first, to the one that stands here.
    """

    place: str = ""
    depth: int = 1

    def at(self, part: str | int) -> "Spot":
        """Go to a member or item.

        Args:
            part: Its name or index.

        Returns:
            The spot, in the same message.
        """
        if isinstance(part, int):
            return Spot(f"{self.place}[{part}]", self.depth)
        name = part if NAMEABLE.fullmatch(part) else "?"
        return Spot(f"{self.place}.{name}" if self.place else name, self.depth)

    def inside(self) -> "Spot":
        """Go to the message that stands here."""
        return Spot(self.place, self.depth + 1)


class StrictReader:
    """Reads one answer.

    Args:
        version: The API's version.

    Attributes:
        findings: What is to be said of it.
        strangers: The errors among them that say that a name is not known, so that another release may know it.
    """

    def __init__(self, version: Version) -> None:
        self.findings: list[Finding] = []
        self.strangers: set[Finding] = set()
        self._version = version

    def read(self, answer: Any) -> dict[str, Any]:
        """Read an answer.

        Args:
            answer: The JSON value.

        Returns:
            The answer as in a `cxfulfill.simulator.findings.Reading`; of no use where an error was found.
        """
        return self._message(answer, "WebhookResponse", Spot())

    def _message(self, part: Any, kind: str, spot: Spot, read: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read a message, into the one that the member's other spelling left."""
        read = {} if read is None else read
        if not self._may_be(dict, part, spot):
            return read
        before, chosen = len(self.findings), dict[str, str]()
        known = members(kind, self._version)
        for key, value in part.items():
            if key not in known:
                self._stranger(spot.at(key), UNKNOWN)
                continue
            name, field = known[key]
            if value is not None:
                self._look_beside(key, name, field, spot, chosen)
            if field.oneof is None and name != key and name in part:
                self._say(spot.at(name), "is there in both spellings", "warning")
            self._member(name, field, value, spot, read)
        names, problem = NEEDED.get(kind, ((), ""))
        refused = any(finding.severity == "error" for finding in self.findings[before:])
        if names and not refused and not any(name in read for name in names):
            self._say(spot, problem, "warning")
        return read

    def _look_beside(self, key: str, name: str, field: Field, spot: Spot, chosen: dict[str, str]) -> None:
        """Say what is to be said of a member that is set, whatever its value."""
        if field.note:
            self._say(spot.at(name), field.note, "warning")
        if field.oneof is None:
            return
        other = chosen.setdefault(field.oneof, key)
        if other != key:
            self._say(spot.at(name), f"cannot be set together with {other}; CX refuses the whole answer")

    def _member(self, name: str, field: Field, value: Any, spot: Spot, read: dict[str, Any]) -> None:
        new = None if value is None else self._read(field, value, spot.at(name), read.get(name))
        if new or (field.keeps_empty and (new is not None or field.kind == "Value")):
            read[name] = new
        else:
            read.pop(name, None)

    def _read(self, field: Field, value: Any, spot: Spot, read: dict[str, Any] | None) -> Any:
        if field.shape == "list":
            items = value if self._is(list, value, spot) else []
            return [self._one(field, item, spot.at(index)) for index, item in enumerate(items)]
        if field.shape == "map":
            return self._members(value, spot) if self._is(dict, value, spot) else None
        return self._one(field, value, spot, read)

    def _one(self, field: Field, value: Any, spot: Spot, read: dict[str, Any] | None = None) -> Any:
        """Read a value that is no list and no map, or one of those in it."""
        kind = field.kind
        if kind == "Value":
            return self._value(value, spot.inside())
        if kind == "Struct":
            return self._struct(value, spot.inside())
        if kind in ENUMS:
            return self._scalar(lambda part: read_enum(part, ENUMS[kind]), value, spot)
        if kind in _SCALARS:
            return self._scalar(_SCALARS[kind], value, spot)
        return self._message(value, kind, spot.inside(), read)

    def _scalar(self, reader: Callable[[Any], Any], value: Any, spot: Spot) -> Any:
        try:
            return reader(value)
        except UnknownName as error:
            self._stranger(spot, str(error))
        except WrongValue as error:
            self._say(spot, str(error))
        return None

    def _value(self, value: Any, spot: Spot) -> Any:
        if isinstance(value, dict):
            return self._struct(value, spot.inside())
        if isinstance(value, list):
            here = spot.inside()
            items = value if self._may_be(list, value, here) else []
            return [self._value(item, here.at(index).inside()) for index, item in enumerate(items)]
        self._may_be(object, value, spot)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._scalar(read_text, value, spot)
        number = self._scalar(read_number, value, spot)
        if isinstance(value, int) and number is not None and number != value:
            self._say(spot, "is a number of more digits than CX keeps", "warning")
        return number

    def _struct(self, value: Any, spot: Spot) -> dict[str, Any]:
        return self._members(value, spot) if self._may_be(dict, value, spot) else {}

    def _members(self, value: Mapping[str, Any], spot: Spot) -> dict[str, Any]:
        for name in value:
            self._scalar(read_text, name, spot.at(name))
        return {name: self._value(member, spot.at(name).inside()) for name, member in value.items()}

    def _may_be(self, shape: type, value: Any, spot: Spot) -> bool:
        """Check the depth of a message, and that it is an object or a list."""
        if spot.depth > MAX_DEPTH:
            self._say(spot, TOO_DEEP)
            return False
        return self._is(shape, value, spot)

    def _is(self, shape: type, value: Any, spot: Spot) -> bool:
        if isinstance(value, shape):
            return True
        self._say(spot, "must be a list" if shape is list else "must be an object")
        return False

    def _stranger(self, spot: Spot, problem: str) -> None:
        self._say(spot, problem)
        self.strangers.add(self.findings[-1])

    def _say(self, spot: Spot, problem: str, severity: Literal["error", "warning"] = "error") -> None:
        self.findings.append(Finding(spot.place, problem, severity))
