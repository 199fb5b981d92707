"""Applications that are objects in this process, called as a server would call them."""

import io
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from threading import Event, current_thread
from typing import Any
from wsgiref.validate import validator

import flask
import pytest

from cxfulfill import (
    AllowUnauthenticated,
    AnyOf,
    BasicAuth,
    CallRecord,
    Context,
    FlexibleContext,
    HeaderSecret,
    MutualTls,
    Reply,
    Webhook,
)
from cxfulfill.context import Deadline
from cxfulfill.http import Headers
from cxfulfill.landing import Landing
from cxfulfill.runtime import Threads
from cxfulfill.server.flask import create_app
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.certificates import self_made
from cxfulfill.simulator.credentials import BasicCredential
from cxfulfill.simulator.in_process import InProcess, InWsgi, read_outgoing
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.sending import Answer, NoAnswer, Outgoing, Transport
from cxfulfill.simulator.trusted import credential_for, trusting
from cxfulfill.simulator.waiting import Runner
from tests.pipeline.support import LIMIT, SOON

URL = "https://hotel.example/webhook"
PASSWORD = "Zg7-käse-41xB-9f2c"


def body_of(tag: str, turn: str = "turn-1") -> bytes:
    session = {"session": "projects/p/locations/global/agents/a/sessions/s"}
    document = {"detectIntentResponseId": turn, "sessionInfo": session, "fulfillmentInfo": {"tag": tag}}
    return json.dumps(document).encode()


def post(body: bytes = body_of("hello"), url: str = URL, **fields: str) -> Outgoing:
    return Outgoing(method="POST", url=url, headers=Headers({"Content-Type": "application/json", **fields}), body=body)


def get(url: str, method: str = "GET", **fields: str) -> Outgoing:
    return Outgoing(method=method, url=url, headers=Headers(fields))


def said(answer: Answer) -> str:
    return str(json.loads(answer.body)["fulfillmentResponse"]["messages"][0]["text"]["text"][0])


class App(Webhook):
    """A webhook with a handler that counts its runs, and what a test adds."""

    def __init__(self, auth: Any = None, **options: Any) -> None:
        super().__init__(auth=auth or AllowUnauthenticated(), **options)
        self.runs: list[str] = []
        self.add_handler("hello", self.hello)

    def hello(self, ctx: Context) -> str:
        self.runs.append(ctx.tag)
        return f"run {len(self.runs)} in {current_thread().name}"


@pytest.fixture
def app() -> Iterator[App]:
    made = App()
    yield made
    made.close()


def ways(app: Webhook) -> list[Transport]:
    return [InProcess(app), InWsgi(app.wsgi), InWsgi(create_app(app))]


# --- A webhook -------------------------------------------------------------------------------------------------------


def test_it_runs_in_the_callers_thread_and_gives_its_record(app: App) -> None:
    answer = InProcess(app).send(post(), LIMIT)
    assert (answer.status, said(answer)) == (200, f"run 1 in {current_thread().name}")
    assert answer.record is not None
    assert (answer.record.tag, answer.record.outcome) == ("hello", "ok")


def test_the_applications_own_sink_gets_the_record_too() -> None:
    class Kept:
        def __init__(self) -> None:
            self.records: list[CallRecord] = []

        def write(self, record: CallRecord) -> None:
            self.records.append(record)

    kept = Kept()
    webhook = App(records=kept)
    transport = InProcess(webhook)
    answer = transport.send(post(), LIMIT)
    assert kept.records == [answer.record]
    assert transport.send(get("https://hotel.example/health"), LIMIT).record is None, "no call is told of"


def test_a_call_is_remembered_in_the_applications_own_store(app: App) -> None:
    one, other = InProcess(app), InProcess(app)
    assert [each.send(post(), LIMIT).is_replayed for each in (one, other)] == [False, True]
    assert InWsgi(app.wsgi).send(post(), LIMIT).is_replayed
    assert app.runs == ["hello"]


def test_or_by_the_object_alone(app: App) -> None:
    one, other = InProcess(app, own_store=False), InProcess(app, own_store=False)
    assert [each.send(post(), LIMIT).is_replayed for each in (one, one, other)] == [False, True, False]
    assert not InWsgi(app.wsgi).send(post(), LIMIT).is_replayed
    assert app.idempotency is not None
    assert app.idempotency.given_store is None


def test_or_nowhere() -> None:
    app = App(idempotency=None)
    for own_store in (True, False):
        transport = InProcess(app, own_store=own_store)
        assert [transport.send(post(), LIMIT).is_replayed for _ in range(2)] == [False, False]


def test_a_store_that_is_not_used_is_not_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        app = App(idempotency=f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        transport = InProcess(app, own_store=False)
        assert [transport.send(post(), LIMIT).is_replayed for _ in range(2)] == [False, True]
        with pytest.raises(BlockingIOError):
            server.accept()
    app.close()


def test_an_authenticator_is_replaced_for_these_calls_alone() -> None:
    app = App(BasicAuth("cx", PASSWORD))
    opened = InProcess(app, trust=lambda auth: AllowUnauthenticated())
    assert opened.send(post(), LIMIT).status == 200
    assert InProcess(app).send(post(), LIMIT).status == 401
    assert InWsgi(app.wsgi).send(post(), LIMIT).status == 401


def test_a_certificate_is_that_of_the_connection() -> None:
    app, issuer = App(MutualTls("CN=cx", allow_any_dialogflow_customer=True)), LocalIssuer()
    transport = InProcess(app, trust=lambda auth: trusting(auth, issuer))
    credential = credential_for(app, issuer)
    calls = Caller(transport, url=URL, credential=credential)
    assert calls.deliver(calls.outgoing(body_of("hello"), {})).attempts[0].answer is not None
    assert transport.send(calls.outgoing(body_of("hello"), {}), LIMIT).status == 200
    assert transport.send(post(), LIMIT).status == 401
    assert self_made((), [("DNS", "cx.example")], 1e9).subject.rfc4514_string() == "CN=client"


def test_hooks_middleware_and_async_handlers_are_the_applications_own() -> None:
    told: list[str] = []
    app = App()
    app.on_startup(lambda: told.append("start"))
    app.on_shutdown(lambda: told.append("end"))

    @app.middleware
    def around(call: Any) -> Any:
        told.append(f"before {call.tag}")
        yield
        told.append(f"after {call.tag}")

    @app.handler("later")
    async def later(ctx: Context) -> str:
        return "from the event loop"

    transport = InProcess(app)
    assert said(transport.send(post(body_of("later")), LIMIT)) == "from the event loop"
    assert transport.send(post(), LIMIT).status == 200
    assert InProcess(app).send(post(body_of("later", "turn-2")), LIMIT).status == 200
    app.close()
    assert told == [
        "start", "before later", "after later", "before hello", "after hello", "before later", "after later", "end"
    ]  # fmt: skip


def test_handlers_run_as_the_caller_says(app: App) -> None:
    with flask.Flask("x").app_context():
        name = flask.current_app.name

    def named(ctx: Context) -> str:
        return flask.current_app.name

    app.add_handler("named", named)
    threads = Threads(app.workers, scope=flask.Flask("y").app_context, everywhere=True)
    assert said(InProcess(app, threads=threads).send(post(body_of("named")), LIMIT)) == "y" != name


# --- Calls that come too late ----------------------------------------------------------------------------------------


class Held(App):
    """Its handler ``held`` waits until a test lets it go."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.begun, self.let_go = Event(), Event()
        self.add_handler("held", self.held)

    def held(self, ctx: Context) -> str:
        self.runs.append(ctx.tag)
        self.begun.set()
        assert self.let_go.wait(LIMIT)
        return "done"


WAYS: list[Callable[[Held], Any]] = [
    lambda app: InProcess(app, in_threads=True), lambda app: InWsgi(app.wsgi, in_threads=True),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_still_runs_is_given_up_and_its_answer_is_kept(way: Callable[[Held], Any]) -> None:
    app = Held()
    transport = way(app)
    calls = Caller(transport, url=URL, timeout=SOON, retries=1)
    outgoing = calls.outgoing(body_of("held"), {})
    delivery = calls.deliver(outgoing)
    assert [each.failure for each in delivery.attempts] == ["timeout", "timeout"]
    assert judge(delivery).event == "webhook.error.timeout"
    app.let_go.set()
    transport.close()
    patient = Caller(way(app), url=URL)
    answer = patient.deliver(outgoing).answer
    assert answer is not None
    assert (said(answer), answer.is_replayed, app.runs) == ("done", True, ["held"])
    app.close()


def test_two_deliveries_at_once_are_one_run() -> None:
    app = Held()

    class Letting(Threads):
        """Lets the handler go when the second delivery begins to wait for it."""

        async def land(self, landing: Landing, deadline: Deadline | None) -> bool:
            app.let_go.set()
            return await super().land(landing, deadline)

    calls = Caller(InProcess(app, threads=Letting(app.workers)), url=URL)
    deliveries = calls.deliver_twice(calls.outgoing(body_of("held"), {}), concurrently=True)
    answers = [each.answer for each in deliveries if each.answer is not None]
    assert sorted(each.record.outcome for each in answers if each.record) == ["joined", "ok"]
    assert sorted(each.is_replayed for each in answers) == [False, True]
    assert answers[0].body == answers[1].body
    assert app.runs == ["held"]


def test_calls_beyond_max_in_flight_are_a_503() -> None:
    app = Held(max_in_flight=1)
    transport = InProcess(app, in_threads=True)
    with pytest.raises(NoAnswer, match=r"no answer within 0\.05 seconds"):
        transport.send(post(body_of("held")), SOON)
    assert app.begun.wait(LIMIT)
    answer = transport.send(post(), LIMIT)
    assert (answer.status, json.loads(answer.body)["reason"]) == (503, "overloaded")
    app.let_go.set()
    transport.close()
    app.close()


def test_a_timeout_of_the_function_itself_is_its_own() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    runner = Runner()
    with pytest.raises(TimeoutError, match="its own"):
        runner.run(fail, LIMIT)
    assert runner.run(lambda: 1, LIMIT) == 1
    runner.close()


def test_without_threads_there_is_nothing_to_wait_for(app: App) -> None:
    InProcess(app).close()
    InWsgi(app.wsgi).close()


# --- HTTP ------------------------------------------------------------------------------------------------------------


def test_header_fields_that_come_several_times_are_joined() -> None:
    app = App(AnyOf(BasicAuth("cx", PASSWORD), HeaderSecret("Authorization", f"Bearer {PASSWORD}")))
    told = {transport.send(post(), LIMIT).headers["WWW-Authenticate"] for transport in ways(app)}
    assert len(told) == 1
    assert told.pop().count(", ") >= 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_head_has_no_body(app: App, method: str) -> None:
    app.add_flexible("/rooms", lambda ctx: {"free": 2}, methods=["GET"])
    for transport in ways(app):
        answer = transport.send(get("https://hotel.example/rooms", method), LIMIT)
        assert answer.status == 200
        assert answer.headers["content-length"] == "10"
        assert answer.body == (b"" if method == "HEAD" else b'{"free":2}')


def test_paths_are_unescaped_and_queries_are_not(app: App) -> None:
    def seen(ctx: FlexibleContext) -> dict[str, Any]:
        return {"path": ctx.path["name"], "query": dict(ctx.query), "host": ctx.http.headers["Host"]}

    app.add_flexible("/rooms/<name>", seen, methods=["GET"])
    for transport in ways(app):
        answer = transport.send(get("https://hotel.example:8443/rooms/k%C3%A4%20se?a=%26b&c=%C3%A4"), LIMIT)
        assert json.loads(answer.body) == {
            "path": "kä se",
            "query": {"a": "&b", "c": "ä"},
            "host": "hotel.example:8443",
        }
        assert b"escaped_slash" in transport.send(get("https://hotel.example/rooms/a%2Fb"), LIMIT).body
        assert transport.send(get("https://hotel.example/rooms/%FF"), LIMIT).status == 400
        assert transport.send(get("https://hotel.example"), LIMIT).status == 404


def test_a_body_that_is_empty_has_a_length_where_the_method_has_a_body(app: App) -> None:
    lengths = {method: get(URL, method) for method in ("POST", "PUT", "PATCH", "GET", "HEAD", "DELETE")}
    declared = {method: read_outgoing(each).declared_length() for method, each in lengths.items()}
    assert declared == {"POST": 0, "PUT": 0, "PATCH": 0, "GET": None, "HEAD": None, "DELETE": None}
    for transport in ways(app):
        answer = transport.send(post(b""), LIMIT)
        assert (answer.status, json.loads(answer.body)["reason"]) == (400, "json_syntax")


def test_names_with_underscores_do_not_arrive_as_behind_a_server() -> None:
    app = App(HeaderSecret("X-Api-Key", PASSWORD))
    for transport in ways(app):
        assert transport.send(post(X_Api_Key=PASSWORD), LIMIT).status == 401
    assert "x-api-key" in read_outgoing(get(URL, **{"X-Api-Key": "a"})).headers


def test_credentials_in_utf_8_arrive() -> None:
    app = App(BasicAuth("cx", PASSWORD))
    for transport in ways(app):
        calls = Caller(transport, url=URL, credential=BasicCredential("cx", PASSWORD))
        answer = calls.deliver(calls.outgoing(body_of("hello"), {})).answer
        assert answer is not None
        assert answer.status == 200


def test_a_body_beyond_the_limit_is_a_413() -> None:
    for transport in ways(App(max_body=100)):
        assert transport.send(post(b" " * 101), LIMIT).status == 413


# --- Any WSGI application --------------------------------------------------------------------------------------------

Start = Callable[..., Callable[[bytes], object]]


def call(app: Callable[[dict[str, Any], Start], Iterable[bytes]], outgoing: Outgoing | None = None) -> Answer:
    return InWsgi(app).send(outgoing or post(), LIMIT)


def test_the_environ_is_that_of_pep_3333() -> None:
    found: dict[str, Any] = {}

    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        found.update(environ)
        start("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]

    answer = call(validator(app), post(b"abc", "https://hotel.example/w%C3%BC?a=1", **{"X-Key": "k"}))
    assert answer.body == b"abc"
    assert {name: found[name] for name in ("PATH_INFO", "QUERY_STRING", "RAW_URI", "HTTP_X_KEY", "CONTENT_TYPE")} == {
        "PATH_INFO": "/wÃ¼", "QUERY_STRING": "a=1", "RAW_URI": "/w%C3%BC?a=1", "HTTP_X_KEY": "k",
        "CONTENT_TYPE": "application/json",
    }  # fmt: skip
    assert (found["SERVER_NAME"], found["SERVER_PORT"], found["HTTP_HOST"]) == ("hotel.example", "443", "hotel.example")
    assert "HTTP_CONTENT_TYPE" not in found
    call(validator(app), post(b"", "http://127.0.0.1/"))
    assert found["SERVER_PORT"] == "80"


def test_what_is_written_comes_before_what_is_returned() -> None:
    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        write = start("201 Created", [("X-A", "1"), ("X-A", "2")])
        write(b"one ")
        write(b"two ")
        return [b"three"]

    answer = call(app)
    assert (answer.status, answer.body, answer.headers["x-a"]) == (201, b"one two three", "1, 2")


def test_an_answer_may_begin_late_and_is_closed() -> None:
    closed = []

    class Chunks:
        def __init__(self, start: Start) -> None:
            self.start = start

        def __iter__(self) -> Iterator[bytes]:
            self.start("200 OK", [])
            yield b"a"

        def close(self) -> None:
            closed.append(True)

    assert call(lambda environ, start: Chunks(start)).body == b"a"
    assert closed == [True]


def test_an_answer_may_begin_anew_until_something_of_it_is_out() -> None:
    def app(environ: dict[str, Any], start: Start, *, is_out: bool = False) -> list[bytes]:
        write = start("200 OK", [("X-A", "1")])
        if is_out:
            write(b"out")
        error = LookupError("the application's own")
        start("500 Broken", [("X-B", "2")], (LookupError, error, None))
        return [b"sorry"]

    answer = call(app)
    assert (answer.status, dict(answer.headers), answer.body) == (500, {"x-b": "2"}, b"sorry")
    with pytest.raises(LookupError, match="the application's own"):
        call(lambda environ, start: app(environ, start, is_out=True))


def test_an_application_that_begins_twice_or_never() -> None:
    def twice(environ: dict[str, Any], start: Start) -> list[bytes]:
        start("200 OK", [])
        start("200 OK", [])
        return []

    with pytest.raises(AssertionError, match="start_response was called twice"):
        call(twice)
    with pytest.raises(NoAnswer, match="never called start_response") as caught:
        call(lambda environ, start: [b"x"])
    assert caught.value.failure == "unreachable"


def test_an_exception_of_the_application_is_let_out() -> None:
    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(app)


def test_a_flask_app_with_routes_of_its_own(app: App) -> None:
    served = create_app(app)
    served.add_url_rule("/own", view_func=lambda: flask.Response(io.BytesIO(b"own"), status=202))
    transport = InWsgi(served)
    assert transport.send(get("https://hotel.example/own"), LIMIT).status == 202
    first, second = (transport.send(post(), LIMIT) for _ in range(2))
    assert (first.is_replayed, second.is_replayed, app.runs) == (False, True, ["hello"])
    assert first.record is None


def test_a_reply_without_messages_is_an_answer(app: App) -> None:
    app.add_handler("quiet", lambda ctx: Reply(parameters={"a": None}))
    for transport in ways(app):
        calls = Caller(transport, url=URL)
        assert judge(calls.deliver(calls.outgoing(body_of("quiet"), {}))).ok
