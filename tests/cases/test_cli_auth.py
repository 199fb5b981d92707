"""``cxfulfill auth explain``: what to enter in CX, and why a caller is not let in, without showing what it sent."""

import ast
import inspect
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

import cxfulfill.auth
from cxfulfill import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    CloudRunIam,
    Forbidden,
    GoogleIdToken,
    HeaderSecret,
    HttpError,
    HttpRequest,
    NeedsIO,
    Principal,
    Unauthorized,
    Unavailable,
    Webhook,
    dialogflow_service_agent,
)
from cxfulfill.auth.introspection import OAuthIntrospection
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
from cxfulfill.auth.oauth_jwt import OAuthJwt
from cxfulfill.auth.secret_manager import SecretManager
from cxfulfill.auth.sources import EnvironmentSecret, FileSecret
from cxfulfill.cli.advice import ADVICE, OWN, SAID
from cxfulfill.cli.changes import CHANGES, advice_for
from cxfulfill.cli.claims import token_facts
from cxfulfill.cli.commands import cli
from cxfulfill.cli.outline import commands, heading, show, texts
from cxfulfill.cli.tried import read_fields
from cxfulfill.loading import load_webhook
from tests.auth import oauth_support as oauth
from tests.auth import pki
from tests.auth.secret_manager_server import NAME, SecretManagerServer
from tests.auth.tokens_support import AGENT, AUDIENCE, K1, K2, NOW, Source, app_g, claims, encode, jwk, token
from tests.pipeline.support import LIMIT, NEXT_SECRET, SECRET, Finds, basic
from tests.server.wire import ROOT

CANARY = "canary-7b1f0c9de4a25563"
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
PUBLIC = "add-iam-policy-binding SERVICE --region=REGION --member=allUsers --role=roles/run.invoker"
SESSION = "projects/p/locations/eu/agents/a{}/sessions/s"

Explain = Callable[..., Result]


class Apps:
    """Puts webhooks into a module, and runs the command on them."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def __call__(
        self, auth: Authenticator, *arguments: str, code: int, stdin: str | bytes = "", **options: Any
    ) -> Result:
        vars(self.module)["webhook"] = Webhook(auth=auth, **options)
        given = ["auth", "explain", "--app", f"{self.module.__name__}:webhook", *arguments]
        result = CliRunner().invoke(cli, given, input=stdin)
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def explain(monkeypatch: pytest.MonkeyPatch) -> Apps:
    module = ModuleType("app_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Apps(module)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def lines_of(result: Result) -> list[str]:
    return [line.strip() for line in result.output.splitlines()]


def hides(result: Result, *secrets: str) -> None:
    """Neither a secret nor a part of a token is printed; what Cloud Run writes for a signature is no secret."""
    parts = [part for secret in secrets for word in secret.split() for part in (word, *word.split("."))]
    for part in (*secrets, *parts):
        assert len(part) < 7 or part == REMOVED or part not in result.output


def app_r(**options: Any) -> CloudRunIam:
    settings: dict[str, Any] = {
        "audience": AUDIENCE, "project_number": 123, "i_confirm_the_service_is_not_public": True, "now": lambda: NOW,
        "environ": {"K_SERVICE": "hotel"},
    }  # fmt: skip
    return CloudRunIam(**(settings | options))


# What to enter in CX.


def test_path_and_agents(explain: Apps) -> None:
    output = explain(BasicAuth("cx", CANARY), code=0, path="/cx").output
    assert "the webhook's URL in CX is https://YOUR-HOST/cx" in output
    assert "every agent" in output
    agents = ["projects/p/locations/eu/agents/b", "projects/p/locations/eu/agents/a"]
    lines = lines_of(explain(BasicAuth("cx", CANARY), code=0, allowed_agents=agents))
    assert lines[lines.index("Agents whose sessions are served") + 1 :][:2] == sorted(agents)


def test_settings_for_a_google_id_token(explain: Apps) -> None:
    lines = lines_of(explain(GoogleIdToken(audience=AUDIENCE, project_number=123), code=0, path="/cx"))
    assert f"Webhook URL: {AUDIENCE}, exactly so; a query may follow it, which is no part of the audience" in lines
    assert any(line.startswith("Service agent auth: ID token") for line in lines)
    assert AGENT in lines
    assert "gcloud projects describe PROJECT --format='value(projectNumber)'" in lines
    assert "https://www.googleapis.com/oauth2/v3/certs" in lines
    assert f"gcloud run services {PUBLIC}" in lines
    assert any("No custom audiences are needed" in line for line in lines)
    assert "--add-custom-audiences" not in " ".join(lines)
    assert "Take care" not in " ".join(lines)


def test_an_audience_with_another_path_than_the_app_s(explain: Apps) -> None:
    auth = app_g(Source(), audience=[AUDIENCE, "https://wh.example/webhook"])
    [line] = [line for line in lines_of(explain(auth, code=0)) if line.startswith("Take care")]
    assert f"the path of {AUDIENCE} is not /webhook" in line
    assert "The server must reach" not in explain(auth, code=0).output  # keys from a source of one's own


def test_settings_for_cloud_run_iam(explain: Apps) -> None:
    auth = app_r(audience=[AUDIENCE, "https://hotel-1.run.app", "https://hotel-1.run.app/cx"], project_number=7)
    result = explain(auth, code=0, path="/cx")
    start, invoker, caller = "gcloud run services", " --role=roles/run.invoker", dialogflow_service_agent(7)
    assert "--no-allow-unauthenticated" in result.output
    assert [line for line in lines_of(result) if line.startswith(start)] == [
        f"{start} remove-iam-policy-binding SERVICE --region=REGION --member=allUsers{invoker}",
        f"{start} remove-iam-policy-binding SERVICE --region=REGION --member=allAuthenticatedUsers{invoker}",
        f"{start} update SERVICE --region=REGION --add-custom-audiences=https://hotel-1.run.app/cx,{AUDIENCE}",
        f"{start} add-iam-policy-binding SERVICE --region=REGION --member=serviceAccount:{caller}{invoker}",
    ]
    assert "Service agent auth: ID token" in result.output
    assert "--add-custom-audiences" not in explain(app_r(audience="https://hotel-1.run.app"), code=0).output


def test_settings_for_basic(explain: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    result = explain(BasicAuth("cx", CANARY), code=0)
    assert "User name: cx" in lines_of(result)
    assert "user:password, without a newline at its end" in result.output
    hides(result, CANARY)
    monkeypatch.setenv("CX_PASSWORD", CANARY)
    result = explain(BasicAuth("cx", [EnvironmentSecret("CX_PASSWORD"), SecretManager(NAME)]), code=0)
    assert (
        "gcloud run services update SERVICE --region=REGION --update-secrets=CX_PASSWORD=SECRET:VERSION"
        in result.output
    )
    assert "CX cannot read this one" in result.output
    hides(result, CANARY)
    result = explain(BasicAuth.from_credentials(SecretManager(NAME)), code=0)
    assert f"Secret Manager: {NAME}, the user:password alone, without a newline at its end" in lines_of(result)
    assert "User name:" not in result.output


def test_settings_for_a_header(explain: Apps, tmp_path: Path) -> None:
    result = explain(HeaderSecret("X-Hotel-Key", CANARY), code=0)
    assert "Header: X-Hotel-Key" in lines_of(result)
    assert "Bearer" not in result.output
    hides(result, CANARY)
    file = tmp_path / "the secret"
    file.write_text(f"Bearer {CANARY}\n")
    result = explain(HeaderSecret("Authorization", FileSecret(file)), code=0)
    assert "its scheme included (Bearer ...)" in result.output
    assert f"--update-secrets='{file}'=SECRET:VERSION" in result.output
    assert "latest" not in result.output
    hides(result, CANARY)


def test_a_file_whose_path_is_not_whole(explain: Apps, folder: Path) -> None:
    (folder / "hidden").mkdir()
    (folder / "hidden/key").write_text(CANARY)
    result = explain(HeaderSecret("X-Key", FileSecret("hidden/key")), code=0)
    assert "File: hidden/key holds the whole header value" in result.output
    assert "name one in the app too, as /secrets/cx/key" in result.output
    assert "--update-secrets=/secrets/cx/key=SECRET:VERSION" in result.output


def test_settings_for_secret_manager(explain: Apps) -> None:
    result = explain(HeaderSecret("Authorization", SecretManager(NAME)), code=0)
    assert 'printf %s "$VALUE" | gcloud secrets versions add cx-webhook --project=hotel-1 --data-file=-' in lines_of(
        result
    )
    assert "--role=roles/secretmanager.secretAccessor" in result.output
    assert "Name this version in CX too" in result.output
    assert "name it beside 3 here" in result.output
    latest = explain(HeaderSecret("Authorization", SecretManager(NAME.replace("/3", "/latest"))), code=0)
    assert "A new value is a new version" not in latest.output


def test_settings_for_oauth(explain: Apps) -> None:
    keys = "https://idp.example/keys"
    auth = OAuthJwt(issuer=oauth.ISSUER, audience=["api", "b"], keys=keys, scopes="call other", client_ids=["c1", "c2"])
    lines = lines_of(explain(auth, code=0))
    assert {"Client ID: one of c1, c2", "Scopes: call other", keys} <= set(lines)
    assert any(line.startswith(f"OAuth token endpoint: that of {oauth.ISSUER}") for line in lines)
    assert any(line.startswith("grant: client credentials") and line.endswith("aud: api or b") for line in lines)
    result = explain(oauth.app_o(Source()), code=0)
    assert f"Client ID: that of CX at {oauth.ISSUER}" in lines_of(result)
    assert "Scopes: none are needed" in lines_of(result)
    assert "The server must reach" not in result.output
    asked = OAuthIntrospection(
        endpoint="https://idp.example/ask", client_id="own", client_secret=CANARY, issuer=oauth.ISSUER, client_ids="c1"
    )
    result = explain(asked, code=0)
    assert "https://idp.example/ask" in lines_of(result)
    assert "as client own, which is this webhook's own and not CX's" in lines_of(result)
    hides(result, CANARY)


def test_settings_for_client_certificates(explain: Apps) -> None:
    alone: dict[str, Any] = {"allow_any_dialogflow_customer": True}
    result = explain(MutualTls(GOOGLE_CLIENT_SUBJECTS, **alone), code=0)
    assert "subjects=['CN=Google LLC', 'CN=*.dialogflow.com']" in result.output
    assert (
        "85:66:6A:56:2E:E0:BE:5C:E9:25:C1:D8:89:0A:6F:76:A8:7E:C1:6D:4D:7D:5F:29:EA:74:19:CF:20:12:3B:69"
        in result.output
    )
    assert "pki.goog" in result.output
    assert "2026-12-01" in result.output
    assert "CXFULFILL_TLS_CLIENT_CA=roots.pem" in result.output
    result = explain(MutualTls(["CN=a"], proxy="gcp-lb", peers=["169.254.0.0/16"], **alone), code=0)
    assert "peers=['169.254.0.0/16']" in result.output
    assert "--ingress=internal-and-cloud-load-balancing" in result.output
    assert "CXFULFILL_TLS_CLIENT_CA" not in result.output


def test_settings_of_parts(explain: Apps) -> None:
    key = HeaderSecret("X-Key", CANARY)
    policies: dict[str, Authenticator] = {
        "draft": BasicAuth("cx", CANARY),
        "e-1": AllOf(app_g(Source()), AnyOf(key, app_g(Source()))),
    }
    lines = explain(ByEnvironment(policies), code=0).output.splitlines()
    headings = [
        "  ByEnvironment: in each environment its own", "    draft environment: BasicAuth",
        "    environment e-1: AllOf: all of these together", "      GoogleIdToken", "      AnyOf: any one of these",
        "        HeaderSecret", "        GoogleIdToken",
    ]  # fmt: skip
    found = iter(lines)
    for wanted in headings:
        assert any(line.startswith(wanted) for line in found), wanted
    assert sum("--member=allUsers" in line for line in lines) == 1


def test_parts_that_read_one_header(explain: Apps) -> None:
    parts = (app_g(Source()), app_g(Source()), HeaderSecret("X-Key", CANARY))
    assert "GoogleIdToken and GoogleIdToken read the same header" in explain(AllOf(*parts), code=0).output
    assert "read the same header" not in explain(AnyOf(*parts), code=0).output


def test_private_whatever_stands_beside_it(explain: Apps) -> None:
    output = explain(AllOf(app_r(), HeaderSecret("X-Key", CANARY)), code=0).output
    assert "--add-custom-audiences" in output
    assert PUBLIC not in output


class OwnHeader:
    credential_headers = frozenset({"X-B", "X-A"})

    def authenticate(self, http: HttpRequest) -> Principal:
        raise Unauthorized(reason="no_such_badge", note="show the badge")

    def __repr__(self) -> str:
        return CANARY


class Renamed(BasicAuth):
    """An authenticator of the user's that is one of ours."""


def test_settings_of_authenticators_of_one_s_own(explain: Apps) -> None:
    result = explain(OwnHeader(), code=0)
    assert "it reads the headers x-a, x-b" in result.output
    assert "On Cloud Run" not in result.output
    hides(result, CANARY)
    assert "it reads" not in explain(Finds(Forbidden()), code=0).output
    assert "User name: cx" in explain(Renamed("cx", CANARY), code=0).output


def test_settings_where_everybody_is_let_in(explain: Apps) -> None:
    output = explain(AllowUnauthenticated(), code=0).output
    assert "Everybody is let in" in output
    assert "On Cloud Run" not in output


# Who is let in.


def test_a_good_token(explain: Apps) -> None:
    source = Source()
    for arguments, stdin in (
        (["--token", token()], ""), (["--token", "-"], f"{token()}\n"), (["--token", f"bearer {token()}"], ""),
        (["--header", f"Authorization: Bearer {token()}"], ""),
        (["--header", "-"], f"\nauthorization:Bearer {token()}\r\n"),
    ):  # fmt: skip
        result = explain(app_g(source), *arguments, code=0, stdin=stdin)
        assert f"Accepted: {AGENT} (google-id-token)" in lines_of(result)
        hides(result, token())
    assert source.fetches == 5


def test_what_a_token_says_is_shown_and_nothing_else(explain: Apps) -> None:
    given = token(claims(secret_claim=CANARY, sub="x" * 300, aud=["a"] * 7, scope={"no": "text"}, azp=1e300), typ=...)
    result = explain(app_g(Source()), "--token", given, code=1)
    lines = lines_of(result)
    facts = dict(line.split(maxsplit=1) for line in lines[1 : lines.index("Checks of the request's head")])
    assert facts["alg"] == "RS256"
    assert facts["kid"] == "k1"
    assert facts["iss"] == "https://accounts.google.com"
    assert facts["aud"] == "a, a, a, a, a and 2 more"
    assert facts["email"] == AGENT
    assert facts["email_verified"] == "true"
    assert facts["sub"].endswith("... (300 characters)")
    assert facts["azp"] == facts["scope"] == "neither text nor a usual number"
    assert facts["iat"].startswith("2027-01-15 07:59:00 UTC (")
    assert facts["signature"] == "there, not shown"
    assert "typ " not in result.output
    hides(result, given, CANARY)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds ago"), (-1, "1 second ago"), (59, "in 59 seconds"), (-60, "1 minute ago"),
        (-3_599, "59 minutes ago"), (7_200, "in 2 hours"), (-86_400 * 3, "3 days ago"),
    ],
)  # fmt: skip
def test_how_long_ago(seconds: int, text: str) -> None:
    facts = dict(token_facts(token(claims(exp=NOW + seconds, iat="x", nbf=True)), NOW))
    assert facts["exp"].endswith(f"UTC ({text})")
    assert facts["iat"] == facts["nbf"] == "no number of seconds"


@pytest.mark.parametrize(
    "value", ["", "a.b.c", "e30.e30", "e30..x", "W10.e30.x", f"e30.{encode(b'{')}.x", "é.é.é", "ya29.x"]
)
def test_no_jwt(value: str) -> None:
    assert token_facts(value, NOW) == ()


def test_a_jwt_without_a_signature() -> None:
    assert token_facts("e30.e30.", NOW) == (("signature", "missing"),)


def test_a_token_from_a_log_line_of_cloud_run(explain: Apps) -> None:
    given = token(signature=REMOVED)
    result = explain(app_g(Source()), "--token", given, code=1)
    assert result.output.count("Cloud Run's logs show tokens without it") == 1
    assert "GoogleIdToken: refuses, 401 signature_removed_by_platform" in lines_of(result)
    assert "signature       removed by Cloud Run's IAM check" in lines_of(result)
    hides(result, given)
    result = explain(app_r(), "--token", given, code=0)
    assert f"Accepted: {AGENT} (cloud-run-iam)" in lines_of(result)
    result = explain(app_r(), "--token", token(), code=1)
    assert "put SIGNATURE_REMOVED_BY_GOOGLE in place of its third part" in result.output
    hides(result, token())


def test_a_token_that_is_cut_off(explain: Apps) -> None:
    given = token()[:300]
    result = explain(app_g(Source()), "--token", given, code=1)
    assert "It is no JWT that can be read" in result.output
    assert "GoogleIdToken: refuses, 401 malformed_token" in lines_of(result)
    hides(result, given)


def test_what_the_check_noted(explain: Apps) -> None:
    result = explain(app_g(Source()), "--token", token(claims(aud="https://wh.example/cx/")), code=1)
    lines = lines_of(result)
    [at] = [index for index, line in enumerate(lines) if line == "GoogleIdToken: refuses, 401 audience_not_allowed"]
    assert lines[at + 1].startswith("Noted by the check: the token is for https://wh.example/cx/;")
    assert lines[at + 2].startswith("What to change: Make aud and audience= equal")
    assert lines[-1] == "Refused: 401 audience_not_allowed; CX raises webhook.error.rejected"


def test_a_stranger_s_text_does_not_drive_the_terminal(explain: Apps) -> None:
    evil = "https://wh.example/\x1b[2J\u202e[red]x"
    output = explain(app_g(Source()), "--token", token(claims(aud=evil)), code=1).output
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert output.count(r"https://wh.example/\x1b[2J\u202e[red]x") == 2


def test_the_key_source_is_down(explain: Apps, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(down=True)
    result = explain(app_g(source), "--token", token(), code=1)
    assert "GoogleIdToken: refuses, 503 keys_unavailable" in lines_of(result)
    assert lines_of(result)[-1].endswith("CX raises webhook.error.unavailable")
    assert source.fetches == 1


def test_offline_nothing_is_fetched(explain: Apps) -> None:
    source = Source()
    result = explain(app_g(source), "--token", token(), "--offline", code=1)
    assert source.fetches == 0
    assert "GoogleIdToken: not decided" in lines_of(result)
    assert "The token's form, alg, typ, kid and iss are right; its signature, times" in result.output
    assert lines_of(result)[-1] == "Not decided"
    refused = explain(app_g(source), "--token", token(claims(iss="https://x.example")), "--offline", code=1)
    assert "GoogleIdToken: refuses, 401 issuer_not_allowed" in lines_of(refused)
    assert source.fetches == 0


def test_offline_in_parts(explain: Apps) -> None:
    either = AnyOf(app_g(Source()), BasicAuth("cx", CANARY))
    assert explain(either, "--header", f"Authorization: {basic(f'cx:{CANARY}')}", "--offline", code=0)
    lines = lines_of(explain(either, "--token", token(), "--offline", code=1))
    assert {"AnyOf: not decided", "GoogleIdToken: not decided", "BasicAuth: refuses, 401 no_credentials"} <= set(lines)


class Asks:
    """An authenticator of the user's that always wants something more."""

    blocking = False

    def __init__(self) -> None:
        self.fetches = 0

    def authenticate(self, http: HttpRequest) -> Principal:
        raise NeedsIO(self.fetch)

    def fetch(self) -> None:
        self.fetches += 1


def test_one_that_asks_without_end(explain: Apps) -> None:
    auth = Asks()
    assert "Asks: refuses, 503 auth_not_settled" in explain(auth, "--token", "x", code=1).output
    assert auth.fetches == 16
    assert "What comes before the first fetch is right." in explain(auth, "--token", "x", "--offline", code=1).output
    assert auth.fetches == 16


def test_one_that_blocks_is_not_asked_offline(explain: Apps) -> None:
    auth = Finds(Principal("member", "own"), blocking=True)
    assert "is not asked offline" in explain(auth, "--token", "x", "--offline", code=1).output
    assert "Accepted: member (own)" in explain(auth, "--token", "x", code=0).output


def test_one_that_fails(explain: Apps) -> None:
    result = explain(Finds(ValueError(CANARY)), "--token", "x", code=1)
    assert "Finds: refuses, 500 internal" in lines_of(result)
    assert "it raised ValueError" in result.output
    hides(result, CANARY)
    assert "500 internal" in explain(Finds("nobody"), "--token", "x", code=1).output


def test_a_reason_of_one_s_own(explain: Apps) -> None:
    lines = lines_of(explain(OwnHeader(), "--token", "x", code=1))
    at = lines.index("OwnHeader: refuses, 401 no_such_badge")
    assert lines[at + 1 : at + 4] == [
        OWN.meaning, "Noted by the check: show the badge", f"What to change: {OWN.change}",
    ]  # fmt: skip


def test_part_by_part(explain: Apps) -> None:
    either = AnyOf(BasicAuth("cx", CANARY), AllOf(app_g(Source()), HeaderSecret("X-Key", SECRET)))
    lines = explain(either, "--token", token(), code=1).output.splitlines()
    at = lines.index("  AnyOf: refuses, 401 no_credentials")
    told = [line for line in lines[at:] if ": refuses" in line or ": accepts" in line]
    assert told == [
        "  AnyOf: refuses, 401 no_credentials",
        "    BasicAuth: refuses, 401 no_credentials",
        "    AllOf: refuses, 401 no_credentials",
        f"      GoogleIdToken: accepts {AGENT}",
        "      HeaderSecret: refuses, 401 no_credentials",
    ]
    result = explain(either, "--token", token(), "--header", f"x-key:  {SECRET} ", code=0)
    assert f"Accepted: {AGENT} (google-id-token)" in lines_of(result)
    hides(result, SECRET, CANARY, token())


def test_agents_and_environments(explain: Apps) -> None:
    policies = ByEnvironment({"draft": BasicAuth("cx", CANARY), "prod": BasicAuth("cx", SECRET)})
    header = ["--header", f"Authorization: {basic(f'cx:{CANARY}')}"]
    agents: dict[str, Any] = {"allowed_agents": [SESSION.format("").partition("/sessions")[0]]}
    result = explain(policies, *header, code=0, **agents)
    assert "Agent and environment were not checked: --session names the session." in lines_of(result)
    assert "draft environment: BasicAuth: accepts cx" in lines_of(result)
    assert "environment prod: BasicAuth: refuses, 401 bad_credentials" in lines_of(result)
    result = explain(policies, *header, "--session", SESSION.format(""), code=0, **agents)
    assert lines_of(result)[-4:] == [
        "Checks of the session's name", "allowed_agents: accepts cx", "ByEnvironment: accepts cx",
        "Accepted: cx (basic)",
    ]  # fmt: skip
    result = explain(policies, *header, "--session", SESSION.format("/environments/prod"), code=1, **agents)
    assert "the credential is that of the draft environment, the session is of environment prod" in result.output
    assert lines_of(result)[-1].startswith("Refused: 403 environment_not_allowed")
    result = explain(policies, *header, "--session", SESSION.format("").replace("/a/", "/b/"), code=1, **agents)
    assert "allowed_agents: refuses, 403 agent_not_allowed" in lines_of(result)
    assert lines_of(result)[-1].startswith("Refused: 403 agent_not_allowed")


def changes_in(result: Result) -> list[str]:
    """Give the checks that tell what to change."""
    lines = lines_of(result)
    return [
        next(each for each in reversed(lines[:at]) if ": refuses" in each).partition(": refuses")[0]
        for at, line in enumerate(lines) if line.startswith("What to change: ")
    ]  # fmt: skip


def test_advice_stands_only_where_the_call_is_held_up(explain: Apps) -> None:
    policies = ByEnvironment({"draft": BasicAuth("cx", CANARY), "prod": app_g(Source()), "e-2": app_g(Source())})
    header = ["--header", f"Authorization: {basic(f'cx:{CANARY}')}"]
    draft, prod, other = (SESSION.format(each) for each in ("", "/environments/prod", "/environments/e-9"))
    assert changes_in(explain(policies, *header, code=0)) == []
    assert changes_in(explain(policies, *header, "--session", draft, code=0)) == []
    assert changes_in(explain(policies, *header, "--session", prod, code=1)) == [
        "environment prod: GoogleIdToken", "ByEnvironment",
    ]  # fmt: skip
    assert changes_in(explain(policies, *header, "--session", other, code=1)) == ["ByEnvironment"]
    wrong = ["--header", "Authorization: Basic eDp5"]
    assert changes_in(explain(policies, *wrong, "--session", draft, code=1)) == ["draft environment: BasicAuth"]
    assert changes_in(explain(policies, *wrong, code=1)) == [
        "draft environment: BasicAuth", "environment prod: GoogleIdToken",
    ]  # fmt: skip
    either = AnyOf(app_g(Source()), BasicAuth("cx", CANARY))
    assert changes_in(explain(either, *header, code=0)) == []


def test_no_sentence_stands_twice(explain: Apps) -> None:
    either = AnyOf(app_g(Source()), BasicAuth("cx", SECRET), HeaderSecret("X-Key", SECRET))
    assert ADVICE.keys() >= SAID
    output = explain(either, "--token", "ya29.abcdef", code=1).output
    assert output.count("choose service agent auth with ID token") == 1
    for arguments in (["--header", "X: y"], ["--token", token(key=K2)], ["--token", token(signature=REMOVED)]):
        sentences = [line for line in lines_of(explain(either, *arguments, code=1)) if line.endswith(".")]
        assert len(sentences) == len(set(sentences)) > 0


def test_a_session_that_nobody_looks_at(explain: Apps) -> None:
    header = ["--header", f"X-Key: {SECRET}"]
    result = explain(HeaderSecret("X-Key", SECRET), *header, "--session", SESSION.format(""), code=0)
    assert "session" not in result.output
    refused = explain(BasicAuth("cx", CANARY), *header, "--session", SESSION.format(""), code=1,
                      allowed_agents=["projects/p/locations/eu/agents/a"])  # fmt: skip
    assert "Checks of the session's name" not in refused.output


def test_secrets_that_are_fetched(explain: Apps) -> None:
    with closing(SecretManagerServer()) as server:
        server.versions[NAME] = SECRET.encode()
        auth = HeaderSecret("Authorization", SecretManager(NAME, server.client))
        header = ["--header", f"Authorization: {SECRET}"]
        assert "The header is there; the secret" in explain(auth, *header, "--offline", code=1).output
        assert server.calls == []
        assert "Accepted: authorization (header)" in explain(auth, *header, code=0).output
        wrong = explain(auth, "--header", f"Authorization: {NEXT_SECRET}", code=1)
        assert "HeaderSecret: refuses, 401 bad_credentials" in lines_of(wrong)
        hides(wrong, SECRET, NEXT_SECRET)


def test_a_secret_that_is_not_ascii(explain: Apps) -> None:
    given = "Bearer 9f2c-ä1d77-£4c60-b1aa"
    auth = HeaderSecret("Authorization", given)
    assert explain(auth, "--header", f"Authorization: {given}", code=0)
    hides(explain(auth, "--header", "-", stdin=f"Authorization: {given}x".encode(), code=1), given)


def test_oauth(explain: Apps) -> None:
    given = oauth.token()
    assert f"Accepted: {oauth.CLIENT}" in explain(oauth.app_o(Source()), "--token", given, code=0).output
    result = explain(oauth.app_o(Source(), scopes="call.more"), "--token", given, code=1)
    assert "OAuthJwt: refuses, 403 insufficient_scope" in lines_of(result)
    hides(result, given)
    assert "the issuer's keys" in explain(oauth.app_o(Source()), "--token", given, "--offline", code=1).output


def test_introspection_is_asked_as_the_app_does(explain: Apps) -> None:
    with oauth.serving() as endpoint:
        endpoint.answers[CANARY] = oauth.active()
        auth = oauth.app_i(endpoint)
        assert "rest is for the issuer to say" in explain(auth, "--token", CANARY, "--offline", code=1).output
        assert endpoint.asked == []
        result = explain(auth, "--token", CANARY, code=0)
        assert endpoint.asked == [CANARY]
        hides(result, CANARY, oauth.OWN_SECRET)
        result = explain(auth, "--token", f"{CANARY}x", code=1)
        assert "OAuthIntrospection: refuses, 401 token_inactive" in lines_of(result)
        hides(result, CANARY)


CA = pki.make_ca()
CX = pki.issue(CA, "CN=Google LLC,O=Google LLC")


def of_tls(**options: Any) -> MutualTls:
    settings: dict[str, Any] = {"allow_any_dialogflow_customer": True, "now": pki.NOW.timestamp} | options
    return MutualTls(GOOGLE_CLIENT_SUBJECTS, **settings)


def test_a_certificate_of_the_connection(explain: Apps, tmp_path: Path) -> None:
    pem, key = CX.write(tmp_path, "cx")
    der = tmp_path / "cx.der"
    der.write_bytes(CX.der)
    for file in (pem, der):
        result = explain(of_tls(), "--client-cert", str(file), code=0)
        assert "Accepted: CN=Google LLC (mtls)" in lines_of(result)
    assert "--client-cert names the certificate" in explain(of_tls(), "--token", "x", code=1).output
    for odd, problem in ((key, "no certificate in PEM or DER"), (tmp_path / "none", "cannot be read")):
        assert problem in explain(of_tls(), "--token", "x", "--client-cert", str(odd), code=2).output


def test_a_certificate_from_a_proxy(explain: Apps) -> None:
    auth = of_tls(proxy="nginx", peers=["10.0.0.0/8"])
    headers = ["--header", "X-SSL-Client-Verify: SUCCESS", "--header", f"X-SSL-Client-Cert: {CX.escaped_pem}"]
    assert "Accepted: CN=Google LLC" in explain(auth, *headers, "--peer", "10.1.2.3", code=0).output
    for peer in (["--peer", "203.0.113.9"], []):
        result = explain(auth, *headers, *peer, code=1)
        assert "MutualTls: refuses, 401 peer_not_allowed" in lines_of(result)
        hides(result, CX.escaped_pem)


REFUSED: dict[str, tuple[Callable[[], Authenticator], Sequence[str]]] = {
    "basic": (lambda: BasicAuth("cx", SECRET), ["--header", f"Authorization: {basic(f'cx:{CANARY}')}"]),
    "a bare secret": (lambda: BasicAuth("cx", SECRET), ["--header", f"Authorization: {CANARY}"]),
    "a header": (lambda: HeaderSecret("X-Key", SECRET), ["--header", f"X-Key: {CANARY}"]),
    "another header": (lambda: HeaderSecret("X-Key", SECRET), ["--header", f"X-Keys: {CANARY}"]),
    "opaque": (lambda: app_g(Source()), ["--token", CANARY]),
    "access token": (lambda: app_g(Source()), ["--token", f"ya29.{CANARY}"]),
    "spaces": (lambda: app_g(Source()), ["--token", f"{CANARY} {CANARY}"]),
    "signature": (lambda: app_g(Source()), ["--token", token(signature=encode(CANARY.encode()))]),
    "other key": (lambda: app_g(Source()), ["--token", token(key=K2)]),
    "other key id": (lambda: app_g(Source()), ["--token", token(kid="k9")]),
    "algorithm": (lambda: app_g(Source()), ["--token", token(alg="HS256")]),
    "crit": (lambda: app_g(Source()), ["--token", token(crit=["x"])]),
    "expired": (lambda: app_g(Source()), ["--token", token(claims(exp=NOW - 60, iat=NOW - 90))]),
    "future": (lambda: app_g(Source()), ["--token", token(claims(nbf=NOW + 600))]),
    "somebody": (lambda: app_g(Source()), ["--token", token(claims(email="a@x.example"))]),
    "not removed": (app_r, ["--token", token()]),
    "unchecked": (app_r, ["--token", token(), "--header", f"X-Serverless-Authorization: Bearer {CANARY}"]),
    "scope": (lambda: oauth.app_o(Source(), scopes="x"), ["--token", oauth.token()]),
    "id token": (lambda: oauth.app_o(Source()), ["--token", oauth.token(typ="JWT")]),
    "bound": (lambda: oauth.app_o(Source()), ["--token", oauth.token(oauth.claims(cnf={"x5t#S256": CANARY}))]),
    "any": (lambda: AnyOf(BasicAuth("cx", SECRET), app_g(Source())), ["--token", f"a.{CANARY}.b"]),
    "all": (lambda: AllOf(HeaderSecret("X-Key", SECRET), app_g(Source())), ["--header", f"X-Key: {CANARY}"]),
    "environment": (lambda: ByEnvironment({"-": BasicAuth("cx", SECRET)}), ["--token", CANARY]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_refusal_shows_what_was_sent_or_is_expected(
    explain: Apps, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    make, arguments = REFUSED[case]
    result = explain(make(), *arguments, code=1)
    sent = [value.partition(": ")[2] or value for value in arguments[1::2]]
    hides(result, *sent, SECRET, CANARY)
    assert not any(value in caplog.text for value in (*sent, SECRET, CANARY))
    assert "What to change: " in result.output


# Wrong arguments.


@pytest.mark.parametrize(
    ("arguments", "stdin", "problem"),
    [
        (["--token", "-", "--header", "-"], "", "standard input can be read once"),
        (["--header", "-", "--header", "-"], "", "standard input can be read once"),
        (["--token", "-"], " \n", "there is no token"),
        (["--token", ""], "", "there is no token"),
        (["--header", "-"], "\n\n", "there is no header on standard input"),
        (["--header", CANARY], "", "'Name: value' is needed"),
        (["--header", f"X Y: {CANARY}"], "", "'Name: value' is needed"),
        (["--header", f"X_Y: {CANARY}"], "", "without underscores"),
        (["--header", f"X: a\n{CANARY}"], "", "control characters"),
        (["--token", f"a\x00{CANARY}"], "", "control characters"),
        (["--token", "a", "--header", f"Authorization: {CANARY}"], "", "give one of them"),
        (["--header", "Authorization:", "Bearer", CANARY], "", "put quotes around"),
        (["--tokn", CANARY], "", "No such option"),
        ([f"--tokn={CANARY}"], "", "No such option"),
        (["--token", "a", "--session", CANARY], "", "a session's name is projects/"),
        (["--peer", "10.0.0.1"], "", "go with --token, --header or --client-cert"),
        (["--session", SESSION], "", "go with --token, --header or --client-cert"),
        (["--offline"], "", "go with --token, --header or --client-cert"),
    ],
)
def test_arguments_that_are_wrong(explain: Apps, arguments: list[str], stdin: str, problem: str) -> None:
    result = explain(BasicAuth("cx", SECRET), *arguments, code=2, stdin=stdin)
    assert problem in result.output
    hides(result, CANARY, SECRET)


def test_a_header_that_comes_twice_is_joined_as_servers_do() -> None:
    assert read_fields(None, ["A: 1", "a:2", "B:"], io.BytesIO()) == {"a": "1,2", "b": ""}


# The application.

MODULE = """
import os
from cxfulfill import BasicAuth, Webhook
from cxfulfill.server.flask import create_app

webhook = Webhook(auth=BasicAuth("cx", "{secret}"))
other = Webhook(auth=BasicAuth("cx", "{secret}"))
app = create_app(webhook)
wsgi = webhook.wsgi
nothing = None
"""


def on(target: str, *arguments: str, code: int = 2) -> Result:
    result = CliRunner().invoke(cli, ["auth", "explain", "--app", target, *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_an_app_in_the_current_directory(folder: Path) -> None:
    (folder / "shop_a").mkdir()
    (folder / "shop_a" / "main.py").write_text(MODULE.format(secret=CANARY))
    hides(on("shop_a.main:webhook", code=0), CANARY)
    assert load_webhook("shop_a.main:webhook") is load_webhook("shop_a.main:webhook")
    assert sys.path.count(str(folder)) == 1


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("shop_b", "MODULE:NAME"),
        ("shop_b:", "MODULE:NAME"),
        (":webhook", "MODULE:NAME"),
        ("shop_b.py:webhook", "a module is named with dots and without .py"),
        ("./shop_b:webhook", "a module is named with dots"),
        ("..:webhook", "MODULE:NAME"),
        (".shop_b:webhook", "MODULE:NAME"),
        ("shop_b:webhook()", "MODULE:NAME"),
        ("shop_none:webhook", "there is no module shop_none in this directory or on the path"),
        ("shop_b.more:webhook", "there is no module shop_b.more"),
        ("shop_b:nobody", "shop_b has no nobody; name the Webhook itself: --app shop_b:webhook or --app shop_b:other"),
        ("shop_b:app", "is a Flask application, which does not tell what webhooks are in it; name the Webhook itself"),
        ("shop_b:wsgi", "is no Webhook but of type WsgiApp"),
        ("shop_b:nothing", "is no Webhook but of type NoneType"),
    ],
)
def test_an_app_that_is_none(folder: Path, target: str, problem: str) -> None:
    (folder / "shop_b.py").write_text(MODULE.format(secret=CANARY))
    result = on(target)
    assert problem in result.output
    assert "Invalid value for --app" in result.output
    hides(result, CANARY)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os\nos.environ['NO_SUCH_VARIABLE']", "KeyError: 'NO_SUCH_VARIABLE' (shop_c.py, line 2)"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module' (shop_c.py, line 1)"),
        ("def", "SyntaxError: invalid syntax (shop_c.py, line 1)"),
        ("raise SystemExit('set the region')", "SystemExit: set the region (shop_c.py, line 1)"),
        (f"raise ValueError('2 errors\\n{CANARY}')", "ValueError: 2 errors (shop_c.py, line 1)"),
        ("from cxfulfill import BasicAuth\nBasicAuth('cx', 'changeme')", "BasicAuth: password is a placeholder"),
        ("x = 1", "shop_c has no webhook; shop_c has no Webhook by a name of its own"),
    ],
)
def test_an_app_whose_import_fails(folder: Path, code: str, problem: str) -> None:
    (folder / "shop_c.py").write_text(code)
    result = on("shop_c:webhook")
    assert problem in result.output
    hides(result, CANARY)


def test_an_app_that_cannot_be_frozen(folder: Path) -> None:
    (folder / "shop_d.py").write_text(
        f"{MODULE.format(secret=CANARY)}\n@webhook.handler('x')\ndef x(ctx, wanted: 'Nobody'): ...\n"
    )
    assert "Invalid value for --app" in on("shop_d:webhook").output


def test_an_app_for_cloud_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K_SERVICE", raising=False)
    (folder / "shop_e.py").write_text(
        "from cxfulfill import CloudRunIam, Webhook\n"
        "it = {'audience': 'https://wh.example/cx', 'project_number': 1, 'i_confirm_the_service_is_not_public': True}\n"
        "webhook = Webhook(auth=CloudRunIam(**it))\n"
    )
    assert "or load it here with --on-cloud-run" in on("shop_e:webhook").output
    assert "--add-custom-audiences" in on("shop_e:webhook", "--on-cloud-run", code=0).output
    assert "K_SERVICE" not in os.environ
    monkeypatch.setenv("K_SERVICE", "hotel")
    on("shop_e:webhook", "--on-cloud-run", code=0)
    assert os.environ["K_SERVICE"] == "hotel"


REAL = """
from pathlib import Path
from cxfulfill import GoogleIdToken, KeyDocument, Webhook

class Keys:
    def fetch(self):
        return KeyDocument(Path("keys.json").read_bytes())

webhook = Webhook(auth=GoogleIdToken(audience="https://wh.example/cx", project_number=123, keys=Keys()), path="/cx")
"""


def test_as_a_command(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(REAL)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk(K1, "k1")]}))
    now = int(time.time())
    good, old = (token(claims(iat=now - age, exp=now - age + 3_600)) for age in (60, 7_200))

    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "cxfulfill.cli", "auth", "explain", "--app", *arguments]
        environment = {name: value for name, value in os.environ.items() if name not in ("K_SERVICE", "FORCE_COLOR")}
        environment["PYTHONPATH"] = str(ROOT)
        return subprocess.run(
            command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True, timeout=LIMIT,
            check=False,
        )  # fmt: skip

    settings = run("main:webhook")
    assert (settings.returncode, settings.stderr) == (0, "")
    assert "Webhook URL: https://wh.example/cx" in settings.stdout
    assert "\x1b" not in settings.stdout
    accepted = run("main:webhook", "--token", "-", stdin=good)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert "UTC (1 minute ago)" in accepted.stdout
    refused = run("main:webhook", "--token", "-", stdin=old)
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "GoogleIdToken: refuses, 401 token_expired" in refused.stdout
    wrong = run("nobody:webhook")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    for each in (accepted, refused):
        assert not any(part in each.stdout for part in (*good.split("."), *old.split(".")))


# The advice.


def _reasons(tree: ast.AST) -> Iterator[ast.expr]:
    """The reasons that errors are made with: a keyword, or the first argument of what makes refusals of tokens."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "reason")
            if node.func.id == "invalid_token":
                yield node.args[0]


def _fetched(trees: Iterable[ast.AST]) -> set[str]:
    """What is fetched: ``Fetched("keys", ...)`` makes the reason ``keys_unavailable``."""
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Fetched"]
    return {ast.literal_eval(call.args[0]) for call in named}


def test_there_is_advice_for_every_reason_code_and_for_no_other() -> None:
    files = sorted(Path(cxfulfill.auth.__file__).parent.glob("*.py"))
    trees = {file.name: ast.parse(file.read_text()) for file in files}
    codes, made = set(), {}
    for name, tree in trees.items():
        for value in _reasons(tree):
            if isinstance(value, ast.Constant):
                codes.add(value.value)
            else:
                made[name] = ast.unparse(value)
    # The three places that do not write a code down: one hands on its argument, one its parts' code, one makes it.
    assert made.keys() == {"combinations.py", "fetched.py", "tokens.py"}
    assert made["fetched.py"] == "f'{self._what}_unavailable'"
    codes |= {f"{what}_unavailable" for what in _fetched(trees.values())}
    defaults = {kind.default_reason for kind in (Unauthorized, Forbidden, Unavailable, HttpError)}
    assert len(codes) > 30
    assert set(ADVICE) == codes | defaults | {"auth_not_settled"}
    for advice in ADVICE.values():
        assert advice.meaning.endswith(".")
        assert advice.change.endswith(".")
    assert advice_for("no_such_reason") is OWN


OF_ALL = {"no_credentials", "caller_not_allowed"}
RAISED_IN = {
    GoogleIdToken: ("google.py", "tokens.py"),
    CloudRunIam: ("google.py", "tokens.py"),
    OAuthJwt: ("oauth_jwt.py", "oauth_claims.py", "tokens.py"),
    OAuthIntrospection: ("introspection.py", "oauth_claims.py", "tokens.py"),
    MutualTls: ("mtls.py", "proxies.py"),
    BasicAuth: ("secrets.py", "accepted.py"),
    HeaderSecret: ("secrets.py", "accepted.py"),
}


@pytest.mark.parametrize("kind", RAISED_IN, ids=lambda kind: str(kind.__name__))
def test_advice_names_no_keyword_that_the_mechanism_has_not(kind: type) -> None:
    folder = Path(cxfulfill.auth.__file__).parent
    trees = [ast.parse((folder / name).read_text()) for name in RAISED_IN[kind]]
    codes = {value.value for tree in trees for value in _reasons(tree) if isinstance(value, ast.Constant)}
    mine = OF_ALL | {str(code) for code in codes}
    assert CHANGES.get(kind.__name__, {}).keys() <= mine
    for code in mine:
        advice = advice_for(code, kind.__name__)
        named = set(re.findall(r"\b([a-z_]+)=", advice.meaning + advice.change))
        assert named <= inspect.signature(kind).parameters.keys(), code


def test_the_same_code_is_advised_on_by_mechanism(explain: Apps) -> None:
    stranger = token(claims(email="a@x.example"))
    assert "correct project_number=" in explain(app_g(Source()), "--token", stranger, code=1).output
    given = oauth.token(oauth.claims(client_id="c-9"))
    result = explain(oauth.app_o(Source(), client_ids=["c-1"]), "--token", given, code=1)
    assert "enter it in client_ids=" in result.output
    assert "project_number" not in result.output
    assert "choose third-party OAuth" in explain(oauth.app_o(Source()), "--token", "ya29.abcdef", code=1).output
    assert "choose service agent auth" in explain(app_g(Source()), "--token", "ya29.abcdef", code=1).output

    class Derived(GoogleIdToken):
        """One of the user's that is one of ours."""

    derived = Derived(audience=AUDIENCE, project_number=123, keys=Source(), now=lambda: NOW)
    assert "correct project_number=" in explain(derived, "--token", stranger, code=1).output


# On a terminal.


def test_on_a_terminal_texts_are_wrapped_and_commands_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=20, color_system="standard")
    show([heading("Title", *texts("one two three four five"), *commands("gcloud " + "x" * 30))], console)
    lines = file.getvalue().splitlines()
    assert lines[0].startswith("\x1b[1m")
    assert [line.strip() for line in lines[1:3]] == ["one two three four", "five"]
    assert all(line.startswith("  ") for line in lines[1:3])
    assert "x" * 30 in lines[3]
    assert len(lines) == 4
