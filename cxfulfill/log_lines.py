"""The log lines of calls: what takes their records where nothing else does."""

import json
import logging
from collections.abc import Collection
from typing import Any, Final

from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import REDACTED
from cxfulfill.last_resort import NAME, line_of, unobserved
from cxfulfill.records import CallRecord

_log = logging.getLogger(NAME)
_MAX_PARAMETERS: Final = 4_096
"""Characters of a line about parameters."""


class LogRecords:
    """Writes records to the logger ``cxfulfill``, a line each.

    A formatter of logging finds the record itself as the line's ``call``; `CloudLoggingFormatter` does so.

    At DEBUG there is a line with the names of the parameters too, and with their values where that is asked for.

    Args:
        redact: Names of parameters, in any case and at any depth, whose values are not shown at DEBUG while all others
            are; None shows no value.

    Raises:
        ConfigurationError: ``redact`` is text, in place of a collection of names.
    """

    def __init__(self, redact: Collection[str] | None = None) -> None:
        if isinstance(redact, str):
            raise ConfigurationError('redact= takes names: ["phone"]')
        self._redacted = None if redact is None else frozenset(name.casefold() for name in redact)

    def is_enabled_for(self, level: int) -> bool:
        """Tell whether a line is written at all.

        Args:
            level: Its level.

        Returns:
            Whether it is.
        """
        return _log.isEnabledFor(level)

    def write(self, record: CallRecord) -> None:
        """Write a record; see `RecordSink.write`."""
        if _log.isEnabledFor(record.level):
            handler = unobserved(record.level)
            if handler is None:
                _log.handle(line_of(record))
            else:
                handler.write(record)

    def write_parameters(self, call: Call) -> None:
        """Write a call's parameters at DEBUG, as far as they may be shown; nothing where there are none.

        Args:
            call: The call.
        """
        parameters = getattr(call, "parameters", None)
        if parameters:
            shown = json.dumps(self._shown(dict(parameters)), default=str)
            _log.debug("request_id=%s parameters=%s", call.request_id, shown[:_MAX_PARAMETERS])

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: REDACTED if self._is_hidden(name) else self._shown(part) for name, part in value.items()}
        return [self._shown(part) for part in value] if isinstance(value, list) else value

    def _is_hidden(self, name: str) -> bool:
        return self._redacted is None or str(name).casefold() in self._redacted
