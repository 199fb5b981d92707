"""Users' code that raises what is no `Exception`: its call is a 500, and nothing else ends with it."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest
from marshmallow import Schema, fields
from pydantic import BaseModel, field_validator

from cxfulfill import Context, FlexibleContext, HttpRequest, Idempotency, Principal, Webhook, telemetry
from cxfulfill.annotations import Answer
from cxfulfill.auth.base import is_ready
from cxfulfill.records import CallRecord
from tests.pipeline import over_asgi
from tests.pipeline.support import GOOD, LIMIT, Finds, Result, post
from tests.pipeline.test_idempotency import App, call


class Panic(BaseException):
    """As libraries in Rust raise one."""


KINDS = (asyncio.CancelledError, GeneratorExit, Panic)
ENDS = (SystemExit, KeyboardInterrupt)
"""By which gunicorn ends a worker whose threads are the requests', and Ctrl-C a server."""


def is_on_loop() -> bool:
    return over_asgi.current is not None


class Trouble:
    """Raises what it is given, the first time."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind: type[BaseException] | None = kind

    def __call__(self) -> None:
        kind, self.kind = self.kind, None
        if kind is not None:
            raise kind("canary")


def in_validator(app: App, trouble: Trouble) -> None:
    class Stay(BaseModel):
        nights: int

        @field_validator("nights")
        @classmethod
        def check(cls, value: int) -> int:
            trouble()
            return value

    def handler(ctx: Context, stay: Stay) -> str:
        return f"{stay.nights} nights"

    app.webhook.add_handler("t", handler, params=Stay)


def in_key(app: App, trouble: Trouble) -> None:
    def key(ctx: Context) -> str:
        trouble()
        return "one"

    app.handle("t", idempotency_key=key)


def in_handler(app: App, trouble: Trouble) -> None:
    app.handle("t", lambda ctx: trouble())


def in_look_up(app: App, trouble: Trouble) -> None:
    app.handle("t", lambda ctx: trouble(), idempotent=False)


def in_watched_handler(app: App, trouble: Trouble) -> None:
    app.handle("t", lambda ctx: trouble(), timeout=LIMIT)


def in_watched_look_up(app: App, trouble: Trouble) -> None:
    app.handle("t", lambda ctx: trouble(), timeout=LIMIT, idempotent=False)


def in_async_handler(app: App, trouble: Trouble) -> None:
    async def handler(ctx: Context) -> str:
        await asyncio.sleep(0)
        trouble()
        return "Done."

    app.webhook.add_handler("t", handler)


def in_middleware(app: App, trouble: Trouble) -> None:
    def middleware(call: Any) -> Generator[None, Answer, Answer]:
        trouble()
        yield
        return None

    app.handle("t")
    app.webhook.middleware(middleware)


def in_error_handler(app: App, trouble: Trouble) -> None:
    def fails(ctx: Context) -> str:
        if trouble.kind is None:
            return "Done."
        raise ValueError

    def on_error(ctx: Context, error: ValueError) -> str:
        trouble()
        return "Sorry."

    app.webhook.add_handler("t", fails)
    app.webhook.on_error(ValueError)(on_error)


IN_REQUEST = (in_validator, in_key)
"""What runs in the request's own coroutine, also on a loop."""
PLAIN = (in_handler, in_look_up, in_middleware, in_error_handler)
ELSEWHERE = (in_watched_handler, in_watched_look_up, in_async_handler)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("register", [*IN_REQUEST, *PLAIN, *ELSEWHERE])
def test_what_is_no_exception_is_a_500_and_a_retry_runs(
    register: Any, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(App()) as app:
        register(app, Trouble(kind))
        result = app.post(call("t"))
        assert (result.status, result.reason) == (500, "internal")
        assert result.headers["Content-Type"] == "application/problem+json"
        assert f"error={kind.__name__} at=" in caplog.text
        assert app.post(call("count")).status == 200
        assert app.post(call("t")).status == 200, "no lease is left"
    assert "canary" not in caplog.text


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("register", IN_REQUEST)
def test_an_exit_in_the_requests_coroutine_is_a_500_on_a_loop_and_ends_the_worker_in_a_thread(
    register: Any, kind: type[BaseException]
) -> None:
    with closing(App()) as app:
        register(app, Trouble(kind))
        if is_on_loop():
            assert app.post(call("t")).reason == "internal"
        else:
            with pytest.raises(kind):
                app.post(call("t"))
        assert app.post(call("t")).status == 200


@pytest.mark.wsgi_alone  # under ASGI a handler's thread ends no worker
@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("register", [in_handler, in_middleware])
def test_an_exit_in_a_plain_handler_leaves_its_lease_to_run_out(register: Any, kind: type[BaseException]) -> None:
    with closing(App()) as app:
        register(app, Trouble(kind))
        with pytest.raises(kind):
            app.post(call("t"))
        app.clock.seconds += 15
        assert app.post(call("t")).status == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("register", [in_validator, in_key, in_handler])
def test_an_error_handler_for_all_exceptions_answers_it(register: Any, kind: type[BaseException]) -> None:
    with closing(App()) as app:
        register(app, Trouble(kind))
        app.webhook.on_error(Exception)(lambda ctx, error: "Sorry.")
        assert app.post(call("t")).said == "Sorry."


@pytest.mark.parametrize("key", [None, "one"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_whose_conversion_raises_it(kind: type[BaseException], key: str | None) -> None:
    trouble = Trouble(kind)

    class Order(Schema):
        id = fields.Function(lambda value: trouble() or value["id"])  # type: ignore[func-returns-value]

    headers = {"Authorization": GOOD, "Idempotency-Key": key}

    def ask(webhook: Webhook) -> Result:
        return post(webhook, b'{"a": 1}', path="/orders", headers=headers)

    def order(ctx: FlexibleContext) -> dict[str, int]:
        return {"id": 17}

    with closing(App()) as app:
        app.webhook.flexible("/orders", methods=["POST"], response=Order)(order)
        assert ask(app.webhook).reason == "internal"
        assert ask(app.webhook).status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_an_authenticator_that_raises_it(kind: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(kind)

    class Mine:
        def authenticate(self, http: HttpRequest) -> Principal:
            trouble()
            return Principal("me", "own")

    with closing(Webhook(auth=Mine())) as webhook:
        webhook.add_handler("t", lambda ctx: "Done.")
        assert post(webhook, call("t")).reason == "internal"
        assert post(webhook, call("t")).said == "Done."
    assert "canary" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_sink_of_records_that_raises_it_harms_no_call(kind: type[BaseException]) -> None:
    trouble = Trouble(kind)

    class Sink:
        def write(self, record: CallRecord) -> None:
            trouble()

    with closing(Webhook(auth=Finds(Principal("me", "own")), records=Sink())) as webhook:
        webhook.add_handler("t", lambda ctx: "Done.")
        assert post(webhook, call("t", turn=None)).said == "Done."


@pytest.mark.wsgi_alone
def test_a_handler_whose_own_loop_is_cancelled() -> None:
    async def cancelled() -> str:
        task = asyncio.current_task()
        assert task
        task.cancel()
        await asyncio.sleep(0)
        return "Never."

    with closing(App()) as app:
        app.webhook.add_handler("t", lambda ctx: asyncio.run(cancelled()))
        assert app.post(call("t")).reason == "internal"
        assert app.post(call()).status == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["behind the yield", "as it is closed"])
def test_what_a_middleware_has_opened_is_closed(kind: type[BaseException], where: str) -> None:
    trouble, lock = Trouble(kind), threading.Lock()

    def outer(call: Any) -> Generator[None, Answer, Answer]:
        with lock:
            yield
        return None

    def inner(call: Any) -> Generator[None, Answer, Answer]:
        try:
            yield
        finally:
            if where == "behind the yield":
                trouble()
            elif trouble.kind is None:
                trouble.kind = Panic
                raise OSError("close failed")
        return None

    def handler(ctx: Context) -> str:
        if where == "as it is closed":
            trouble()
        return "Done."

    with closing(App()) as app:
        app.handle("t", handler)
        app.webhook.middleware(outer)
        app.webhook.middleware(inner)
        assert app.post(call("t")).reason == "internal"
        assert not lock.locked()
        assert lock.acquire(blocking=False)
        lock.release()


@pytest.mark.parametrize("end", ENDS)
def test_a_middleware_that_cannot_be_closed_keeps_no_worker_from_its_end(end: type[BaseException]) -> None:
    def middleware(call: Any) -> Generator[None, Answer, Answer]:
        try:
            yield
        finally:
            raise OSError("close failed")

    def handler(ctx: Context) -> str:
        raise end

    with closing(App()) as app:
        app.handle("t", handler)
        app.webhook.middleware(middleware)
        if is_on_loop():
            assert app.post(call("t")).status >= 500
        else:
            with pytest.raises(end):
                app.post(call("t"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("encrypts", "said"), [(False, ["Run 1."]), (True, ["Run 1.", "Run 2."])])
def test_an_encryption_that_panics_costs_no_answer(kind: type[BaseException], encrypts: bool, said: list[str]) -> None:
    class Encryption:
        def encrypt(self, data: bytes) -> bytes:
            if encrypts:
                return data
            raise kind

        def decrypt(self, token: bytes) -> bytes:
            raise kind

    with closing(App(idempotency=Idempotency("memory://", encryption=Encryption()))) as app:
        app.handle("t")
        assert [app.post(call("t")).said for _ in said] == said


@pytest.mark.parametrize("kind", KINDS)
def test_an_authenticator_whose_readiness_panics_is_not_ready(kind: type[BaseException]) -> None:
    class Unready:
        blocking = False

        def authenticate(self, request: HttpRequest) -> Principal:
            return Principal("own", "somebody")

        def ready(self) -> bool:
            raise kind

    assert is_ready(Unready()) is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_that_panics_at_a_traceback(kind: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def panics(*_: object, **__: object) -> None:
        raise kind

    monkeypatch.setattr(telemetry._log, "debug", panics)
    with closing(App()) as app:
        app.handle("t", lambda ctx: 1 / 0)
        assert app.post(call("t")).reason == "internal"
