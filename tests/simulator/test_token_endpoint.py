"""Third-party OAuth from end to end: a token of the local identity provider opens an application, over real sockets."""

import base64
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from cxfulfill import OAuthIntrospection, OAuthJwt
from cxfulfill.simulator.credentials import AllCredentials, HeaderCredential, OAuthCredential
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.sending import NoAnswer
from cxfulfill.simulator.token_endpoint import MAX_FORM, Asked, TokenEndpoint
from cxfulfill.simulator.wrong import wrong_credential
from tests.clock import Clock
from tests.pipeline.support import LIMIT, Counted
from tests.simulator.support import request_with

SECRET = "Zg7 &=käse+41xB%9f2c"
OWN_SECRET = "own-5d0e-41xB-9f2c&7"
FORM = "application/x-www-form-urlencoded"
SIGNER = LocalIssuer()


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    made = TokenEndpoint(SIGNER, "api", clients={"cx agent": SECRET, "webhook": OWN_SECRET}, scopes=["call", "other"])
    with made:
        yield made


def cx(provider: TokenEndpoint, secret: str = SECRET, **options: Any) -> OAuthCredential:
    return OAuthCredential(f"{provider.token_url}?tenant=a%20b&x=1", "cx agent", secret, **options)


def test_the_token_opens_what_checks_it_by_the_published_keys(provider: TokenEndpoint) -> None:
    auth = OAuthJwt(issuer=provider.url, audience="api", keys=provider.keys_url, scopes="call", client_ids="cx agent")
    webhook = Counted(auth)
    credential = cx(provider, scopes=["call"])
    assert webhook.handle(request_with(credential)).status == 200
    assert webhook.handle(request_with(wrong_credential(credential))).status == 401
    assert webhook.handle(request_with(cx(provider, scopes=["other"]))).status == 403


def test_the_token_opens_what_asks_about_it(provider: TokenEndpoint) -> None:
    auth = OAuthIntrospection(
        endpoint=provider.introspection_url, client_id="webhook", client_secret=OWN_SECRET, issuer=provider.url,
        audience="api", scopes="call",
    )  # fmt: skip
    webhook = Counted(auth)
    credential = cx(provider)
    assert webhook.handle(request_with(credential)).status == 200
    assert webhook.handle(request_with(wrong_credential(credential))).status == 401
    assert [asked.path for asked in provider.asked] == ["/token", "/introspect"]  # the wrong one is another issuer's


def test_the_query_is_kept_and_the_webhooks_own_headers_do_not_go_there(provider: TokenEndpoint) -> None:
    both = AllCredentials(HeaderCredential({"X-Own": "1"}), cx(provider, scopes=iter(["call", "other"])))
    assert both.headers("https://wh.example/cx", {}).keys() == {"X-Own", "Authorization"}
    [asked] = provider.asked
    form = {"grant_type": "client_credentials", "client_id": "cx agent", "scope": "call other"}
    assert (asked.path, asked.query, asked.form) == ("/token", "tenant=a%20b&x=1", form)
    assert "x-own" not in asked.headers
    assert "authorization" not in asked.headers
    assert "content-type" in asked.headers
    assert SECRET not in repr(provider) + repr(asked)


def test_scopes_that_are_not_named_are_not_asked_for(provider: TokenEndpoint) -> None:
    cx(provider).headers("", {})
    assert "scope" not in provider.asked[0].form


def test_a_token_is_used_until_shortly_before_its_end(provider: TokenEndpoint) -> None:
    clock = Clock()
    credential = cx(provider, clock=clock)
    first = credential.headers("", {})
    clock.seconds += 3_239
    assert credential.headers("https://other.example", {"x": 1}) == first
    clock.seconds += 1
    assert credential.headers("", {}) != first
    assert len(provider.asked) == 2


def test_a_wrong_secret_gives_no_token(provider: TokenEndpoint) -> None:
    with pytest.raises(NoAnswer, match="the token endpoint gave no token: status 401") as raised:
        cx(provider, OWN_SECRET).headers("", {})
    assert raised.value.failure == "unreachable"
    assert OWN_SECRET not in str(raised.value)


def test_no_endpoint_gives_no_token(provider: TokenEndpoint) -> None:
    credential = cx(provider)
    provider.__exit__(None, None, None)
    with pytest.raises(NoAnswer, match="connection refused"):
        credential.headers("", {})
    provider.__enter__()


class Odd(TokenEndpoint):
    """An endpoint that answers what a test wants."""

    document: Any = None

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        super().answer(path, headers, body)
        return 200, self.document


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"access_token": 5, "token_type": "Bearer"},
        {"access_token": "t"},
        {"access_token": "t", "token_type": "mac"},
    ],
)
def test_an_answer_without_a_bearer_token(document: Any) -> None:
    with Odd(SIGNER, "api") as provider:
        provider.document = document
        with pytest.raises(NoAnswer, match="no bearer token in it"):
            OAuthCredential(provider.token_url, "cx-agent", "x").headers("", {})


def test_an_answer_that_is_no_json() -> None:
    with Odd(SIGNER, "api") as provider:
        provider.document = float("nan")
        with pytest.raises(NoAnswer, match="no JSON"):
            OAuthCredential(provider.token_url, "cx-agent", "x").headers("", {})


@pytest.mark.parametrize("expires", [{}, {"expires_in": "soon"}, {"expires_in": 0}])
def test_a_token_of_unknown_age_is_not_kept(expires: dict[str, Any]) -> None:
    with Odd(SIGNER, "api") as provider:
        provider.document = {"access_token": "t", "token_type": "bearer", **expires}
        credential = OAuthCredential(provider.token_url, "cx-agent", "x")
        for _ in range(2):
            assert credential.headers("", {}) == {"Authorization": "Bearer t"}
        assert len(provider.asked) == 2


# --- The endpoints' own answers --------------------------------------------------------------------------------------


def ask(url: str, form: Mapping[str, str] | bytes = b"", **headers: str) -> tuple[int, Any]:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    fields = {"Content-Type": FORM, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request("POST", url, body=body, headers=fields, timeout=LIMIT)
    assert response.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response.headers) == (response.status == 401)
    return response.status, response.json()


PROOF = {"client_id": "cx agent", "client_secret": SECRET}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({**PROOF}, (400, {"error": "invalid_request"})),
        ({**PROOF, "grant_type": "password"}, (400, {"error": "unsupported_grant_type"})),
        ({**PROOF, "grant_type": "client_credentials", "scope": "call all"}, (400, {"error": "invalid_scope"})),
        ({"grant_type": "client_credentials"}, (401, {"error": "invalid_client"})),
        ({"client_id": "cx agent", "client_secret": "", "grant_type": "x"}, (401, {"error": "invalid_client"})),
        (b"\xff=%ff&&", (401, {"error": "invalid_client"})),
    ],
)
def test_errors_of_rfc_6749(provider: TokenEndpoint, form: Any, expected: Any) -> None:
    assert ask(provider.token_url, form) == expected


def test_a_client_may_prove_itself_by_basic(provider: TokenEndpoint) -> None:
    pair = base64.b64encode(b"cx+agent:" + urlencode({"": SECRET}).encode()[1:]).decode()
    status, answer = ask(provider.token_url, {"grant_type": "client_credentials"}, Authorization=f"Basic {pair}")
    assert status == 200
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 3_600, "call other")
    for wrong in ("Basic ü=", "Basic /w==", "Basic", f"Basic {base64.b64encode(b'webhook:x').decode()}"):
        value = wrong.encode().decode("latin-1")
        assert ask(provider.token_url, {**PROOF, "grant_type": "client_credentials"}, Authorization=value)[0] == 401


def test_other_requests_are_refused(provider: TokenEndpoint) -> None:
    assert ask(provider.token_url, PROOF, Content_Type="application/json") == (400, {"error": "invalid_request"})
    assert ask(f"{provider.url}/other", PROOF) == (404, {"error": "not_found"})
    assert ask(provider.introspection_url, {**PROOF, "token": "opaque"}) == (200, {"active": False})
    assert ask(provider.introspection_url, PROOF) == (200, {"active": False})
    assert ask(provider.introspection_url, {"token": "opaque"}) == (401, {"error": "invalid_client"})
    with urllib3.PoolManager(retries=False) as pool:
        assert pool.request("GET", provider.keys_url).json() == SIGNER.jwks()
        assert pool.request("GET", provider.token_url).status == 404


def test_what_is_asked_is_kept_without_secrets_and_within_bounds(
    provider: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(provider.introspection_url, {**PROOF, "token": "opaque", "token_type_hint": "access_token"})
    form = {"client_id": "cx agent", "token_type_hint": "access_token"}
    assert provider.asked == [Asked("/introspect", "", form, provider.asked[0].headers)]
    monkeypatch.setattr("cxfulfill.simulator.token_endpoint._MAX_ASKED", 1)
    ask(provider.token_url, PROOF)
    assert len(provider.asked) == 1


@pytest.mark.parametrize("length", ["", "Content-Length: x\r\n", f"Content-Length: {MAX_FORM + 1}\r\n"])
def test_no_body_is_read_that_is_too_large_or_of_unknown_length(provider: TokenEndpoint, length: str) -> None:
    port = int(provider.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
        connection.sendall(f"POST /token HTTP/1.1\r\nHost: x\r\n{length}\r\n".encode())
        answer = connection.makefile("rb").read().decode()
    assert " 413 " in answer.splitlines()[0]
    assert json.loads(answer.partition("\r\n\r\n")[2]) == {"error": "invalid_request"}
    assert provider.asked == []


def test_a_client_of_its_own_is_there_by_default() -> None:
    with TokenEndpoint(SIGNER, "api") as provider:
        [(client, secret)] = provider.clients.items()
        credential = OAuthCredential(provider.token_url, client, secret)
        assert credential.headers("", {})["Authorization"].startswith("Bearer ey")
    assert provider.url == ""
