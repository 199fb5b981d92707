"""What ``call``, ``chat``, ``console`` and ``replay`` prove themselves with, and over what connections they call."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import DNSName

from cxfulfill import MutualTls, OAuthIntrospection
from cxfulfill.cli import targets
from cxfulfill.cli.credentials import is_this_machine
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.over_http import Line, OverHttp
from cxfulfill.simulator.token_endpoint import TokenEndpoint
from tests.auth.pki import issue, make_ca
from tests.cases.client import App
from tests.cases.trial import PASSWORD, Trial, served, trial_of

OAUTH = ("--oauth-client-id", "cx-agent", "--oauth-secret-env", "TRIAL_PASSWORD")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    with trial_of("call", monkeypatch) as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    now, day = datetime.now(UTC), timedelta(days=1)
    made = issue(make_ca(now=now), "CN=CX", DNSName("cx.example"), begins=now - day, ends=now + day)
    certificate, key = made.write(tmp_path, "client")
    return ("--client-cert", str(certificate), "--client-key", str(key))


def test_third_party_oauth(run: Trial) -> None:
    clients = {"cx-agent": PASSWORD, "webhook": PASSWORD}
    with TokenEndpoint(LocalIssuer(), "api", clients=clients, scopes=["read", "book"]) as provider:
        app = App(auth=OAuthIntrospection(
            endpoint=provider.introspection_url, client_id="webhook", client_secret=PASSWORD, issuer=provider.url,
            client_ids=["cx-agent"], allow_weak=True,
        ))  # fmt: skip
        token = ("--oauth-endpoint", f"{provider.token_url}?tenant=hotel", *OAUTH, "--oauth-scope", "book")
        with served(app.webhook.wsgi) as url:
            assert "echo: status 200" in run("echo", *token, aim=("--url", url)).output
            assert "status 401" in run("echo", *token, "--wrong-credential", aim=("--url", url), code=1).output
            words = shlex.split(run("echo", *token, "--curl", aim=("--url", url)).stdout)
        app.webhook.close()
    asked = provider.asked[0]
    assert (asked.query, asked.form["scope"]) == ("tenant=hotel", "book")
    assert [each.path for each in provider.asked].count("/token") == 1
    assert "Authorization: $WEBHOOK_AUTHORIZATION" in words


def test_a_client_certificate(run: Trial, files: tuple[str, ...]) -> None:
    run.use(App(auth=MutualTls(sans=["cx.example"], allow_any_dialogflow_customer=True)))
    assert "echo: status 200" in run("echo", *files).output
    words = shlex.split(run("echo", *files, "--curl").stdout)
    assert words[words.index("--cert") + 1 : words.index("--cert") + 4] == [files[1], "--key", files[3]]
    run.use(App(auth=MutualTls(sans=["other.example"], allow_any_dialogflow_customer=True)))
    assert "status 403" in run("echo", *files, code=1).output


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), Line()),
        (("--slow", "3.5"), Line(pieces=8, pause=0.5)),
        (("--cut",), Line(pieces=8, cut=True)),
        (("--slow", "7", "--cut"), Line(pieces=8, pause=1.0, cut=True)),
    ],
)
def test_connections(run: Trial, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], line: Line) -> None:
    lines: list[Line] = []

    def connect(*, line: Line, **more: Any) -> OverHttp:
        lines.append(line)
        return OverHttp(**more)

    monkeypatch.setattr(targets, "OverHttp", connect)
    run("echo", *options, "--curl", aim=("--url", "http://127.0.0.1:9/webhook"))
    assert lines == [line]


@pytest.mark.parametrize("aim", [None, ("--url", "http://127.0.0.1:9/webhook")])
def test_the_time_that_cx_waits(run: Trial, monkeypatch: pytest.MonkeyPatch, aim: tuple[str, ...] | None) -> None:
    waited: list[float] = []

    def make(*given: Any, timeout: float, **more: Any) -> Caller:
        waited.append(timeout)
        return Caller(*given, timeout=timeout, **more)

    monkeypatch.setattr(targets, "Caller", make)
    run("echo", "--curl", aim=aim)
    run("echo", "--curl", "--timeout", "0.5", aim=aim)
    assert waited == [5.0, 0.5]


def test_a_connection_that_is_cut(run: Trial) -> None:
    app = App()
    with served(app.webhook.wsgi) as url:
        output = run("echo", "--cut", aim=("--url", url), code=1).output
    app.webhook.close()
    assert "the connection was cut while the request was sent, in 2 attempts" in output
    assert app.runs == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--slow", "1"), "--slow goes with --url"),
        (("--cut",), "--cut goes with --url"),
        (("--slow", "0"), "--slow"),
        (("--timeout", "31"), "--timeout"),
        (("--timeout", "nan"), "it is a number of seconds"),
        (("--slow", "nan"), "it is a number of seconds"),
        (("--client-cert", __file__), "--client-cert and --client-key go together"),
        (("--client-cert", __file__, "--client-key", __file__), "the client certificate takes two PEM files"),
        (OAUTH, "--oauth-endpoint, --oauth-client-id and --oauth-secret-env go together"),
        (("--oauth-scope", "book"), "--oauth-scope goes with --oauth-endpoint"),
        (("--oauth-endpoint", "http://idp.example/token", *OAUTH), "token_endpoint"),
        (
            ("--oauth-endpoint", "https://idp.example/token", *OAUTH, "--header-env", "Authorization=TRIAL_PASSWORD"),
            "CX sends one value in the header Authorization",
        ),
    ],
)
def test_options_that_do_not_go_together(run: Trial, options: tuple[str, ...], sentence: str) -> None:
    assert sentence in " ".join(run("echo", *options, code=2).output.split())
    assert run.app.runs == []


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True),
        ("10.0.0.1", False), ("localhost.example", False), ("2130706433", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_this_machine(host: str | None, is_here: bool) -> None:
    assert is_this_machine(host) is is_here
