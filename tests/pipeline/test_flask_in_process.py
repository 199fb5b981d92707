"""Flask in process: an application of its own, and a Cloud Functions target."""

import sys
from collections.abc import Callable
from typing import Any

import flask
import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from cxfulfill import ConfigurationError, Context
from cxfulfill.server.flask import blueprint, cloud_function, create_app
from tests.pipeline.support import GOOD, SECRET, Counted, app_k, body_of

HEADERS = {"Authorization": GOOD, "Content-Type": "application/json"}


def test_a_webhook_is_needed_and_paths_differ() -> None:
    with pytest.raises(ConfigurationError, match="needs a webhook"):
        create_app()
    with pytest.raises(ConfigurationError, match="two webhooks have the path /webhook"):
        create_app(Counted(), Counted(path="/other"), Counted())


def test_each_webhook_has_its_own_callers() -> None:
    one, other = Counted(), Counted(app_k(), path="/other")
    client = create_app(one, other).test_client()
    for path, authorization in (("/webhook", GOOD), ("/other", SECRET)):
        for tried in (GOOD, SECRET):
            headers = HEADERS | {"Authorization": tried}
            status = client.post(path, data=body_of(), headers=headers).status_code
            assert status == (200 if tried == authorization else 401)
    assert (one.runs, other.runs) == (["count"], ["count"])


@pytest.mark.parametrize("path", ["/", "/unknown", "/webhook/", "/static/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_flask_does_not_know_is_a_problem_document(path: str, method: str) -> None:
    response = create_app(Counted()).test_client().open(path, method=method, data=body_of(), headers=HEADERS)
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.get_json()["reason"] == "unknown_path"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("kind", ["app", "blueprint"])
def test_a065_other_methods(method: str, kind: str) -> None:
    if kind == "app":
        app = create_app(Counted())
    else:
        app = flask.Flask(__name__)
        app.register_blueprint(blueprint(Counted()))
    response = app.test_client().open("/webhook", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert bool(response.data) == (method != "HEAD")


def test_probes_and_the_users_own_routes() -> None:
    app = create_app(Counted())
    app.add_url_rule("/rooms", view_func=lambda: "rooms")
    client = app.test_client()
    assert client.get("/health").json == {"status": "ok"}
    assert client.get("/ready").json == {"status": "ready", "parts": {"handlers": True, "store": True}}
    assert client.get("/rooms").text == "rooms"
    assert client.post("/rooms").status_code == 405


class NotReady:
    def ready(self) -> bool:
        return False

    def authenticate(self, http: object) -> Any:
        raise AssertionError


def test_ready_is_for_every_webhook() -> None:
    client = create_app(Counted(), Counted(NotReady(), path="/other")).test_client()
    assert client.get("/ready").status_code == 503


@pytest.mark.parametrize("act", [lambda ctx: flask.abort(404), lambda ctx: flask.redirect("/x")])
def test_a099_flasks_ways_out_are_closed(act: Callable[[Context], Any]) -> None:
    webhook = Counted()
    webhook.add_handler("act", act)
    app = create_app(webhook)
    other = flask.Flask(__name__)
    other.register_blueprint(blueprint(webhook))
    for client in (app.test_client(), other.test_client()):
        assert client.post("/webhook", data=body_of("act"), headers=HEADERS).status_code == 500


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("", "POST", 200), ("/", "POST", 200), ("/cx", "POST", 200), ("/", "GET", 405), ("/webhook", "POST", 404),
        ("/other", "POST", 404), ("/health", "GET", 200), ("/ready", "HEAD", 200),
    ],
)  # fmt: skip
def test_the_paths_of_a_cloud_function(path: str, method: str, status: int) -> None:
    target = cloud_function(Counted(path="/cx"))
    environ = EnvironBuilder(path="/x", method=method, data=body_of(), headers=Headers(HEADERS)).get_environ()
    environ["PATH_INFO"] = path
    response = target(flask.Request(environ))
    assert response.status_code == status


def test_a_cloud_function_turns_strangers_away() -> None:
    webhook = Counted()
    environ = EnvironBuilder(method="POST", data=body_of(), content_type="application/json").get_environ()
    response = cloud_function(webhook)(flask.Request(environ))
    assert (response.status_code, webhook.runs) == (401, [])
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.fixture(params=["K_SERVICE", "gunicorn"])
def exposed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where callers from outside come in: Cloud Run, or a process that gunicorn runs in."""
    if request.param == "K_SERVICE":
        monkeypatch.setenv("K_SERVICE", "hotel")
    else:
        monkeypatch.setitem(sys.modules, "gunicorn.arbiter", sys)


DEBUGGING = [("FLASK_DEBUG", "1"), ("WERKZEUG_RUN_MAIN", "true")]


@pytest.mark.usefixtures("exposed")
@pytest.mark.parametrize(("name", "value"), DEBUGGING)
def test_a123_debug_and_reloader_are_refused_at_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_app(Counted())
    flask.Flask("site").register_blueprint(blueprint(Counted()))
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="debug mode"):
        create_app(Counted())
    with pytest.raises(ConfigurationError, match="debug mode"):
        flask.Flask("site").register_blueprint(blueprint(Counted()))


@pytest.mark.usefixtures("exposed")
@pytest.mark.parametrize("path", ["/webhook", "/health", "/"])
def test_a123_debug_switched_on_later_serves_nothing(path: str, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    app = create_app(webhook)
    app.debug = True
    response = app.test_client().post(path, data=body_of(), headers=HEADERS)
    assert (response.status_code, response.get_json()["reason"], webhook.runs) == (500, "debug_mode", [])
    assert "debug mode" in caplog.text


@pytest.mark.parametrize(("name", "value"), DEBUGGING)
def test_debug_is_welcome_on_a_machine_of_one_s_own(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert create_app(Counted()).test_client().post("/webhook", data=body_of(), headers=HEADERS).status_code == 200
