"""Calls are delivered as CX delivers them: within a timeout, and again with the same bytes."""

import socket
from collections.abc import Callable, Mapping
from threading import Barrier
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.caller import Caller, Fault
from cxfulfill.simulator.credentials import BasicCredential, HeaderCredential, OAuthCredential
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.sending import Answer, ClientCertificate, Credential, Failure, NoAnswer, Outgoing
from tests.clock import Clock
from tests.pipeline.support import LIMIT

URL = "https://hotel.example/webhook?v=1"
SECRET = "canary-9f2c-1d77-4c60"
OK = Answer(status=200, headers=Headers({"Idempotent-Replayed": "true"}), body=b"{}")


class FakeTransport:
    """Records what it is given, and answers what the test says, the last thing for ever."""

    def __init__(self, *answers: Answer | Failure, clock: Clock | None = None, takes: float = 0.25) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[Outgoing, float]] = []
        self.clock = clock or Clock()
        self.takes = takes

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        self.sent.append((outgoing, timeout))
        self.clock.seconds += self.takes
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Answer):
            return answer
        raise NoAnswer(answer, "as the test says")

    @property
    def bytes(self) -> list[tuple[str, str, Mapping[str, str], bytes]]:
        return [(each.method, each.url, dict(each.headers), each.body) for each, _ in self.sent]


def caller(transport: FakeTransport, **options: Any) -> Caller:
    return Caller(transport, **{"url": URL, "clock": transport.clock, **options})


def status(code: int) -> Answer:
    return Answer(status=code, headers=Headers({}), body=b"")


@pytest.mark.parametrize("failure", ["timeout", "unreachable"])
def test_a_call_without_an_answer_is_repeated_with_the_same_bytes(failure: Failure) -> None:
    transport = FakeTransport(failure, failure, OK)
    tokens = iter(["one", "two"])

    class Fresh:
        """A credential that is another one each time it is asked."""

        certificate = None

        def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
            return {"Authorization": next(tokens)}

    calls = caller(transport, credential=Fresh(), retries=2, timeout=3.0)
    delivery = calls.deliver(calls.outgoing(b'{"a": 1}', {}))
    assert transport.bytes == [transport.bytes[0]] * 3
    assert transport.bytes[0] == (
        "POST", URL, {"content-type": "application/json", "authorization": "one"}, b'{"a": 1}'
    )  # fmt: skip
    assert [timeout for _, timeout in transport.sent] == [3.0] * 3
    assert [(each.failure, each.begun, each.seconds) for each in delivery.attempts] == [
        (failure, 0.0, 0.25), (failure, 0.25, 0.25), ("", 0.5, 0.25)
    ]  # fmt: skip
    assert (delivery.answer, delivery.seconds, delivery.timeout) == (OK, 0.75, 3.0)


def test_a_call_is_repeated_as_often_as_is_said_and_no_more() -> None:
    for retries in (0, 1, 10):
        transport = FakeTransport("timeout")
        calls = caller(transport, retries=retries)
        delivery = calls.deliver(calls.outgoing(b"", {}))
        assert len(delivery.attempts) == len(transport.sent) == retries + 1
        assert delivery.answer is None
        assert delivery.last.detail == "as the test says"


@pytest.mark.parametrize("answer", [status(503), status(401), status(500), status(302), "tls"])
def test_what_is_over_the_next_moment_just_as_well_is_not_repeated(answer: Answer | Failure) -> None:
    transport = FakeTransport(answer)
    calls = caller(transport, retries=5)
    assert len(calls.deliver(calls.outgoing(b"", {})).attempts) == 1


@pytest.mark.parametrize(("fault", "failure"), [("lost", "unreachable"), ("late", "timeout")])
def test_an_answer_that_does_not_arrive(fault: Fault, failure: str) -> None:
    transport = FakeTransport(OK)
    calls = caller(transport)
    delivery = calls.deliver(calls.outgoing(b"", {}), fault=fault)
    assert [each.failure for each in delivery.attempts] == [failure, ""]
    assert [each.answer for each in delivery.attempts] == [OK, OK]
    assert delivery.answer is OK
    assert transport.bytes[0] == transport.bytes[1]


@pytest.mark.parametrize(
    ("fault", "detail"), [("lost", "the connection broke before"), ("late", "no answer within 5 ")]
)
def test_more_faults_than_retries_leave_cx_without_an_answer(fault: Fault, detail: str) -> None:
    transport = FakeTransport(OK)
    calls = caller(transport, retries=2)
    delivery = calls.deliver(calls.outgoing(b"", {}), fault=fault, faults=9)
    assert len(transport.sent) == len(delivery.attempts) == 3
    assert (delivery.answer, delivery.last.answer) == (None, OK)
    assert delivery.last.detail.startswith(detail)
    assert f"{detail}" in judge(delivery).sentence
    assert judge(delivery).sentence.endswith(", in 3 attempts.")


def test_an_answer_after_the_timeout_is_none() -> None:
    transport = FakeTransport(OK, takes=5.01)
    calls = caller(transport, retries=0)
    delivery = calls.deliver(calls.outgoing(b"", {}))
    assert (delivery.last.failure, delivery.last.detail) == ("timeout", "no answer within 5 seconds")
    assert (delivery.answer, delivery.last.answer) == (None, OK)


def test_a_call_is_delivered_twice_one_after_the_other() -> None:
    transport = FakeTransport(status(200), OK)
    calls = caller(transport)
    first, second = calls.deliver_twice(calls.outgoing(b"{}", {}))
    assert [each.answer is not None and each.answer.is_replayed for each in (first, second)] == [False, True]
    assert transport.bytes[0] == transport.bytes[1]


def test_a_call_is_delivered_twice_at_once() -> None:
    both = Barrier(2)

    class Meeting(FakeTransport):
        """Holds a call up until another one is there too."""

        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            both.wait(LIMIT)
            return super().send(outgoing, timeout)

    transport = Meeting(OK)
    calls = caller(transport)
    deliveries = calls.deliver_twice(calls.outgoing(b"{}", {}), concurrently=True)
    assert [each.answer for each in deliveries] == [OK, OK]
    assert transport.bytes[0] == transport.bytes[1]


# --- What is sent ----------------------------------------------------------------------------------------------------


def test_headers_of_the_caller_win_over_all_others_in_any_case() -> None:
    console = HeaderCredential({"x-key": "$session.params.key", "X-Other": "console"})
    calls = caller(FakeTransport(OK), credential=console, headers={"X-KEY": "own", "content-type": "text/x"})
    outgoing = calls.outgoing(b"", {"key": "from the session"})
    assert dict(outgoing.headers) == {"content-type": "text/x", "x-key": "own", "x-other": "console"}
    assert outgoing.secret == {"x-key", "x-other"}


def test_a_caller_may_prove_itself_otherwise() -> None:
    calls = caller(FakeTransport(OK), credential=BasicCredential("cx", SECRET), headers={"X-A": "1"})
    other = calls.proving(HeaderCredential({"X-Key": "other"}), {"x-a": "2", "X-B": "3"}).outgoing(b"", {})
    assert dict(other.headers) == {"content-type": "application/json", "x-key": "other", "x-a": "2", "x-b": "3"}
    assert calls.proving(None).outgoing(b"", {}).headers.keys() == {"content-type", "x-a"}
    assert calls.outgoing(b"", {}).headers.keys() == {"content-type", "authorization", "x-a"}


def test_a_flexible_call_is_what_its_settings_say_with_the_credential() -> None:
    settings = FlexibleSettings(
        method="PUT", url="https://hotel.example/rooms/$session.params.room", body='{"n": "$session.params.n"}',
        headers={"X-Guest": "$session.params.guest"},
    )  # fmt: skip
    calls = caller(FakeTransport(OK), credential=BasicCredential("cx", SECRET), headers={"X-Own": "1"})
    outgoing = calls.flexible(settings, {"room": "a/b", "n": 2.0, "guest": "Zoë"})
    assert (outgoing.method, outgoing.url) == ("PUT", "https://hotel.example/rooms/a%2Fb")
    assert outgoing.body == b'{"n": 2.0}'
    assert outgoing.headers.keys() == {"x-guest", "content-type", "authorization", "x-own"}
    assert outgoing.headers["x-guest"].encode("latin-1").decode() == "Zoë"


def test_no_secret_is_shown() -> None:
    calls = caller(FakeTransport(OK), credential=BasicCredential("cx", SECRET), headers={"X-Key": SECRET})
    outgoing = calls.outgoing(SECRET.encode(), {})
    assert SECRET not in repr(outgoing) + repr(calls.deliver(outgoing))


def test_a_certificate_goes_along(tmp_path: Any) -> None:
    certificate = ClientCertificate(b"der", tmp_path, tmp_path)

    class Shown:
        def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
            return {}

        @property
        def certificate(self) -> ClientCertificate:
            return certificate

    assert caller(FakeTransport(OK), credential=Shown()).outgoing(b"", {}).certificate is certificate


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("X-Key", f"a\r\nX-Forged: {SECRET}", "the header x-key has a value with a line break"),
        ("X-Key", f"{SECRET}\n", "the header x-key has a value with a line break"),
        ("X-Key", "\x00", "the header x-key has a value with a line break or another control character"),
        ("X-Key\n", "a", r"no header named 'x-key\\n' can be sent"),
        ("X Key", "a", "no header named 'x key' can be sent"),
        ("", "a", "no header named '' can be sent"),
        ("X-Käse", "a", "no header named"),
        ("Content-Length", "1", "no header named 'content-length' can be sent: it is none, or HTTP's own"),
        ("Transfer-Encoding", "chunked", "no header named 'transfer-encoding'"),
        ("host", "x", "no header named 'host'"),
    ],
)
def test_a_header_that_no_message_can_hold_is_refused(name: str, value: str, told: str) -> None:
    def flexible() -> Outgoing:
        settings = FlexibleSettings(method="GET", url=URL, headers={name: "$session.params.value"})
        return caller(FakeTransport(OK)).flexible(settings, {"value": value})

    def given() -> Outgoing:
        return caller(FakeTransport(OK), headers={name: value}).outgoing(b"", {})

    def proved() -> Outgoing:
        credential = HeaderCredential({name: "$session.params.value"})
        return caller(FakeTransport(OK), credential=credential).outgoing(b"", {"value": value})

    makes: list[Callable[[], Outgoing]] = [flexible, given, proved]
    for make in makes:
        with pytest.raises(ConfigurationError, match=told) as caught:
            make()
        assert SECRET not in str(caught.value)


URLS = [
    "", "hotel.example", "ftp://hotel.example", "https://", "https://user:pass@hotel.example/", "https://[::1",
    "https://hotel.example:0/", "https://hotel.example:99999/", "https://hotel.example/a b", "https://x/\n",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_cx_cannot_call(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the webhook's URL begins with https:// or http://"):
        caller(FakeTransport(OK), url=url)
    with pytest.raises(ConfigurationError, match="the webhook's URL begins with https:// or http://"):
        caller(FakeTransport(OK)).flexible(FlexibleSettings(method="GET", url=url), {})


@pytest.mark.parametrize("timeout", [0, -1, 30.1, float("nan")])
def test_a_timeout_beyond_cx_s(timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="CX waits for a webhook 30 seconds at most"):
        caller(FakeTransport(OK), timeout=timeout)


@pytest.mark.parametrize("retries", [-1, 11])
def test_a_number_of_retries_that_is_none(retries: int) -> None:
    with pytest.raises(ConfigurationError, match="retries is a number from 0 to 10"):
        caller(FakeTransport(OK), retries=retries)


def test_a_token_that_cannot_be_had_is_a_call_that_is_not_sent() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        credential: Credential = OAuthCredential(f"http://127.0.0.1:{nobody.getsockname()[1]}/token", "cx", SECRET)
        transport = FakeTransport(OK)
        calls = caller(transport, credential=credential, retries=5)
        outgoing = calls.outgoing(b"{}", {})
        delivery = calls.deliver(outgoing, fault="lost", faults=3)
    assert transport.sent == []
    assert (len(delivery.attempts), delivery.answer, delivery.last.failure) == (1, None, "unreachable")
    assert outgoing.problem == delivery.last.detail
    assert "token" in outgoing.problem
    assert judge(delivery).event == "webhook.error.not-found"
    assert SECRET not in repr(delivery)
