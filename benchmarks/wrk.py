"""wrk, which sends calls of their own over loopback as fast as they are answered."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks import workload
from benchmarks.servers import PATH, Server, headers
from tests.servers.debian import binary

EVERY_FIFTH = 5
"""For 20 % duplicates."""
_SCRIPT = Path(__file__).with_name("wrk.lua")
MARKER = b"<" * 32
"""Where a call's number goes."""
_runs = count(1)


@dataclass(frozen=True)
class Load:
    """What became of one run.

    Attributes:
        requests: Answers.
        seconds: How long it took.
        processor: Seconds that the server computed.
        p50: Microseconds that half of the answers took at most.
        p99: Microseconds that 99 % of the answers took at most.
        refused: Answers with a status of 400 or more.
        failed: Requests without an answer.
    """

    requests: int
    seconds: float
    processor: float
    p50: float
    p99: float
    refused: int
    failed: int

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.requests / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of processor time that the server took for an answer."""
        return self.processor / self.requests * 1e6


def next_run() -> str:
    """Give a number that no other run of this process has, in 16 hexadecimal digits: calls begin with it."""
    return f"{next(_runs):016x}"


def raw_request(body: bytes, fields: Mapping[str, str]) -> bytes:
    """Write a request as it goes over the wire, with markers where its number goes.

    Args:
        body: A request of `workload`.
        fields: Its header fields.
    """
    if workload.TURN not in body or workload.SESSION not in body:
        raise AssertionError("the request has another id")
    marked = body.replace(workload.TURN, MARKER).replace(workload.SESSION, MARKER)
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(marked)}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + marked


def run(server: Server, body: bytes, *, seconds: int, connections: int = 8, every: int = 0) -> Load:
    """Load a server.

    Args:
        server: Which one.
        body: The request, of `workload`; each call is one of its own.
        seconds: For how long, in seconds.
        connections: How many calls there are at a time.
        every: Every how many requests one is sent twice; 0 for none.

    Raises:
        RuntimeError: A call was refused or got no answer.
        Skipped: There is no wrk, and Debian's package cannot be installed (pytest's exception).
    """
    with tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as folder:
        file = Path(folder, "request")
        file.write_bytes(raw_request(body, headers(server.candidate)))
        command = [
            binary("wrk", package="wrk"), "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s",
            "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}{PATH}", "--", str(file), next_run(), str(every),
        ]  # fmt: skip
        before = server.processor_seconds()
        done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        load = read_output(done.stdout, server.processor_seconds() - before)
    if load.refused or load.failed:
        raise RuntimeError(f"{server.candidate.name}: {load.refused} calls refused, {load.failed} without an answer")
    return load


def read_output(text: str, processor: float) -> Load:
    """Read what the script has written below wrk's own report.

    Args:
        text: All of the output.
        processor: Seconds that the server computed.
    """
    told = json.loads(text.strip().splitlines()[-1])
    return Load(
        told["requests"], told["microseconds"] / 1e6, processor,
        told["p50"], told["p99"], told["refused"], told["failed"],
    )  # fmt: skip
