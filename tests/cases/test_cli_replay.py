"""``cxfulfill replay``: recorded calls sent again, in this process and over a socket."""

import base64
import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from click.testing import CliRunner, Result

from cxfulfill import (
    AllOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    Context,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    Principal,
    Reply,
    Webhook,
)
from cxfulfill.certificates import make_authority, make_server_certificate
from cxfulfill.cli.commands import cli
from cxfulfill.recording import Recorded
from cxfulfill.simulator.conversations import write_conversation
from tests.simulator.recorded import SESSION, request

PASSWORD = "qn4XvT8dLr2kWc7yBz5m"
KEY = "Bearer 9f2c-1d77-4c60-b1aa-77"
BASIC = BasicAuth("cx-agent", PASSWORD)
GOOGLE = GoogleIdToken(audience="https://hotel.example/webhook", project_number=123)


def book(ctx: Context) -> Reply:
    return Reply(f"{ctx.parameters.get('price', 3):g} a night.", parameters={"reference": os.urandom(4).hex()})


def answered(text: str, reference: str = "a1") -> dict[str, Any]:
    return {
        "fulfillmentResponse": {"messages": [{"text": {"text": [text]}}]},
        "sessionInfo": {"parameters": {"reference": reference}},
    }


def a_call(text: str = "3 a night.", **options: Any) -> Recorded:
    given: dict[str, Any] = {"request": request("book"), "answer": answered(text), "status": 200} | options
    return Recorded(at="2030-06-14T09:30:00Z", method="POST", path="/webhook", tag="book", **given)


FLEXIBLE = Recorded(
    at="2030-06-14T09:30:00Z", method="GET", path="/rooms/7", request=None, status=200, answer={"room": 7}
)


class Run:
    """Runs the command on a file of calls and a webhook."""

    def __init__(self, module: ModuleType, file: Path) -> None:
        self.app = f"{module.__name__}:webhook"
        self.module = module
        self.file = file

    def serve(self, auth: Authenticator = BASIC, **options: Any) -> Webhook:
        webhook = Webhook(auth=auth, **options)
        webhook.add_handler("book", book)
        vars(self.module)["webhook"] = webhook
        return webhook

    def __call__(self, *calls: Recorded, options: tuple[str, ...] = (), code: int = 0) -> str:
        self.file.write_text(write_conversation(calls))
        aim = () if {"--app", "--url"} & set(options) else ("--app", self.app)
        result: Result = CliRunner().invoke(
            cli, ["replay", str(self.file), *aim, "--ignore", "sessionInfo.parameters.reference", *options]
        )
        assert result.exit_code == code, result.output
        assert PASSWORD not in result.output
        assert KEY not in result.output
        return result.output


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    module = ModuleType("app_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CX_PASSWORD", PASSWORD)
    monkeypatch.setenv("CX_KEY", KEY)
    monkeypatch.setenv("CX_LINES", f"{KEY}\nX-Forged: yes")
    return Run(module, tmp_path / "a.jsonl")


def test_calls_that_are_answered_the_same(run: Run) -> None:
    run.serve()
    assert run(a_call(), a_call()) == "2 calls were sent again: all as recorded.\n"
    run.serve()
    assert run(a_call()) == "1 call was sent again: all as recorded.\n"
    run.serve()
    assert run() == "There is no call in it.\n"


def test_what_is_answered_otherwise_is_shown_by_call_and_place(run: Run) -> None:
    run.serve()
    assert run(a_call(), a_call("4 a night."), code=1) == (
        "a.jsonl, call 2: tag book\n"
        '  fulfillmentResponse.messages[0].text.text[0]: "4 a night." -> "3 a night."\n'
        "2 calls were sent again: 1 changed.\n"
    )


def test_calls_of_strangers_are_left_out(run: Run) -> None:
    run.serve()
    refused = {"reason": "bad_credentials"}
    assert run(a_call(), a_call(answer=refused, status=401), a_call("4 a night."), code=1) == (
        "a.jsonl, call 3: tag book\n"
        '  fulfillmentResponse.messages[0].text.text[0]: "4 a night." -> "3 a night."\n'
        "Left out: 1 call that was refused to a stranger (401, 403).\n"
        "2 calls were sent again: 1 changed.\n"
    )
    assert run(a_call(answer=refused, status=401), a_call(answer=refused, status=403)) == (
        "Left out: 2 calls that were refused to a stranger (401, 403).\nThere is no call in it.\n"
    )


def test_without_ignore_everything_is_compared(run: Run) -> None:
    run.serve()
    run.file.write_text(write_conversation([a_call()]))
    result = CliRunner().invoke(cli, ["replay", str(run.file.parent), "--app", run.app])
    assert result.exit_code == 1
    assert '  sessionInfo.parameters.reference: "a1" -> "' in result.output


def test_long_values_are_cut_and_none_are_told(run: Run) -> None:
    run.serve()
    output = run(a_call("x" * 300), a_call(answer={"payload": {"a": 1}}), a_call(status=500, answer="?"), code=1)
    assert f'"{"x" * 99}... -> "3 a night."' in output
    assert '  payload: {"a": 1} -> nothing\n' in output
    assert '  event: "webhook.error" -> nothing\n' in output
    assert '  the answer: "?" -> {"fulfillmentResponse"' in output


def test_ids_are_new_unless_they_are_to_be_kept(run: Run) -> None:
    told: list[str] = []
    webhook = run.serve()
    webhook.add_handler("who", lambda ctx: told.append(ctx.request.session_info.session))
    call = a_call(request=request("who"), answer={})
    run(call)
    webhook = run.serve()
    webhook.add_handler("who", lambda ctx: told.append(ctx.request.session_info.session))
    run(call, options=("--keep-ids",))
    assert told[0] != SESSION == told[1]


class Own:
    """An authenticator of the user's own."""

    blocking = False

    def authenticate(self, http: HttpRequest) -> Principal:
        assert http.headers.get("x-key") == KEY
        return Principal("cx", "own")


@pytest.mark.parametrize(
    "auth",
    [BASIC, HeaderSecret("X-Key", KEY), GOOGLE, AllOf(GOOGLE, HeaderSecret("X-Key", KEY)),
     ByEnvironment({"-": HeaderSecret("X-Key", KEY), "prod": BASIC})],
    ids=["basic", "header", "Google", "both", "by environment"],
)  # fmt: skip
def test_an_application_is_called_with_its_own_credential(run: Run, auth: Authenticator) -> None:
    webhook = run.serve(auth)
    if not isinstance(auth, ByEnvironment):
        webhook.add_flexible("/rooms/<int:id>", lambda call: {"room": call.path["id"]}, methods=["GET"])
        run(a_call(), FLEXIBLE)
    else:
        partner = HeaderSecret("X-Partner", KEY)
        webhook.add_flexible("/rooms/<int:id>", lambda call: {"room": call.path["id"]}, methods=["GET"], auth=partner)
        other = request("book")
        other["sessionInfo"]["session"] = SESSION.replace("/sessions/", "/environments/prod/sessions/")
        run(a_call(), a_call(request=other), FLEXIBLE)


def test_a_flexible_call_that_nothing_takes_any_more_is_a_change(run: Run) -> None:
    run.serve()
    assert run(FLEXIBLE, code=1).startswith("a.jsonl, call 1: GET /rooms/7\n  HTTP status: 200 -> 404\n")


@pytest.mark.parametrize("sent", [None, {}, {"sessionInfo": None}, {"sessionInfo": {"session": 17}}])
def test_a_call_without_a_session_is_sent_too(run: Run, sent: Any) -> None:
    run.serve()
    assert "HTTP status: 200 -> 400" in run(a_call(request=sent), code=1)


def test_the_credential_of_an_authenticator_of_one_s_own_is_given(run: Run) -> None:
    run.serve(Own())
    output = run(a_call(), code=2)
    assert "Own is an authenticator of your own" in output
    assert "--header-env" in output
    run.serve(Own())
    run(a_call(), options=("--header-env", "X-Key=CX_KEY"))


def test_a_wrong_credential_is_answered_as_one(run: Run) -> None:
    run.serve()
    options = ("--username", "cx-agent", "--password-env", "CX_KEY")
    assert "HTTP status: 200 -> 401" in run(a_call(), options=options, code=1)


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        del format, args


@contextmanager
def served(webhook: Webhook, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a webhook on a port of this machine."""
    with make_server("127.0.0.1", 0, webhook.wsgi, handler_class=Quiet) as server, closing(webhook):
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def url(run: Run) -> Iterator[str]:
    with served(run.serve()) as port:
        yield f"http://127.0.0.1:{port}/webhook"


def test_a_server_is_called_by_its_url(run: Run, url: str) -> None:
    credential = ("--username", "cx-agent", "--password-env", "CX_PASSWORD")
    assert run(a_call(), options=("--url", url, *credential)) == "1 call was sent again: all as recorded.\n"
    assert "HTTP status: 200 -> 401" in run(a_call(), FLEXIBLE, options=("--url", url), code=1)


def test_a_server_is_called_with_a_header(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = base64.b64encode(f"cx-agent:{PASSWORD}".encode()).decode()
    monkeypatch.setenv("CX_HEADER", f"Basic {pair}")
    run(a_call(), options=("--url", url, "--header-env", "Authorization=CX_HEADER"))


def test_a_server_s_certificate_is_checked_with_the_roots_that_are_named(run: Run, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority(now)
    issued = make_server_certificate(authority, ["127.0.0.1"], now)
    chain, roots = tmp_path / "chain.pem", tmp_path / "ca.pem"
    chain.write_bytes(issued.key_pem + issued.pem)
    roots.write_bytes(authority.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain)
    with served(run.serve(), tls) as port:
        options = (
            "--url",
            f"https://127.0.0.1:{port}/webhook",
            "--username",
            "cx-agent",
            "--password-env",
            "CX_PASSWORD",
        )
        run(a_call(), options=(*options, "--ca-certs", str(roots)))
        assert "the TLS handshake failed" in run(a_call(), options=options, code=1)


def test_a_server_that_is_not_there_is_a_change(run: Run) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/webhook"
        assert 'HTTP status: 200 -> "no answer: no connection could be made' in run(
            a_call(), options=("--url", url), code=1
        )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--app", "a:b", "--url", "https://h.example/"), "give one of --app and --url"),
        (("--url", "ftp://h.example/"), "the webhook's URL begins with"),
        (("--url", "https://[/"), "the webhook's URL begins with"),
        (("--url", "https://h.example/", "--ca-certs", __file__), "ca_certs takes a PEM file"),
        (("--header-env", "X Key=CX_KEY"), "no header named 'X Key' can be sent"),
        (("--header-env", "X-Key=CX_LINES"), "the header X-Key has a value with a line break"),
        (("--url", "https://h.example/", "--on-cloud-run"), "--on-cloud-run goes with --app"),
        (("--ca-certs", __file__), "--ca-certs goes with --url"),
        (("--url", "http://h.example/", "--header-env", "X-Key=CX_KEY"), "by https only"),
        (("--app", "no_such_module_of_a_test:webhook"), "there is no module"),
        (("--username", "cx"), "--username and --password-env go together"),
        (("--password-env", "CX_PASSWORD"), "--username and --password-env go together"),
        (("--username", "cx", "--password-env", "NO_SUCH"), "nothing in the environment variable NO_SUCH"),
        (("--header-env", "X-Key"), "it is NAME=VARIABLE"),
        (("--header-env", "=CX_KEY"), "it is NAME=VARIABLE"),
        (("--header-env", "X-Key="), "it is NAME=VARIABLE"),
        (("--header-env", "X-Key=NO_SUCH"), "nothing in the environment variable NO_SUCH"),
    ],
)
def test_options_that_do_not_go_together(run: Run, options: tuple[str, ...], told: str) -> None:
    run.serve()
    assert told in " ".join(run(a_call(), options=options, code=2).split())


def test_neither_app_nor_url(run: Run) -> None:
    run.file.write_text("")
    result = CliRunner().invoke(cli, ["replay", str(run.file)])
    assert (result.exit_code, "give one of --app and --url" in result.output) == (2, True)


def test_a_file_that_is_none_is_told_with_its_line(run: Run) -> None:
    run.file.write_text(json.dumps({"secret": PASSWORD}))
    result = CliRunner().invoke(cli, ["replay", str(run.file), "--app", run.app])
    assert result.exit_code == 2
    assert "a.jsonl: line 1: cxfulfill_recording is missing" in result.output
    missing = CliRunner().invoke(cli, ["replay", str(run.file / "other"), "--app", run.app])
    assert missing.exit_code == 2
