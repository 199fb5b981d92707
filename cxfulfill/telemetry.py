"""What is logged of a call: ids, codes and places in the code, never a value of the request or an error's text."""

import json
import logging
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import PurePath

from cxfulfill.errors import HttpError, ReplyError

_log = logging.getLogger("cxfulfill")
_FRAMES = 3
_MAX_TAG = 128
_EXPECTED = frozenset({"in_progress"})  # a retry that waited in vain: nothing is to be done
_MAX_NOTE = 512
_LIBRARIES = (
    str(PurePath(__file__).parent),
    *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")},
    "<frozen",
)


@dataclass(slots=True)
class Record:
    """One call, filled in on its way.

    Attributes:
        request_id: Id of the call.
        principal: Name of the caller, once known.
        tag: The tag, once known.
        route: Method and path's pattern of a flexible call, once known.
        place: Where the handler is defined, once known.
        error: What went wrong, also where an error handler turned it into an answer.
        replayed: Whether the answer is that of an earlier delivery.
    """

    request_id: str
    principal: str = ""
    tag: str = ""
    route: str = ""
    place: str = ""
    error: Exception | None = None
    replayed: bool = False

    def write(self, status: int) -> None:
        """Write the call's one log line: INFO where all is well, WARNING for a refusal, ERROR for a failure.

        Args:
            status: The status that was sent.
        """
        level = logging.INFO if self.error is None else logging.WARNING
        level = logging.ERROR if status >= 500 and reason_of(self.error) not in _EXPECTED else level
        if not _log.isEnabledFor(level):
            return
        _log.log(level, "%s", self._line(status))
        # What fails before the caller is known is an authenticator, and its error's text may hold the credential.
        if self._is_unforeseen and self.principal:
            _log.debug("request_id=%s traceback", self.request_id, exc_info=self.error)

    @property
    def _is_unforeseen(self) -> bool:
        return self.error is not None and not isinstance(self.error, HttpError)

    def _line(self, status: int) -> str:
        parts = [f"status={status}", f"reason={reason_of(self.error)}", f"request_id={self.request_id}"]
        known = {"principal": self.principal, "tag": self.tag[:_MAX_TAG], "route": self.route}
        parts += [f"{name}={_quoted(value)}" for name, value in known.items() if value]
        if self.replayed:
            parts.append("replayed=true")
        if isinstance(self.error, HttpError) and self.error.detail:
            parts.append(f"detail={_quoted(self.error.detail)}")
        elif isinstance(self.error, ReplyError):
            parts += [f"detail={_quoted(str(self.error))}", f"handler={_quoted(self.place)}"]
        if isinstance(self.error, HttpError) and self.error.note:
            parts.append(f"note={_quoted(self.error.note[:_MAX_NOTE])}")
        if self.error is not None and self._is_unforeseen:
            parts.append(f"error={type(self.error).__qualname__} at={_quoted(_frames(self.error))}")
        return " ".join(parts)


def reason_of(error: Exception | None) -> str:
    """Tell the reason code of a failure.

    Args:
        error: The failure, or None.

    Returns:
        The code; ``ok`` where there is none.
    """
    if error is None:
        return "ok"
    if isinstance(error, HttpError):
        return error.reason
    return "refused_reply" if isinstance(error, ReplyError) else "internal"


def _quoted(text: str) -> str:
    return json.dumps(text)


def _frames(error: Exception) -> str:
    """Name the innermost frames of the application, without the lines and values that a traceback shows."""
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    frames = (own or frames)[-_FRAMES:]
    return " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
