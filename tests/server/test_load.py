"""``cxfulfill load`` as a process, against the example app under the shipped settings."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.server.conftest import Serve
from tests.server.wire import LIMIT, ROOT, Server, basic, call, clean_environment, gunicorn, until

CREDENTIALS = {"HOTEL_USERNAME": "cx-agent", "HOTEL_PASSWORD": "canary-of-the-load-test-d41a"}


def example(serve: Serve) -> Server:
    """Start it, and wait until both workers answer: CX's time limit is none for their start."""
    environment: dict[str, Any] = {"WEB_CONCURRENCY": "2", **CREDENTIALS}
    server = serve(*gunicorn("example_app.main:app"), **environment)
    good = basic(CREDENTIALS["HOTEL_USERNAME"], CREDENTIALS["HOTEL_PASSWORD"])

    def both_answer() -> bool:
        assert server.ask(call("human", credential=good)).status == 200
        return (
            len({line.partition("] [")[2].partition("]")[0] for line in server.lines() if 'tag="human"' in line}) == 2
        )

    until(both_answer, "both workers")
    return server


def heed_interrupts() -> None:
    """A job in the background is not interrupted, and neither is what it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def loading(server: Server, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = (
        sys.executable, "-m", "cxfulfill.cli", "load", "--url", f"http://127.0.0.1:{server.port}/webhook",
        "--timeout", "30", "--username", CREDENTIALS["HOTEL_USERNAME"], "--password-env", "HOTEL_PASSWORD", *arguments,
    )  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean_environment() | CREDENTIALS, text=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=heed_interrupts,  # noqa: PLW1509
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(LIMIT)
        assert process.stdout
        process.stdout.close()


def outcomes(server: Server, tag: str) -> list[str]:
    """What became of the deliveries of a tag."""
    found = (re.search(rf'tag="{tag}".* outcome=(\w+)', line) for line in server.lines())
    return [outcome[1] for outcome in found if outcome]


def test_three_seconds_of_bookings_with_a_fifth_delivered_twice(serve: Serve, tmp_path: Path) -> None:
    server = example(serve)
    file = tmp_path / "figures.json"
    booking = ROOT / "example_app/requests/booking.json"
    with loading(
        server, "--requests", str(booking), "--seconds", "3", "--users", "8", "--think", "0.1", "--duplicates", "0.2",
        "--seed", "1", "--json", str(file),
    ) as process:  # fmt: skip
        output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, output
    assert CREDENTIALS["HOTEL_PASSWORD"] not in output
    figures = json.loads(file.read_text())
    twice = figures["delivered_twice"]["calls"]
    assert figures["calls"] > twice > 0
    assert figures["failed"] == 0
    assert figures["delivered_twice"] == {"calls": twice, "once": twice}
    assert f"{twice} calls delivered twice: {twice} ran once" in output
    assert figures["statuses"] == {"200": figures["calls"] + twice}
    found = outcomes(server, "book-room")
    assert found.count("ok") == figures["calls"], "one effect for each call"
    assert found.count("replayed") + found.count("joined") == twice == figures["replayed"]


def test_an_interrupt_shows_the_figures_so_far(serve: Serve) -> None:
    server = example(serve)
    with loading(server, "--tag", "welcome", "--seconds", "600", "--think", "0.05") as process:
        until(lambda: bool(outcomes(server, "welcome")), "a call")
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, output
    assert re.search(r"^\d+ calls? in \d\.\d s, interrupted: ", output, re.MULTILINE), output
    assert "Traceback" not in output
    calls = re.search(r"^(\d+) call", output, re.MULTILINE)
    assert calls
    assert outcomes(server, "welcome").count("ok") == int(calls[1])
