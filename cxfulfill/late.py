"""What is told of a handler that ended after its call was answered, and where in the code an exception came through."""

import sysconfig
import traceback
from contextlib import suppress
from pathlib import PurePath
from typing import Final

from cxfulfill.context import Call, log_of
from cxfulfill.errors import HttpError

_FRAMES: Final = 3
_LIBRARIES: Final = (
    str(PurePath(__file__).parent),
    *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")},
    "<frozen",
)


class TriedToEnd(RuntimeError):
    """What a call's code raised would end the process, and others' calls with it; what is told is its cause."""

    def __init__(self) -> None:
        super().__init__("a call's code raised what would end the process")

    @classmethod
    def by(cls, error: BaseException) -> "TriedToEnd":
        """Make one.

        Args:
            error: What was raised.

        Returns:
            The error in its place.
        """
        made = cls()
        made.__cause__ = error
        return made


def note_late(call: Call, error: BaseException | None, *, is_kept: bool) -> None:
    """Tell how a handler ended after its deadline.

    Args:
        call: Its call.
        error: What it raised; None for nothing.
        is_kept: Whether its answer is kept for the retry.
    """
    with suppress(Exception):  # whoever waits for the handler's end must get it, whatever becomes of the line
        _tell(call, error, is_kept=is_kept)


def _tell(call: Call, error: BaseException | None, *, is_kept: bool) -> None:
    log, id_ = log_of(call), call.request_id
    if error is None and is_kept:
        log.warning("request_id=%s handler ended after its deadline; its answer is kept for the retry", id_)
    elif error is None:
        log.warning("request_id=%s handler ended after its deadline; its answer is lost", id_)
    elif isinstance(error, HttpError):
        log.warning("request_id=%s handler ended after its deadline with reason=%s", id_, error.reason)
    else:
        seen = seen_in(error)
        name = type(seen).__qualname__.encode("unicode_escape").decode()
        log.error("request_id=%s handler failed after its deadline: error=%s at=%s", id_, name, frames_of(seen))
        log.debug("request_id=%s traceback", id_, exc_info=error)


def note_done(call: Call) -> None:
    """Tell that deferred work has ended which its call did not wait for.

    Args:
        call: The call that began it.
    """
    with suppress(Exception):
        log_of(call).info("request_id=%s deferred work has ended", call.request_id)


def seen_in(error: BaseException) -> BaseException:
    """Give what is told of an exception.

    Args:
        error: The exception.

    Returns:
        It, or what would have ended the process.
    """
    return error.__cause__ or error if isinstance(error, TriedToEnd) else error


def frames_of(error: BaseException) -> str:
    """Name the innermost frames of the application, without the lines and values that a traceback shows.

    Args:
        error: An exception.

    Returns:
        File, line and function of each.
    """
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    frames = (own or frames)[-_FRAMES:]
    return " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
