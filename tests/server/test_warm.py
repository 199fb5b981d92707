"""A process that is warm answers its first calls without loading a module."""

import base64
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.auth import oauth_support
from tests.auth.oauth_support import API, ISSUER, OWN_CLIENT, OWN_SECRET, Endpoint, active, serving
from tests.auth.pki import NOW, issue, make_ca
from tests.auth.tokens_support import K1, jwk, token
from tests.server.conftest import Serve
from tests.server.warm_program import KINDS, PASSWORD
from tests.server.wire import ROOT, call, gunicorn

UNRESOLVED = """
from cxfulfill import Context, Webhook
from tests.server.app import webhook

webhook = Webhook(auth=webhook.auth)

@webhook.handler("plain")
def plain(ctx: Context, stay: "Stay") -> str:
    return ""
"""


@pytest.fixture(scope="module")
def keys() -> Iterator[str]:
    """An address that gives the public key of the tokens here."""
    document = json.dumps({"keys": [jwk(K1, "k1")]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that is called
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/keys"
        server.shutdown()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as made:
        yield made


def header_fields(kind: str) -> dict[str, str]:
    if kind in ("none", "HeaderSecret"):
        return {"X-Key": PASSWORD}
    if kind == "BasicAuth":
        return {"Authorization": "Basic " + base64.b64encode(f"cx:{PASSWORD}".encode()).decode()}
    if kind.startswith("OAuth"):
        return {"Authorization": f"Bearer {oauth_support.token(key=K1)}"}
    if kind == "CloudRunIam":
        return {"Authorization": f"Bearer {token(signature='SIGNATURE_REMOVED_BY_GOOGLE')}"}
    shown = base64.b64encode(issue(make_ca(), "CN=Google LLC").der).decode()
    return {"Authorization": f"Bearer {token()}", "Client-Cert": f":{shown}:"}


def first_calls(
    interface: str, kind: str, keys: str, endpoint: Endpoint, store: str = "memory://"
) -> list[tuple[str, int, list[str]]]:
    fields = header_fields(kind)
    if kind == "OAuthIntrospection":
        endpoint.answers[fields["Authorization"].removeprefix("Bearer ")] = active()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CXFULFILL_")} | {
        "FIELDS": json.dumps(fields), "KEYS_URL": keys, "ENDPOINT_URL": endpoint.url, "CLIENT": OWN_CLIENT,
        "SECRET": OWN_SECRET, "ISSUER": ISSUER, "API": API, "K_SERVICE": "here",
        "CERTIFICATE_NOW": str(NOW.timestamp()),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.server.warm_program", interface, kind, store],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(name, status, loaded) for name, status, loaded in json.loads(done.stdout)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_the_first_call_of_each_kind_loads_no_module(interface: str, kind: str, keys: str, endpoint: Endpoint) -> None:
    calls = first_calls(interface, kind, keys, endpoint)
    assert {status for _, status, _ in calls} == {200}
    assert [(name, loaded) for name, _, loaded in calls if loaded] == []


def test_the_first_calls_through_flask_load_no_module(keys: str, endpoint: Endpoint) -> None:
    calls = first_calls("flask", "GoogleIdToken", keys, endpoint)
    assert [(name, status, loaded) for name, status, loaded in calls if loaded or status != 200] == []


def test_the_store_s_modules_are_loaded_before_the_first_call(keys: str, endpoint: Endpoint, tmp_path: Path) -> None:
    calls = first_calls("wsgi", "none", keys, endpoint, f"sqlite:///{tmp_path}/calls.sqlite3")
    assert [(name, status, loaded) for name, status, loaded in calls if loaded or status != 200] == []


def test_the_garbage_collector_rests_while_a_worker_loads_and_works_afterwards(serve: Serve) -> None:
    seen = serve(*gunicorn("tests.server.collecting_app:webhook")).ask(call()).parameters
    assert seen["loading"] > 100_000
    assert (seen["serving"], seen["on"]) == (gc.get_threshold()[0], True)
    assert seen["left"] > 10_000, "it looks through what was loaded"


def test_an_application_s_own_threshold_of_the_garbage_collector_stays(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.collecting_app:webhook"), OWN_THRESHOLD="5000")
    assert server.ask(call()).parameters["serving"] == 5_000


def test_a_worker_that_cannot_be_warmed_says_why_and_answers(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "unresolved.py").write_text(UNRESOLVED, encoding="utf-8")
    server = serve(*gunicorn("--pythonpath", str(tmp_path), "unresolved:webhook"))
    server.until_line("nothing can be served: ")
    answer = server.ask(call())
    assert (answer.status, answer.json()["reason"]) == (500, "configuration")
