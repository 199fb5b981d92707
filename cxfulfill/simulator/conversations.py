"""Conversations in files: what `cxfulfill.recording` and the console write, a call and its answer on each line."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from cxfulfill.errors import BadRequest, CxFulfillError
from cxfulfill.http import METHODS
from cxfulfill.protocol.json import loads
from cxfulfill.recording import END, VERSION, Recorded, digest, timestamp
from cxfulfill.simulator.values import doubles

if TYPE_CHECKING:
    from cxfulfill.simulator.result import Result

MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes of a file that are read at most (32 MiB)."""


class ConversationError(CxFulfillError):
    """A file is no recorded conversation; the sentence tells line and member."""


def read_conversation(text: str | bytes) -> list[Recorded]:
    """Read the lines of a file; empty ones are passed over, and members that are not known.

    Args:
        text: The lines.

    Returns:
        The calls, in order.

    Raises:
        ConversationError: One of them is no recorded call, or there is too much of it.
    """
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise ConversationError(f"it has {len(data)} bytes, and {MAX_BYTES} are read at most")
    return [_read(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]


def read_files(path: Path) -> Iterator[tuple[str, list[Recorded]]]:
    """Read a file, or all files of a folder that end in ``.jsonl``.

    Args:
        path: The file or folder.

    Yields:
        Name and calls of each file, by name.

    Raises:
        ConversationError: There is none, or one of them cannot be read; the sentence names it.
    """
    try:
        files = sorted(path.glob(f"*{END}")) if path.is_dir() else [path]
        if not files:
            raise ConversationError(f"there is no file that ends in {END}")
        for file in files:
            with file.open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
            try:
                yield file.name, read_conversation(data)
            except ConversationError as error:
                raise ConversationError(f"{file.name}: {error}") from None
    except OSError as error:
        raise ConversationError(f"{path.name}: it cannot be read ({os.strerror(error.errno or 0)})") from None


def write_conversation(calls: Iterable[Recorded]) -> str:
    """Write calls as `read_conversation` reads them.

    Args:
        calls: The calls.

    Returns:
        The lines.
    """
    return b"".join(call.line() for call in calls).decode()


def recorded(result: "Result", *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Recorded:
    """Give a call of the simulator as it is kept: as it was, since whoever tries things has made its values up.

    Args:
        result: What became of it.
        now: The time of day.

    Returns:
        The call; without its header fields, but for a digest of ``Idempotency-Key``.
    """
    outgoing = result.delivery.outgoing
    parts = urlsplit(outgoing.url)
    key = outgoing.headers.get("idempotency-key", "")
    answer: Any = None
    with suppress(BadRequest):
        answer = loads(result.body) if result.body else None
    return Recorded(
        at=timestamp(now()), method=outgoing.method, path=unquote(parts.path) or "/", query=parts.query,
        tag=result.tag, request=result.request or None, status=result.status, answer=answer, replayed=result.replayed,
        ms=result.delivery.seconds * 1e3, idempotency_key=digest(key) if key else "",
    )  # fmt: skip


def _read(number: int, line: bytes) -> Recorded:
    try:
        members = loads(line)
    except BadRequest as error:
        raise ConversationError(f"line {number}: it is no JSON ({error.reason})") from None
    if not isinstance(members, dict):
        raise ConversationError(f"line {number}: it is no JSON object")
    for name, (is_right, form) in _FORMS.items():
        if name not in members and name not in _OPTIONAL:
            raise ConversationError(f"line {number}: {name} is missing")
        if name in members and not is_right(members[name]):
            raise ConversationError(f"line {number}: {name} must be {form}")
    try:
        doubles(members.get("request"))
    except OverflowError:
        raise ConversationError(f"line {number}: request has a number beyond the range of a double") from None
    known = {name: members[name] for name in (*_FORMS, "request", "answer") if name in members and name != _MARK}
    return Recorded(**{"request": None, "answer": None} | known)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_MAX_MS: Final = 1e9
_MARK: Final = "cxfulfill_recording"
_FORMS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    _MARK: (lambda value: _is_number(value) and value == VERSION, f"{VERSION}, the form that this release reads"),
    "at": (_is_time, "a time such as 2030-06-14T09:30:00Z"),
    "method": (lambda value: value in tuple(METHODS), "an HTTP method in capitals"),
    "path": (lambda value: isinstance(value, str) and value.startswith("/"), "a path that begins with /"),
    "query": (_is_text, "text"),
    "tag": (_is_text, "text"),
    "status": (
        lambda value: value is None or (isinstance(value, int) and 100 <= value <= 599),
        "an HTTP status, or null where no answer came",
    ),
    "replayed": (lambda value: isinstance(value, bool), "true or false"),
    "ms": (lambda value: _is_number(value) and 0 <= value <= _MAX_MS, "a number of milliseconds"),
    "idempotency_key": (_is_text, "text"),
}
"""What each member must be, with its name for people; ``request`` and ``answer`` are any JSON, or none."""
_OPTIONAL: Final = frozenset({"query", "tag", "replayed", "ms", "idempotency_key"})
