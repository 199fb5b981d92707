"""The time limit of blocking reads, on real sockets."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cxfulfill.errors import RequestTimeout
from cxfulfill.server.cutoff import _Watch, cutoff
from tests.auth.pki import YEAR, issue, make_ca
from tests.pipeline.support import LIMIT, SOON, Counted, body_of, post, refused

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    left.settimeout(LIMIT)
    right.settimeout(LIMIT)
    with left, right:
        yield left, right


@pytest.mark.parametrize("timeout", [SOON, 0.0, -1.0])
def test_a_read_that_never_ends_is_cut_off(pair: Pair, timeout: float) -> None:
    served, client = pair
    with pytest.raises(RequestTimeout), cutoff(served, timeout):
        assert served.recv(1) == b""
    served.sendall(b"408")
    assert client.recv(3) == b"408"


class TlsClient:
    """A TLS client that shows what came over the wire."""

    def __init__(self, connection: socket.socket, trusted: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=trusted)
        self.connection, self.wire = connection, b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="webhook.example")

    def receive(self) -> bool:
        received = self.connection.recv(65_536)
        self.wire += received
        self.incoming.write(received)
        return bool(received)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.connection.sendall(self.outgoing.read())
                assert self.receive()
            else:
                self.connection.sendall(self.outgoing.read())
                return


@pytest.fixture
def tls_pair(pair: Pair, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[ssl.SSLSocket, TlsClient]]:
    now = datetime.now(UTC)
    ca = make_ca(now=now)
    server = issue(
        ca, "CN=x", x509.DNSName("webhook.example"), begins=now - YEAR, ends=now + YEAR,
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server.write(tmp_path, "server"))
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.options |= request.param
    client = TlsClient(pair[1], ca.der)
    shaking = threading.Thread(target=client.shake_hands)
    shaking.start()
    with context.wrap_socket(pair[0], server_side=True) as served:
        shaking.join(LIMIT)
        yield served, client


@pytest.mark.parametrize("tls_pair", [ssl.OP_IGNORE_UNEXPECTED_EOF, 0], indirect=True)
def test_a077_what_follows_a_cut_over_tls_is_never_plain_text(tls_pair: tuple[ssl.SSLSocket, TlsClient]) -> None:
    served, client = tls_pair
    with pytest.raises(RequestTimeout), cutoff(served, SOON):
        assert served.recv(1) == b""
    expected = b"HTTP/1.1 408"
    try:
        served.sendall(expected)
    except ssl.SSLError:
        # Without the option that `cxfulfill.server.tls` sets, OpenSSL 3 lets nothing out any more.
        assert not served.context.options & ssl.OP_IGNORE_UNEXPECTED_EOF
        expected = b""
    served.close()
    while client.receive():
        pass
    assert b"408" not in client.wire
    if expected:
        assert client.tls.read() == expected


def test_whatever_the_read_makes_of_it(pair: Pair) -> None:
    with pytest.raises(RequestTimeout), cutoff(pair[0], SOON):
        raise ConnectionError(pair[0].recv(1))


def test_a_quick_read_leaves_the_socket_usable(pair: Pair) -> None:
    served, client = pair
    for message in (b"first", b"second"):
        client.sendall(message)
        with cutoff(served, LIMIT):
            assert served.recv(10) == message
    with pytest.raises(ConnectionError, match="own"), cutoff(served, LIMIT):
        raise ConnectionError("own")
    client.sendall(b"third")
    assert served.recv(10) == b"third"


def test_a_shorter_limit_wakes_a_watch_that_waits_for_a_longer_one(pair: Pair) -> None:
    other, other_client = socket.socketpair()
    with other, other_client, cutoff(other, LIMIT):
        with pytest.raises(RequestTimeout), cutoff(pair[0], SOON):
            pair[0].recv(1)
        other_client.sendall(b"x")
        assert other.recv(1) == b"x"


def test_one_thread_watches_all_reads(pair: Pair) -> None:
    for _ in range(3):
        with cutoff(pair[0], LIMIT):
            pass
    assert [thread.name for thread in threading.enumerate()].count("cxfulfill-cutoff") == 1


def is_cut_off() -> bool:
    left, right = socket.socketpair()
    left.settimeout(LIMIT)
    with left, right:
        try:
            with cutoff(left, SOON):
                left.recv(1)
        except RequestTimeout:
            return True
    return False


def test_a_socket_that_was_closed_does_not_stop_the_watch(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(RequestTimeout), cutoff(pair[0], 0.0):
        # When this one has been cut off, the watch has come to the other, whose time was up before.
        assert is_cut_off()
    assert is_cut_off()


def test_a_fork_makes_a_watch_of_its_own() -> None:
    program = """
import os, sys
from tests.pipeline.test_cutoff import is_cut_off
assert is_cut_off()
pid = os.fork()
assert is_cut_off()
if pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    # Python 3.12 warns of a fork beside threads, which is what is tried here.
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    done = subprocess.run(command, timeout=LIMIT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class Stream:
    """``wsgi.input`` over a socket, with gunicorn's mark for a body that broke off."""

    failed = False

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def read(self, size: int) -> bytes:
        received = b""
        while len(received) < size and (part := self.connection.recv(size - len(received))):
            received += part
        return received


@pytest.mark.parametrize(("strict", "status"), [(False, 408), (True, 400)])
def test_a_slow_body_is_408_and_runs_no_handler(
    pair: Pair, strict: bool, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    pair[1].sendall(body_of()[:-1])
    stream = Stream(pair[0])
    environ: dict[str, Any] = {"stream": stream, "gunicorn.socket": pair[0]}
    now = [0.0]
    webhook = Counted(strict_cx_status=strict, timeout=SOON, clock=lambda: now[0])
    result = refused(webhook, caplog, status, **environ)
    assert result.reason == "body_too_slow"
    assert stream.failed


def test_a_body_in_time_is_read_from_the_socket(pair: Pair) -> None:
    pair[1].sendall(body_of())
    stream = Stream(pair[0])
    environ: dict[str, Any] = {"stream": stream, "gunicorn.socket": pair[0]}
    assert post(Counted(), **environ).status == 200
    assert not stream.failed


def test_reads_one_after_the_other_do_not_wake_the_thread_each(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = _Watch()
    notify, woken = watch._changed.notify, 0

    def counted() -> None:
        nonlocal woken
        woken += 1
        notify()

    monkeypatch.setattr(watch._changed, "notify", counted)
    for _ in range(100):
        read = cutoff(pair[0], LIMIT)
        watch.add(read)
        watch.remove(read)
    assert woken == 1


def test_where_no_thread_can_be_started_the_next_read_tries_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = _Watch()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            watch.add(cutoff(pair[0], SOON))
    read = cutoff(pair[0], SOON)
    watch.add(read)
    assert pair[0].recv(1) == b""
    assert read.happened


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
