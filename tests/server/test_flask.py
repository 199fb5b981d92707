"""Flask's ways in: its own server, an application of ours, a blueprint in the user's, a Cloud Functions target."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import flask
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from cxfulfill import BasicAuth, ConfigurationError, Context, Reply, Webhook
from cxfulfill.server.flask import blueprint, cloud_function, create_app
from tests.server.app import PASSWORD, USERNAME
from tests.server.conftest import Serve
from tests.server.oracle import assert_problem
from tests.server.wire import BAD, CANARY, SECRETS, Response, Wire, call, chunk, head

OTHER_METHODS = ("GET", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD", "PATCH")
HANDLERS = ("inline", "watched", "async")

Ask = Callable[..., Response]


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def _serving(app: flask.Flask) -> Iterator[Ask]:
    """Serve an application on a port of its own, in this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def ask(data: bytes, *, to: str = "POST") -> Response:
        with Wire(server.server_port) as wire:
            return wire.ask(data, to=to)

    try:
        yield ask
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serving() -> Iterator[Callable[[flask.Flask], Ask]]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_serving(app))


def where(ctx: Context) -> Reply:
    """Tell in which of Flask's contexts a handler runs."""
    app = flask.current_app.name if flask.has_app_context() else None
    path = flask.request.path if flask.has_request_context() else None
    return Reply(parameters={"app": app, "path": path})


async def where_async(ctx: Context) -> Reply:
    return where(ctx)


@pytest.fixture
def make_webhook() -> Iterator[Callable[..., Webhook]]:
    with ExitStack() as stack:

        def make(path: str = "/webhook") -> Webhook:
            webhook = Webhook(auth=BasicAuth(USERNAME, PASSWORD), path=path)
            webhook.add_handler("inline", where)
            webhook.add_handler("watched", where, timeout=20)
            webhook.add_handler("async", where_async)
            webhook.add_handler("path", lambda ctx: Reply(path))
            stack.callback(webhook.close)
            return webhook

        yield make


MakeWebhook = Callable[..., Webhook]
Serving = Callable[[flask.Flask], Ask]


def texts(response: Response) -> list[str]:
    assert response.status == 200
    return [text for message in response.json()["fulfillmentResponse"]["messages"] for text in message["text"]["text"]]


def test_flask_run_serves_the_application(serve: Serve) -> None:
    server = serve(sys.executable, "-m", "flask", "--app", "tests.server.app", "run", "--port", "0")
    assert texts(server.ask(call())) == ["Hello."]
    assert server.ask(call("async")).parameters["turn"] == 1
    assert server.ask(call("async")).parameters["turn"] == 2
    assert_problem(server.ask(call(credential=BAD)), 401, "bad_credentials")
    assert_problem(server.ask(head("GET", "/webhook")), 405, "method_not_allowed")
    assert_problem(server.ask(head("GET", f"/{CANARY}")), 404, "unknown_path")
    assert server.ask(head("GET", "/health", credential="")).body == b'{"status":"ok"}'
    assert server.ran() == ["plain", "async", "async"]
    refusals = [line for line in server.lines() if "reason=" in line]
    assert [line.partition(" request_id=")[0] for line in refusals] == [
        "status=401 reason=bad_credentials", "status=405 reason=method_not_allowed", "status=404 reason=unknown_path",
    ]  # fmt: skip


def test_flask_run_reads_chunked_bodies_and_believes_no_length_that_is_not_kept(serve: Serve) -> None:
    server = serve(sys.executable, "-m", "flask", "--app", "tests.server.app", "run", "--port", "0")
    body = call().partition(b"\r\n\r\n")[2]
    chunked = head("POST", "/webhook", "Transfer-Encoding: chunked") + chunk(body)
    assert texts(server.ask(chunked + b"0\r\n\r\n")) == ["Hello."]
    for broken in (chunked, head("POST", "/webhook", f"Content-Length: {len(body) + 1}") + body):
        with server.connect() as wire:
            assert_problem(wire.send(broken).end().response(), 400, "incomplete_body")
    assert server.ran() == ["plain"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_create_app_gives_every_handler_an_app_context_and_no_request_context(
    serving: Serving, make_webhook: MakeWebhook, handler: str
) -> None:
    ask = serving(create_app(make_webhook(), import_name="hotel"))
    for _ in range(2):
        assert ask(call(handler)).parameters == {"app": "hotel", "path": None}


def test_create_app_serves_two_webhooks_at_their_paths(serving: Serving, make_webhook: MakeWebhook) -> None:
    ask = serving(create_app(make_webhook("/one"), make_webhook("/two")))
    assert texts(ask(call("path", path="/one"))) == ["/one"]
    assert texts(ask(call("path", path="/two"))) == ["/two"]
    for path in ("/", "/webhook", "/one/", "/one/two", "/ONE"):
        assert_problem(ask(call("path", path=path)), 404, "unknown_path")
    assert ask(head("GET", "/health", credential="")).status == 200
    ready = ask(head("GET", "/ready", credential="")).json()
    assert ready == {"status": "ready", "parts": {"handlers": True, "store": True}}


def test_create_app_refuses_none_and_two_webhooks_of_one_path(make_webhook: MakeWebhook) -> None:
    with pytest.raises(ConfigurationError, match="needs a webhook"):
        create_app()
    with pytest.raises(ConfigurationError, match="two webhooks have the path /one"):
        create_app(make_webhook("/one"), make_webhook("/one"))


def test_before_request_of_create_app_runs_for_the_users_own_routes_only(
    serving: Serving, make_webhook: MakeWebhook
) -> None:
    app = create_app(make_webhook())
    seen: list[str] = []
    app.before_request(lambda: seen.append(flask.request.path))
    app.add_url_rule("/hotel", view_func=lambda: "Harbour Hotel")
    ask = serving(app)
    assert ask(call("inline")).status == 200
    assert ask(head("GET", "/health", credential="")).status == 200
    assert seen == []
    assert ask(head("GET", "/hotel", credential="")).body == b"Harbour Hotel"
    assert ask(head("GET", "/unknown", credential="")).status == 404
    assert seen == ["/hotel", "/unknown"]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_create_app_answers_an_unknown_path_with_a_problem_document(
    serving: Serving, make_webhook: MakeWebhook, method: str
) -> None:
    ask = serving(create_app(make_webhook()))
    assert_problem(ask(call(method=method, path=f"/{CANARY}?{CANARY}=1")), 404, "unknown_path")


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_a065_create_app_allows_post_only(serving: Serving, make_webhook: MakeWebhook, method: str) -> None:
    assert_post_only(serving(create_app(make_webhook())), "/webhook", method)


@pytest.mark.parametrize("prefix", [None, "/cx"])
@pytest.mark.parametrize("method", OTHER_METHODS)
def test_a065_a_blueprint_allows_post_only(
    serving: Serving, make_webhook: MakeWebhook, method: str, prefix: str | None
) -> None:
    app = flask.Flask("existing")
    app.register_blueprint(blueprint(make_webhook()), url_prefix=prefix)
    assert_post_only(serving(app), f"{prefix or ''}/webhook", method)


def assert_post_only(ask: Ask, path: str, method: str) -> None:
    response = ask(call(method=method, path=path), to=method)
    assert response.status == 405
    assert response.headers["Allow"] == "POST"
    if method != "HEAD":
        assert_problem(response, 405, "method_not_allowed")


def test_a_blueprint_leaves_the_application_its_routes_and_runs_its_hooks(
    serving: Serving, make_webhook: MakeWebhook
) -> None:
    app = flask.Flask("existing")
    seen: list[str] = []
    app.before_request(lambda: seen.append(flask.request.path))
    app.add_url_rule("/health", view_func=lambda: "my own")
    app.register_blueprint(blueprint(make_webhook()), url_prefix="/cx")
    app.register_blueprint(blueprint(make_webhook("/two"), name="second"), url_prefix="/cx")
    ask = serving(app)
    assert ask(call("path", path="/webhook")).headers["Content-Type"] == "text/html; charset=utf-8"
    assert texts(ask(call("path", path="/cx/webhook"))) == ["/webhook"]
    assert texts(ask(call("path", path="/cx/two"))) == ["/two"]
    assert ask(head("GET", "/health", credential="")).body == b"my own"
    assert_problem(ask(call("path", path="/cx/webhook", credential=BAD)), 401, "bad_credentials")
    assert seen == ["/webhook", "/cx/webhook", "/cx/two", "/health", "/cx/webhook"]


def test_a_before_request_hook_can_stop_a_call_of_a_blueprint(serving: Serving, make_webhook: MakeWebhook) -> None:
    app = flask.Flask("existing")
    app.before_request(lambda: ("closed", 503))
    app.register_blueprint(blueprint(make_webhook()))
    assert serving(app)(call("inline")).status == 503


def test_a_plain_handler_of_a_blueprint_sees_flasks_request(serving: Serving, make_webhook: MakeWebhook) -> None:
    app = flask.Flask("existing")
    app.register_blueprint(blueprint(make_webhook()), url_prefix="/cx")
    answer = serving(app)(call("inline", path="/cx/webhook"))
    assert answer.parameters == {"app": "existing", "path": "/cx/webhook"}


@pytest.mark.parametrize("handler", ["watched", "async"])
def test_a_handler_of_a_blueprint_in_another_thread_has_an_app_context_and_no_request_context(
    serving: Serving, make_webhook: MakeWebhook, handler: str
) -> None:
    app = flask.Flask("existing")
    app.register_blueprint(blueprint(make_webhook()), url_prefix="/cx")
    ask = serving(app)
    for _ in range(2):
        assert ask(call(handler, path="/cx/webhook")).parameters == {"app": "existing", "path": None}


def functions_framework(target: Callable[[flask.Request], flask.Response]) -> flask.Flask:
    """Make an application that calls its target as functions-framework does.

    Every path and seven methods reach the target, which is given the request object itself, not Flask's proxy.
    """
    app = flask.Flask("functions-framework")
    methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]

    def view(path: str) -> flask.Response:
        return target(flask.request._get_current_object())  # type: ignore[attr-defined]

    app.add_url_rule("/", "run", view, defaults={"path": ""}, methods=methods)
    app.add_url_rule("/<path:path>", "run", view, methods=methods)
    return app


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("path", ["/", "/webhook"])
def test_cloud_function_answers_under_the_calling_convention_of_functions_framework_without_the_platform(
    serving: Serving, make_webhook: MakeWebhook, path: str, handler: str
) -> None:
    ask = serving(functions_framework(cloud_function(make_webhook())))
    assert ask(call(handler, path=path)).status == 200
    assert texts(ask(call("path", path=path))) == ["/webhook"]


def test_cloud_function_refuses_under_the_calling_convention_of_functions_framework_without_the_platform(
    serving: Serving, make_webhook: MakeWebhook
) -> None:
    ask = serving(functions_framework(cloud_function(make_webhook())))
    assert_problem(ask(call(path="/", credential=BAD)), 401, "bad_credentials")
    assert_problem(ask(call(path="/elsewhere")), 404, "unknown_path")
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"):
        assert_post_only(ask, "/", method)


def test_a_refusal_under_flask_is_one_log_line(
    serving: Serving, make_webhook: MakeWebhook, caplog: pytest.LogCaptureFixture
) -> None:
    app = flask.Flask("existing")
    app.register_blueprint(blueprint(make_webhook()))
    with caplog.at_level(logging.DEBUG):
        assert_problem(serving(app)(call("inline", credential=BAD)), 401, "bad_credentials")
    [record] = [record for record in caplog.records if record.name == "cxfulfill"]
    assert record.getMessage().startswith("status=401 reason=bad_credentials request_id=")
    assert not [secret for secret in SECRETS if secret in caplog.text]
