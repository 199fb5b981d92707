"""Where lines go that nobody handles, and a short way there for the record of a call.

`logging` makes an object of each line and hands it on from one to the next, so that whoever configures it can look in.
That takes longer than the record of a call and its text together, and where nobody has configured it nobody looks.
"""

import logging
import os
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TextIO
from weakref import WeakSet

from cxfulfill.records import CallRecord

NAME: Final = "cxfulfill"
"""Name of the framework's logger."""
_TIME: Final = "[%Y-%m-%d %H:%M:%S %z]"


class Seconds:
    """Tells seconds as text; the latest one from memory.

    Args:
        tell: Makes the text.
    """

    def __init__(self, tell: Callable[[int], str]) -> None:
        self._tell = tell
        self._latest = (-1, "")

    def of(self, second: int) -> str:
        """Tell a second.

        Args:
            second: Seconds since the epoch.

        Returns:
            Its text.
        """
        known, text = self._latest
        if known != second:
            text = self._tell(second)
            self._latest = second, text  # both at once, since threads share it
        return text


class TextFormatter(logging.Formatter):
    """Formats lines for a person, as gunicorn does its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(process)d] [%(levelname)s] %(message)s", _TIME)
        self._seconds = Seconds(lambda second: time.strftime(_TIME, self.converter(second)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that `logging` calls
        """Format a line's first part; one of ``ctx.log`` names its call.

        Args:
            record: What is logged.

        Returns:
            The part.
        """
        line = super().formatMessage(record)
        call = getattr(record, "request_id", None)
        return line if call is None or "request_id=" in record.message else f"{line} request_id={call}"

    def format_call(self, call: CallRecord, created: float) -> str:
        """Format the record of a call as `format` does a line with it.

        Args:
            call: The record.
            created: When it was written: seconds since the epoch.

        Returns:
            The line, without its end.
        """
        return f"{self._seconds.of(int(created))} [{os.getpid()}] [{logging.getLevelName(call.level)}] {call}"


class LastResort(logging.StreamHandler[TextIO]):
    """A `logging.lastResort` that writes to stderr, and takes records of calls too.

    Args:
        formatter: Formats lines.
        format_call: Formats a record, written at a time, as that one does a line with it.
    """

    def __init__(self, formatter: logging.Formatter, format_call: Callable[[CallRecord, float], str]) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._own = formatter
        _handlers.add(self)
        self._format_call = format_call

    def takes(self, level: int) -> bool:
        """Tell whether a line would be written as it was made to be.

        Args:
            level: The line's level.

        Returns:
            False where it is not written, or a filter or another formatter has been set.
        """
        return level >= self.level and not self.filters and self.formatter is self._own

    def write(self, call: CallRecord) -> None:
        """Write the record of a call, as `handle` does a line with it.

        Args:
            call: The record.
        """
        self.acquire()
        try:
            self.stream.write(self._format_call(call, time.time()) + self.terminator)
            self.stream.flush()
        except RecursionError:  # neither does `logging` try to tell of this
            raise
        except Exception:
            self.handleError(line_of(call))
        finally:
            self.release()


def _hold_all() -> None:
    for handler in list(_handlers):
        handler.acquire()


def _release_all() -> None:
    for handler in list(_handlers):
        handler.release()


_handlers: "WeakSet[LastResort]" = WeakSet()
# Nobody is in the middle of a line when the process is forked: the stream's own lock would stay shut in the child.
# There `logging` makes the handlers' locks anew.
os.register_at_fork(before=_hold_all, after_in_parent=_release_all)


def line_of(call: CallRecord) -> logging.LogRecord:
    """Make a line of `logging` with the record of a call; a formatter finds it as the line's ``call``.

    Args:
        call: The record.

    Returns:
        The line.
    """
    # Not by Logger.log: that looks for the calling line on the stack, which takes longer than all the rest.
    line = _log.makeRecord(NAME, call.level, __file__, 0, "%s", (call,), None, "write")
    line.call = call
    return line


def unobserved(level: int) -> LastResort | None:
    """Find the handler for a line that nobody but it would see on its way.

    Args:
        level: The line's level.

    Returns:
        The handler of last resort, where it is of this package, and nobody has configured or patched `logging`.
    """
    handler = logging.lastResort
    if type(handler) is not LastResort or not handler.takes(level) or _log.hasHandlers() or _log.filters:
        return None
    is_plain = _IS_PLAIN and _PATCHED.isdisjoint(vars(_log)) and _PATCHED.isdisjoint(vars(handler))
    return handler if is_plain and _way() == _WAY and logging.logProcesses else None


def _way() -> tuple[Any, ...]:
    """Give what a line goes through: tools that watch an application replace some of it, without a handler."""
    return (
        type(_log),
        logging.getLogRecordFactory(),
        logging.LogRecord.__init__,
        logging.LogRecord.getMessage,
        logging.Logger.makeRecord,
        logging.Logger.handle,
        logging.Logger.callHandlers,
        logging.Handler.handle,
        logging.StreamHandler.emit,
        logging.Handler.format,
        logging.Formatter.format,
        logging.Filterer.filter,
    )


_log = logging.getLogger(NAME)
_WAY: Final = _way()
_PATCHED: Final = frozenset({"callHandlers", "emit", "filter", "format", "handle", "makeRecord"})
"""What somebody may have put on the logger or the handler itself."""
_IS_PLAIN: Final = _WAY[:2] == (logging.Logger, logging.LogRecord) and all(
    type(function) is FunctionType and function.__globals__ is vars(logging) for function in _WAY[2:]
)
"""Whether it was Python's own when this was imported; a wrapper may say so of itself, and is of another type."""
