"""Sends calls at a constant rate, whether the earlier ones are answered or not, and measures from when each was due.

So a server that stalls is charged for every call that came meanwhile (no "coordinated omission"). ``wrk`` has no rate.
It runs as a process of its own, from JSON on stdin to JSON on stdout.
"""

import json
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

_END = 10.0
"""Seconds that the last answers are waited for."""


class Connection:
    """A connection, which has one call at a time.

    Args:
        port: The server's port of 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_END)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self.received = b""

    def finished(self) -> tuple[bool, bool] | None:
        """Read what has come.

        Returns:
            Whether the answer is a 200, and whether the connection is kept; None while there is more to come.
        """
        try:
            chunk = self.socket.recv(262_144)
        except BlockingIOError:
            return None
        except OSError:
            return False, False
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        head = head.lower()
        if not found or len(body) < _length(head):
            return None if chunk else (False, False)
        self.received = b""
        return head.startswith(b"http/1.1 200 "), b"connection: close" not in head


def _length(head: bytes) -> int:
    """Read the length of an answer from its head, in lower case."""
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


class Generator:
    """Sends the calls of one run.

    Args:
        port: The server's port.
        parts: The request, cut where its number goes.
        run: The run's number, in 16 hexadecimal digits.
        rate: Calls a second.
        every: Every how many calls one is sent twice; 0 for none.
        limit: Connections at most; calls beyond wait for one, and are measured from when they were due.
    """

    def __init__(self, *, port: int, parts: list[bytes], run: str, rate: float, every: int, limit: int) -> None:
        self.port, self.parts, self.run, self.rate, self.every, self.limit = port, parts, run, rate, every, limit
        self.poll = select.epoll()
        self.by_number: dict[int, Connection] = {}
        self.idle: list[Connection] = []
        self.waiting: deque[float] = deque()
        self.took: list[float] = []
        self.late: list[float] = []
        self.failed = self.sent = self.distinct = 0
        self.full = 0.0  # when no connection was to be had, last

    def go(self, seconds: float) -> dict[str, Any]:
        """Send the calls, and wait for the answers.

        Args:
            seconds: For how long calls are sent.

        Returns:
            Calls, failures, and milliseconds: how long each call took, and how late each was sent
            though there was a connection.
        """
        began = time.perf_counter()
        total, scheduled = int(seconds * self.rate), 0
        while (now := time.perf_counter()) < began + seconds + _END:
            while scheduled < total and began + scheduled / self.rate <= now:
                self.waiting.append(began + scheduled / self.rate)
                scheduled += 1
            self._send()
            if scheduled == total and not self.waiting and len(self.idle) == len(self.by_number):
                break
            events = self.poll.poll(0)
            if not events:
                left = began + scheduled / self.rate - time.perf_counter() if scheduled < total else 0.05
                select.select(
                    [self.poll], [], [], max(left, 0)
                )  # to the microsecond; epoll's own is to the millisecond
            for number, _ in events:
                self._receive(self.by_number[number])
        self.failed += len(self.waiting) + len(self.by_number) - len(self.idle)
        return {"sent": self.sent, "failed": self.failed, "ms": self.took, "late_ms": self.late}

    def _send(self) -> None:
        while self.waiting and (self.idle or len(self.by_number) < self.limit):
            connection = self.idle.pop() if self.idle else self._connect()
            connection.due = self.waiting.popleft()
            connection.socket.sendall(self._request())
            self.late.append((time.perf_counter() - max(connection.due, self.full)) * 1e3)
        if self.waiting:
            self.full = time.perf_counter()

    def _connect(self) -> Connection:
        connection = Connection(self.port)
        self.by_number[connection.socket.fileno()] = connection
        self.poll.register(connection.socket, select.EPOLLIN)
        return connection

    def _request(self) -> bytes:
        self.sent += 1
        if not self.every or self.sent % self.every:
            self.distinct += 1
        return f"{self.run}{self.distinct:016x}".encode().join(self.parts)

    def _receive(self, connection: Connection) -> None:
        ended = connection.finished()
        if ended is None:
            return
        right, kept = ended
        if connection.due:
            if right:
                self.took.append((time.perf_counter() - connection.due) * 1e3)
            else:
                self.failed += 1
        elif connection in self.idle:
            self.idle.remove(connection)
        connection.due = 0.0
        if kept:
            self.idle.append(connection)
        else:
            self.poll.unregister(connection.socket)
            del self.by_number[connection.socket.fileno()]
            connection.socket.close()


def main() -> None:
    """Run as a process of its own."""
    given = json.load(sys.stdin)
    parts = Path(given.pop("file")).read_bytes().split(given.pop("marker").encode())
    seconds = given.pop("seconds")
    json.dump(Generator(parts=parts, **given).go(seconds), sys.stdout)


if __name__ == "__main__":
    main()
