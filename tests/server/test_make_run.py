"""The README's first command, and the line that it prints, as a newcomer uses them."""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.server.wire import ROOT, until


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_make_run_prints_a_curl_line_that_works_when_pasted(tmp_path: Path, port: int) -> None:
    log = tmp_path / "log"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOTEL_", "MAKE"))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: b"Booting worker" in log.read_bytes() or process.poll() is not None, "the server is up")
        [line] = [line for line in log.read_text().splitlines() if line.startswith("curl ")]
        answer = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, check=True)
        messages = json.loads(answer.stdout)["fulfillmentResponse"]["messages"]
        assert messages[0]["text"]["text"][0] == "Welcome to Harbour Hotel!"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
