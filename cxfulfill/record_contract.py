"""What every sink of records must do, as tests; `cxfulfill.testing` hands it out."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from cxfulfill.records import CallRecord, RecordSink
from cxfulfill.traces import Trace

_RECORDS: Final = (
    CallRecord("contract-1", logging.INFO, 200, "ok", "ok", method="POST", path="/webhook", tag="book", ms=12.3),
    CallRecord("contract-2", logging.INFO, 200, "ok", "joined", attempt=2, trace=Trace("0" * 31 + "1")),
    CallRecord("contract-3", logging.WARNING, 401, "no_credentials", "refused", "webhook.error.rejected"),
    CallRecord(
        "contract-4", logging.ERROR, 500, "internal", "failed", "webhook.error", tag="\r\n\u2028\x00", error="E"
    ),
)
"""One that is well, one that joined another, one before anything is known, and one with a tag of any characters."""
_THREADS: Final = 8


class RecordSinkContract:
    """What every sink of records must do. Say which in ``sink``."""

    def sink(self) -> RecordSink:
        """Make the sink."""
        raise NotImplementedError

    def test_it_takes_every_kind_of_record(self) -> None:
        """Whatever became of a call, and whatever is not known of it, the sink takes its record without an error."""
        sink = self.sink()
        for record in _RECORDS:
            sink.write(record)

    def test_it_takes_records_from_many_threads(self) -> None:
        """Calls end at the same time, in threads of their own."""
        sink = self.sink()
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(sink.write, _RECORDS * _THREADS):
                pass
