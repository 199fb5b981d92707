"""``CXFULFILL_RECORD`` under the shipped settings: several workers write to one file."""

import json
from pathlib import Path

from tests.server.app import PASSWORD
from tests.server.conftest import Serve
from tests.server.wire import call, gunicorn


def test_the_calls_of_all_workers_are_recorded(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    server = serve(*gunicorn("-w", "2", "tests.server.record_app:webhook"), CXFULFILL_RECORD=str(folder))
    assert [server.ask(call()).status for _ in range(20)] == [200] * 20
    assert server.ask(call(credential="Authorization: x")).status == 401
    assert server.stop() == 0
    [file] = folder.iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["tag"], line["status"]) for line in lines] == [("plain", 200)] * 20
    assert PASSWORD not in file.read_text()
