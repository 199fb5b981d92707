"""Calls and their answers kept in files, to be sent again later: for development (``CXFULFILL_RECORD``).

What callers prove themselves with is never kept, nor what `redaction` finds to be private; what users say is.
"""

import errno
import json
import logging
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cxfulfill.context import Clock
from cxfulfill.errors import ConfigurationError
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.forks import lock_of_process
from cxfulfill.http import REDACTED, HttpResponse
from cxfulfill.redaction import Redaction, is_private
from cxfulfill.telemetry import Record

VERSION: Final = 1
"""The form of a line."""
END: Final = ".jsonl"
"""What the names of the files end in."""
FLEXIBLE: Final = f"flexible{END}"
"""The file of calls of flexible webhooks, which have no session."""
SESSIONLESS: Final = f"no-session{END}"
MAX_BYTES: Final = 100 * 1024 * 1024
"""Bytes of a folder's files, behind which nothing is recorded any more."""

_REFUSED: Final = frozenset({401, 403})
_SCAN: Final = 1024 * 1024
"""Bytes that are written between two looks at what the folder holds, since other processes write there too."""
_QUIET: Final = 60.0
"""Seconds from one warning to the next."""
_DIGEST: Final = 12
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_log = logging.getLogger("cxfulfill")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A call and its answer.

    Attributes:
        at: When it was answered (RFC 3339, UTC).
        method: The HTTP method.
        path: The path within the application, decoded.
        query: The query string; empty for none.
        tag: The tag; empty for a flexible call.
        request: The WebhookRequest, or the body of a flexible call, as JSON; None for no body.
        status: The HTTP status; None where the simulator got no answer.
        answer: The answer, as JSON; None where it is none.
        replayed: Whether it is the answer of an earlier delivery.
        ms: Milliseconds that it took.
        idempotency_key: Digest of the header ``Idempotency-Key``; empty for none.
    """

    at: str
    method: str
    path: str
    query: str = ""
    tag: str = ""
    request: Any
    status: int | None
    answer: Any
    replayed: bool = False
    ms: float = 0.0
    idempotency_key: str = ""

    @property
    def is_standard(self) -> bool:
        """Whether it is a call of the standard webhook; one without a tag is told by its members."""
        return bool(self.tag) or (isinstance(self.request, dict) and "fulfillmentInfo" in self.request)

    def line(self) -> bytes:
        """Write it as a line of JSON, in ASCII and with its end."""
        members: dict[str, Any] = {
            "cxfulfill_recording": VERSION, "at": self.at, "method": self.method, "path": self.path,
            "query": self.query, "tag": self.tag, "request": self.request, "status": self.status,
            "answer": self.answer, "replayed": self.replayed, "ms": round(self.ms, 1),
        }  # fmt: skip
        if self.idempotency_key:
            members["idempotency_key"] = self.idempotency_key
        return json.dumps(members, separators=(",", ":")).encode() + b"\n"


def timestamp(now: datetime) -> str:
    """Write a time as RFC 3339 in UTC, with milliseconds.

    Args:
        now: The time, with its zone.

    Returns:
        The text.
    """
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(text: str) -> str:
    """Give the digits that stand for a text in place of it, as records give those of a session's name.

    Args:
        text: The text.

    Returns:
        The first digits of its SHA-256, in hexadecimal.
    """
    return sha256(text.encode()).hexdigest()[:_DIGEST]


class Recording:
    """Writes calls and their answers to files of a folder, one for each session.

    Args:
        folder: The folder; it is made where there is none.
        max_bytes: Bytes of its files, behind which nothing is recorded any more.
        clock: Seconds that only go up.
        now: The time of day.

    Raises:
        ConfigurationError: What has its name is no folder of this user that is closed to all others.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = MAX_BYTES,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder.absolute()
        _make(self.folder)
        self._max_bytes = max_bytes
        self._clock = clock
        self._now = now
        self._lock = lock_of_process(self)
        self._size = 0
        self._unseen = _SCAN  # at once
        self._is_full = False
        self._quiet_until = -_QUIET

    def __repr__(self) -> str:
        return f"Recording({str(self.folder)!r})"

    def take(self, record: Record, response: HttpResponse) -> None:
        """Keep a call whose caller is known; whatever goes wrong, its answer is not harmed.

        Args:
            record: What is noted of it.
            response: What is sent.
        """
        if self._is_full or response.status in _REFUSED:
            return
        try:
            name, recorded = _recorded(record, response, timestamp(self._now()))
            self.write(name, recorded)
        except Exception as error:
            with suppress(Exception):  # the log itself may be what fails
                self._warn(error)

    def write(self, name: str, recorded: Recorded) -> None:
        """Append a line to one of the folder's files.

        Args:
            name: The file's name.
            recorded: The call.

        Raises:
            OSError: That cannot be done.
        """
        line = recorded.line()
        if self._has_room(len(line)):
            _append(self.folder, name, line)

    def _has_room(self, size: int) -> bool:
        with self._lock:
            if self._unseen >= _SCAN:
                self._size, self._unseen = _size(self.folder), 0
            if self._size + size <= self._max_bytes:
                self._size += size
                self._unseen += size
                return True
            was_full, self._is_full = self._is_full, True
        if not was_full:
            _log.warning("the recorded calls fill their folder: no more are recorded (%d bytes)", self._max_bytes)
        return False

    def _warn(self, error: Exception) -> None:
        with self._lock:
            now = self._clock()
            if now < self._quiet_until:
                return
            self._quiet_until = now + _QUIET
        known = isinstance(error, OSError) and errno.errorcode.get(error.errno or 0)
        _log.warning("a call could not be recorded: %s", known or type(error).__name__)


def _recorded(record: Record, response: HttpResponse, at: str) -> tuple[str, Recorded]:
    """Give the name of a call's file, and what is kept of it."""
    call: Any = record.call  # of one of two kinds
    http = record.http
    name, key = FLEXIBLE, http.headers.get("idempotency-key", "")
    path = http.path.encode(errors="surrogateescape").decode(errors="replace")
    if isinstance(call, FlexibleContext):
        hides = Redaction(dict(call.path), dict(call.query), call.body)
        request, path = hides.value(call.body), _path(path, call, hides)
    else:
        given = call.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
        hides = Redaction(given)
        request, key = hides.request(given), ""
        name = f"{digest(record.session)}{END}" if record.session else SESSIONLESS
    return name, Recorded(
        at=at, method=http.method, path=path, query=hides.query(http.query), tag=record.tag, request=request,
        status=response.status, answer=hides.value(json.loads(response.body)),
        replayed=record.outcome in ("replayed", "joined"),
        ms=(record.stages.clock() - record.stages.started) * 1e3, idempotency_key=digest(key) if key else "",
    )  # fmt: skip


def _path(path: str, call: FlexibleContext, hides: Redaction) -> str:
    for name, value in call.path.items():
        if is_private(name) and str(value):
            path = path.replace(str(value), REDACTED)
    return "/".join(map(hides.text, path.split("/")))


def _make(folder: Path) -> None:
    told = "CXFULFILL_RECORD"
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
        found = folder.lstat()
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "an error")
        raise ConfigurationError(f"{told}: the folder cannot be made ({code})") from None
    is_private_one = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0
    if not is_private_one or found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"{told} must name a folder of this user with mode 0700, and no link: chmod 700 it, or name one that is "
            "not there yet"
        )


def _append(folder: Path, name: str, line: bytes) -> None:
    """Append a line with one write, so that those of several processes never mix."""
    place = os.open(folder, _FOLDER)
    try:
        file = os.open(name, _FILE, 0o600, dir_fd=place)
    finally:
        os.close(place)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "no file")
        if stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(file, 0o600)
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, "written in part")
    finally:
        os.close(file)


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries if entry.name.endswith(END))
