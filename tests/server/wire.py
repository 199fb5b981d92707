"""Servers as processes, and connections to them byte by byte."""

import base64
import http.client
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Self

from tests.server.app import PASSWORD, USERNAME

LIMIT = 30.0
"""Seconds after which a condition is taken to never come true."""

ROOT = Path(__file__).parents[2]
CANARY = "canary-5f1d07"
"""Stands in every body and every wrong credential; must be in no answer and no log line."""

_ADDRESS = re.compile(r"(?:[Ll]istening at:|[Rr]unning on) https?://[0-9.]+:([0-9]+)")
_FOREIGN = (
    "PORT", "WEB_CONCURRENCY", "CXFULFILL_THREADS", "CXFULFILL_MAX_IN_FLIGHT", "GUNICORN_CMD_ARGS", "K_SERVICE",
    "PYTHONPATH", "CXFULFILL_TLS_CERT", "CXFULFILL_TLS_KEY", "CXFULFILL_TLS_CLIENT_CA", "CXFULFILL_TLS_CLIENT_CERT",
)  # fmt: skip


def basic(username: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


GOOD = basic(USERNAME, PASSWORD)
BAD = basic(USERNAME, CANARY)
SECRETS = (CANARY, PASSWORD, GOOD.rpartition(" ")[2], BAD.rpartition(" ")[2])


def until(condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        select.select([], [], [], 0.01)


def call_body(tag: str = "plain") -> bytes:
    name = "projects/p/locations/global/agents/a/sessions/s"
    session = {"session": name, "parameters": {"said": CANARY}}
    return json.dumps({"fulfillmentInfo": {"tag": tag}, "sessionInfo": session}).encode()


def head(method: str = "POST", path: str = "/webhook", *fields: str, credential: str = GOOD) -> bytes:
    """Make the head of a request, without a length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", credential, *fields]
    return "".join(f"{line}\r\n" for line in lines if line).encode() + b"\r\n"


def call(
    tag: str = "plain", *fields: str, method: str = "POST", path: str = "/webhook", credential: str = GOOD
) -> bytes:
    """Make a whole call."""
    body = call_body(tag)
    return head(method, path, *fields, f"Content-Length: {len(body)}", credential=credential) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.json()["sessionInfo"]["parameters"]
        return parameters


class Wire:
    """One connection, over TLS where it is given a context and the server's name."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *parts: bytes) -> Self:
        self.socket.sendall(b"".join(parts))
        return self

    def end(self) -> Self:
        """Send no more; answers can still come."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def response(self, *, to: str = "POST") -> Response:
        """Read one response and not a byte more."""
        line = self._file.readline().decode()
        assert line.startswith("HTTP/1."), f"no response, but {line!r}"
        headers = http.client.parse_headers(self._file)
        length = 0 if to == "HEAD" else int(headers["Content-Length"])
        return Response(int(line.split()[1]), headers, self._file.read(length))

    def ask(self, data: bytes, *, to: str = "POST") -> Response:
        return self.send(data).response(to=to)

    def closed(self) -> bool:
        """Wait for what comes next: whether that is the end of the connection."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def has_answer(self, seconds: float) -> bool:
        """Wait for an answer, or its end, for so long."""
        readable = bool(select.select([self.socket], [], [], seconds)[0])
        if not readable or not isinstance(self.socket, ssl.SSLSocket):
            return readable
        # It may be a message of TLS itself, such as a session ticket.
        self.socket.setblocking(False)
        try:
            self._file.peek(1)
        except ssl.SSLWantReadError:
            return False
        finally:
            self.socket.settimeout(LIMIT)
        return True


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    log: Path
    runs: Path
    gate_path: Path
    port: int = 0
    passed: int = 0

    def connect(self, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> Wire:
        return Wire(self.port, tls, name)

    def ask(self, data: bytes, tls: ssl.SSLContext | None = None) -> Response:
        """Ask on a connection of its own."""
        with self.connect(tls) as wire:
            return wire.ask(data)

    def ask_at_once(self, data: bytes, number: int = 8) -> list[Response]:
        """Ask on several connections at once, so that one worker alone does not take them all."""
        with ExitStack() as opened:
            wires = [opened.enter_context(self.connect()).send(data) for _ in range(number)]
            return [wire.response() for wire in wires]

    def lines(self) -> list[str]:
        """What the server wrote so far."""
        return self.log.read_text().splitlines()

    def ran(self) -> list[str]:
        """The tags of the handlers that ran so far."""
        return self.runs.read_text().splitlines()

    def until_line(self, part: str) -> None:
        until(lambda: any(part in line for line in self.lines()), f"{part!r} in the log:\n{self.log.read_text()}")

    @contextmanager
    def gate(self, waiting: int = 1) -> Iterator[None]:
        """Run the block while so many handlers wait at the gate, then let them go on."""
        opened: list[int] = []

        def reader_is_there() -> bool:
            try:
                opened.append(os.open(self.gate_path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                return False
            return True

        until(reader_is_there, "a handler at the gate")
        try:
            self.passed += waiting
            until(lambda: sum(tag.startswith("gated") for tag in self.ran()) == self.passed, "handlers at the gate")
            yield
        finally:
            os.close(opened[0])

    def stop(self) -> int:
        """End the server as platforms do, with SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def clean_environment() -> dict[str, str]:
    """Give this process's environment without what would change a server's settings."""
    return {name: value for name, value in os.environ.items() if name not in _FOREIGN}


def start(*command: str, folder: Path, cwd: Path = ROOT, **environment: str) -> Server:
    """Start a server and wait until it listens."""
    log, runs, gate = folder / "log", folder / "runs", folder / "gate"
    runs.touch()
    os.mkfifo(gate)
    own = {"SERVER_TESTS_RUNS": str(runs), "SERVER_TESTS_GATE": str(gate), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=clean_environment() | own | environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    server = Server(process, log, runs, gate)
    try:
        until(lambda: _ADDRESS.search(log.read_text()) is not None or process.poll() is not None, "the server")
        found = _ADDRESS.search(log.read_text())
        assert found, f"the server did not start:\n{log.read_text()}"
    except BaseException:
        server.stop()
        raise
    server.port = int(found[1])
    return server


def gunicorn(*arguments: str) -> tuple[str, ...]:
    """Make the command of a gunicorn with the shipped settings, on a free port of this machine."""
    settings = ("-c", "python:cxfulfill.server.gunicorn", "-b", "127.0.0.1:0")
    return (sys.executable, "-m", "gunicorn", *settings, *arguments)
