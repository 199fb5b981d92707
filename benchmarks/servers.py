"""Servers as processes of their own: started, asked whether they answer rightly, measured, and ended."""

import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import environments, proc

PATH = "/webhook"
START, STOP = 30.0, 45.0
"""Seconds for a server to start and to end; gunicorn under the shipped settings may wait for 35 before it ends."""
LOGS = environments.BUILD / "logs"


class NoAnswer(Exception):
    """A server does not start, or answers wrongly; the text says which and where its log is."""


@dataclass(frozen=True)
class Candidate:
    """A server that can be measured.

    Attributes:
        name: What tables call it.
        environment: Which environment it runs in; none where a command of the user's is run.
        command: What runs: arguments of Python, or of the user's command, with ``{port}`` in one of them.
        environ: Further variables of the environment.
        credential: The ``Authorization`` header of its calls.
    """

    name: str
    environment: str | None
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""

    def arguments(self, port: int) -> list[str]:
        """Give the command line for a port."""
        command = [argument.replace("{port}", str(port)) for argument in self.command]
        return command if self.environment is None else [str(environments.python(self.environment)), *command]


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        candidate: What it is.
        port: Its port of 127.0.0.1.
        process: Its process.
    """

    candidate: Candidate
    port: int
    process: "subprocess.Popen[bytes]"

    def processor_seconds(self) -> float:
        """Tell what all its processes have computed so far."""
        return proc.processor_seconds(proc.family(self.process.pid))

    def pss_kib(self) -> int:
        """Tell the memory of all its processes."""
        return proc.pss_kib(proc.family(self.process.pid))

    def call(self, body: bytes) -> tuple[int, bytes]:
        """Send a request on a connection of its own.

        Returns:
            Status and answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START)
        try:
            connection.request("POST", PATH, body, headers(self.candidate))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def first_answer(self, body: bytes, expected: Any) -> float:
        """Wait for the first right answer.

        Args:
            body: The request.
            expected: What must be answered.

        Returns:
            The time at which it was there (`time.perf_counter`).

        Raises:
            NoAnswer: It has ended, or answers nothing or something else.
        """
        end = time.monotonic() + START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                status, answer = self.call(body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.001)
                continue
            came = time.perf_counter()
            if status != 200 or essence(json.loads(answer)) != essence(expected):
                break
            return came
        raise NoAnswer(f"{self.candidate.name} gives no right answer; see {log_of(self.candidate)}")


def headers(candidate: Candidate) -> dict[str, str]:
    """Give the headers that CX sends: the credential, and what the body is."""
    given = {"Content-Type": "application/json", "User-Agent": "Google-Dialogflow"}
    return given | ({"Authorization": candidate.credential} if candidate.credential else {})


def essence(answer: Any) -> Any:
    """Leave out what CX reads as not there, such as empty texts: some servers spell all fields out."""
    if isinstance(answer, list):
        return [essence(item) for item in answer]
    if isinstance(answer, dict):
        kept = {name: essence(value) for name, value in answer.items()}
        return {name: value for name, value in kept.items() if value is None or not _left_out(value)}
    return answer


def _left_out(value: Any) -> bool:
    return value in ("", False, [], {}) or (isinstance(value, str) and value.endswith("_UNSPECIFIED"))


def log_of(candidate: Candidate) -> Path:
    """Tell where the server's lines go."""
    return LOGS / f"{candidate.name.replace('/', '-').replace(' ', '-').replace(',', '')}.log"


def free_port() -> int:
    """Find a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def started(candidate: Candidate) -> Iterator[Server]:
    """Start a server, and end it: it need not answer yet."""
    port = free_port()
    LOGS.mkdir(parents=True, exist_ok=True)
    command = candidate.arguments(port)
    with log_of(candidate).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=environments.ROOT, env=_environ(candidate),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield Server(candidate, port, process)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server and all its processes, politely at first."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def all_started(candidates: list[Candidate], body: bytes, expected: Any) -> Iterator[tuple[list[Server], list[str]]]:
    """Start servers side by side, to be measured in turns.

    Args:
        candidates: Which ones.
        body: A request that each must answer.
        expected: The answer.

    Yields:
        Those that answer, and what is to be told of the others.
    """
    with ExitStack() as stack:
        running, faults = [], []
        for candidate in candidates:
            server = stack.enter_context(started(candidate))
            try:
                server.first_answer(body, expected)
            except NoAnswer as fault:
                faults.append(str(fault))
            else:
                running.append(server)
        yield running, faults


def users_command(line: str) -> tuple[str, ...]:
    """Split a command line of the user's; the port goes where it says ``{port}``, or else to the end."""
    command = shlex.split(line)
    return tuple(command if any("{port}" in argument for argument in command) else [*command, "{port}"])


def _environ(candidate: Candidate) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXFULFILL_", "PYTHON"))}
    return kept | {"PYTHONPATH": str(environments.ROOT)} | dict(candidate.environ)
