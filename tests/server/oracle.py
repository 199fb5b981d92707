"""What every refusal is held to.

No handler ran, the answer is a problem document that shows nothing of the request, the log has one line with the
reason code and no credential, and the next request behaves.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.server.app import LEAK
from tests.server.wire import SECRETS, Response, Server, Wire, call

MEMBERS = {"type", "title", "status", "reason", "detail", "instance"}
_STAMP = re.compile(r"\[[0-9-]{10} [0-9:]{8} [+-][0-9]{4}\] \[[0-9]+\] \[[A-Z]+\] ")
"""Time, process and level in front of each line of a server with the shipped settings."""


@dataclass
class Watched:
    """What happened in a block."""

    log: list[str]
    ran: list[str]

    def assert_one_line(self, part: str) -> None:
        assert len(self.log) == 1, self.log
        assert part in self.log[0]


@contextmanager
def watching(server: Server) -> Iterator[Watched]:
    """See what the server logs in the block, without time and level, and which handlers run."""
    log, ran = len(server.lines()), len(server.ran())
    watched = Watched([], [])
    yield watched
    watched.log, watched.ran = [_STAMP.sub("", line) for line in server.lines()[log:]], server.ran()[ran:]
    assert not [line for line in watched.log if any(secret in line for secret in (*SECRETS, LEAK))]


def assert_problem(response: Response, status: int, reason: str) -> None:
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    problem = response.json()
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert set(problem) <= MEMBERS
    shown = response.body.decode() + str(response.headers)
    assert not [secret for secret in (*SECRETS, LEAK, "ValueError", "Traceback") if secret in shown]
    if status == 401:
        assert response.headers["WWW-Authenticate"] == 'Basic realm="webhook", charset="UTF-8"'


def assert_serves(wire: Wire) -> None:
    """The next request on the connection is answered."""
    response = wire.ask(call())
    assert response.status == 200
    assert response.json() == {"fulfillmentResponse": {"messages": [{"text": {"text": ["Hello."]}}]}}


@contextmanager
def refusing(server: Server, status: int, reason: str) -> Iterator[None]:
    """No handler runs in the block, and one line tells why."""
    with watching(server) as watched:
        yield
    assert watched.ran == []
    watched.assert_one_line(f"status={status} reason={reason} ")


def assert_hung_up(server: Server, data: bytes, status: int) -> None:
    """The server itself refuses bytes that are no HTTP, and closes: what follows cannot be told apart."""
    with watching(server) as watched, server.connect() as wire:
        # A good call follows in the same segment; after a wrong length it must not be taken for one.
        response = wire.ask(data + call())
        assert response.status == status
        assert response.headers["Connection"] == "close"
        assert not [secret for secret in SECRETS if secret in response.body.decode()]
        assert wire.closed()
    assert watched.ran == []
    watched.assert_one_line("Invalid request from ip=127.0.0.1")
    with server.connect() as wire:
        assert_serves(wire)
