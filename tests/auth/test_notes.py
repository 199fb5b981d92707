"""The note of a refusal: what the log line tells whoever has to find out, and what no caller is told."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import pytest

from cxfulfill import (
    AnyOf,
    Authenticator,
    BasicAuth,
    Forbidden,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    MutualTls,
    Unauthorized,
)
from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.tokens import MAX_TOKEN_LENGTH
from cxfulfill.http import Headers
from cxfulfill.protocol.names import SessionName
from tests.auth import oauth_support as oauth
from tests.auth.oauth_support import API, CLIENT, ISSUER, Endpoint, active, app_i, app_o, serving
from tests.auth.test_agents import AGENT as CX_AGENT
from tests.auth.test_agents import body
from tests.auth.test_cloud_run import app_r, removed
from tests.auth.tokens_support import AGENT, AUDIENCE, K2, NOW, Source, app_g, bearing, claims, encode, settled, token
from tests.pipeline.support import CANARY, Counted, Result, basic, post

PASSWORD = "a-long-random-password"
COMMA = "there is a comma in the Authorization header: one that comes twice is joined so"
KEY = "Bearer 9f2c-1d77-4c60-b1aa"


def refusal(auth: Authenticator, headers: Mapping[str, str]) -> tuple[str, str]:
    """Reason and note."""
    with pytest.raises((Unauthorized, Forbidden)) as raised:
        settled(auth, HttpRequest("POST", "/webhook", Headers(headers)))
    return raised.value.reason, raised.value.note or ""


def of_token(auth: Authenticator, value: str) -> tuple[str, str]:
    return refusal(auth, {"Authorization": f"Bearer {value}"})


def google(**options: Any) -> GoogleIdToken:
    return app_g(Source(), **options)


# No credentials: which header is missing, or which scheme came, and never what came with it.

ABSENT: list[tuple[str | None, str]] = [
    (None, "there is no Authorization header"), ("", "the Authorization header is empty"),
    (CANARY, "the Authorization header does not begin with {}"),
    (f"Secret-{CANARY} x", "the Authorization header does not begin with {}"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "note"), ABSENT)
def test_what_is_there_in_place_of_a_credential(header: str | None, note: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    for auth, scheme in ((BasicAuth("cx", PASSWORD), "Basic"), (google(), "Bearer"), (app_o(Source()), "Bearer")):
        reason, found = refusal(auth, headers)
        assert (reason, found) == ("no_credentials", note.format(scheme))


def test_a_known_scheme_is_named() -> None:
    sent = {"Authorization": f"bEARER {CANARY}"}
    note = "the Authorization header has the scheme Bearer, and Basic is read here"
    assert refusal(BasicAuth("cx", PASSWORD), sent) == ("no_credentials", note)
    for scheme in ("Basic", "Digest", "DPoP", "Negotiate"):
        _, found = refusal(google(), {"Authorization": f"{scheme.lower()} {CANARY}"})
        assert found == f"the Authorization header has the scheme {scheme}, and Bearer is read here"
    assert refusal(google(), {"Authorization": "Bearer "})[1] == "nothing follows Bearer in the Authorization header"


def test_a_header_of_ones_own_is_named() -> None:
    assert refusal(HeaderSecret("X-Key", KEY), {"X-Keys": CANARY}) == ("no_credentials", "there is no header X-Key")


# Bad credentials.


@pytest.mark.parametrize(
    ("sent", "note"),
    [
        (basic(f"someone:{PASSWORD}"), "the user name is another one than cx"),
        (basic("cx:another"), "the user name is right, the password is none of those that are accepted"),
        (basic("someone:another"), "the user name is another one than cx"),
        (basic(f"cx:{PASSWORD}\n"), "what was sent ends in white space: store the secret that CX reads without it"),
        (basic(f"cx:{PASSWORD} "), "what was sent ends in white space: store the secret that CX reads without it"),
        (basic(PASSWORD), "what was sent has no colon between user name and password"),
        ("Basic", "what follows Basic is not base64"), ("Basic %%%", "what follows Basic is not base64"),
        (f"{basic('cx:a')},{basic('cx:b')}", COMMA),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_basic_credential(sent: str, note: str) -> None:
    assert refusal(BasicAuth("cx", PASSWORD), {"Authorization": sent}) == ("bad_credentials", note)


def test_a_caller_cannot_tell_a_user_name_from_a_password(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(BasicAuth("cx", PASSWORD), new_id=lambda: "6f1c")
    results: list[Result] = [
        post(webhook, headers={"Authorization": basic(text)})
        for text in ("cx:another", f"someone:{PASSWORD}", f"cx:{PASSWORD}\n", "cx")
    ]
    assert len({(result.status, str(result.headers), result.body) for result in results}) == 1
    assert len({message.partition("note=")[2] for message in caplog.messages}) == 4


def test_credentials_from_one_secret_tell_no_more() -> None:
    auth = BasicAuth.from_credentials([f"cx:{PASSWORD}", f"cy:{PASSWORD}"])
    for text in ("cx:another", f"someone:{PASSWORD}"):
        assert refusal(auth, {"Authorization": basic(text)})[1] == "it is no user:password that is accepted"


@pytest.mark.parametrize(
    ("sent", "note"),
    [
        (f"{KEY}\n", "the header X-Key ends in white space"),
        (f"{KEY} ", "the header X-Key ends in white space"),
        (f"{KEY},{KEY}", "there is a comma in the header X-Key: one that comes twice is joined so"),
        (KEY[7:], "the whole value counts"),
        ("", "the header X-Key is empty"),
    ],
)
def test_what_is_wrong_with_a_header(sent: str, note: str) -> None:
    reason, found = refusal(HeaderSecret("X-Key", KEY), {"X-Key": sent})
    assert reason == "bad_credentials"
    assert note in found
    assert KEY[7:] not in found


# Tokens.


def test_when_a_token_ended() -> None:
    expired = claims(exp=NOW - 300, iat=NOW - 900)
    note = "the token ended 300 seconds ago by this machine's clock"
    assert of_token(google(), token(expired)) == ("token_expired", note)
    assert of_token(app_o(Source()), oauth.token(oauth.claims(exp=NOW - 300, iat=NOW - 900))) == ("token_expired", note)


@pytest.mark.parametrize("key", [K2])
def test_a_signature_that_does_not_fit(key: Any) -> None:
    for auth, value in ((google(), token(key=key)), (app_o(Source()), oauth.token(key=key))):
        reason, note = of_token(auth, value)
        assert reason == "bad_signature"
        assert "the signature does not fit" in note


@pytest.mark.parametrize(
    ("algorithm", "shown"),
    [("HS256", "HS256"), ("none", "none"), ("RS256\x00", ""), ("é", ""), ("x" * 17, ""), ("RS 256", "")],
)
def test_the_algorithm_is_named_where_that_is_safe(algorithm: str, shown: str) -> None:
    for auth, value, ours in (
        (google(), token(alg=algorithm), "Google's tokens have RS256"),
        (app_o(Source()), oauth.token(alg=algorithm), "algorithms= has ES256, RS256"),
    ):
        reason, note = of_token(auth, value)
        assert reason == "algorithm_not_allowed"
        assert note == f"the token is signed with {shown or 'another algorithm'}; {ours}"


def test_what_else_is_wrong_with_a_token_s_header() -> None:
    for auth, value in ((google(), token(kid=...)), (app_o(Source()), oauth.token(kid=...))):
        reason, note = of_token(auth, value)
        assert reason == "key_id_missing"
        assert "has no kid" in note
    reason, note = of_token(google(), token(typ="at+jwt"))
    assert reason == "token_type_not_allowed"
    assert "OAuthJwt" in note


GOOD = token()


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("a", "it is not three base64url parts of JSON"),
        (f"{GOOD}.x", "it is not three base64url parts of JSON"),
        (f"{encode(b'[]')}.e30.AAAA", "it is not three base64url parts of JSON"),
        (f"e30.{encode(b'1')}.AAAA", "of JSON"),
        (token(crit=["exp"]), "its header has crit, or no alg"),
        (token(typ=5), "its header has crit, or no alg"),
        (f"{GOOD},Bearer {GOOD}", COMMA),
        (f"{GOOD} x", "characters that no token has"),
        ("A" * (MAX_TOKEN_LENGTH + 1), f"longer than {MAX_TOKEN_LENGTH}"),
    ],
)
def test_what_is_malformed(value: str, note: str) -> None:
    for auth in (google(), app_o(Source())):
        reason, found = of_token(auth, value)
        assert reason == "malformed_token"
        assert note in found


@pytest.mark.parametrize(
    ("issuer", "shown"),
    [
        ("https://idp.example/other", "https://idp.example/other"), ("https://securetoken.google.com/p", "/p"),
        (CANARY, ""), (f"https://{CANARY}.example/\x1b[2J", ""), (f"https://é{CANARY}.example", ""), (5, ""),
        (f"https://x.example/{CANARY}{'x' * 200}", ""), (..., ""), ([f"https://{CANARY}.example"], ""),
        (f"https://u:{CANARY}@x.example/", ""), (f"https://x.example/?a={CANARY}", ""),
    ],
)  # fmt: skip
def test_another_issuer_is_quoted_where_that_is_safe(issuer: Any, shown: str) -> None:
    for auth, value in (
        (google(), token(claims(iss=issuer))),
        (app_o(Source()), oauth.token(oauth.claims(iss=issuer))),
    ):
        reason, note = of_token(auth, value)
        assert reason == "issuer_not_allowed"
        assert shown in note
        assert CANARY not in note
        assert (", but from " in note) == bool(shown)
    assert f"issuer= ({ISSUER})" in of_token(app_o(Source()), oauth.token(oauth.claims(iss=issuer)))[1]


def test_an_unknown_key_names_the_source() -> None:
    for auth, value in ((google(), token(kid="k9")), (app_o(Source()), oauth.token(kid="k9"))):
        reason, note = of_token(auth, value)
        assert reason == "unknown_key"
        assert "there is no key of this id at Source" in note
        assert "Google" not in note


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (f"{AUDIENCE}/", f"the token is for {AUDIENCE}/; audience= has {AUDIENCE}:"), (..., "the token has no aud"),
        (None, "the token has no aud"), (5, "the token is for 5;"), ("", "the token is for '';"),
    ],
)  # fmt: skip
def test_both_audiences_are_shown(sent: Any, shown: str) -> None:
    reason, note = of_token(google(), token(claims(aud=sent)))
    assert reason == "audience_not_allowed"
    assert shown in note
    assert AUDIENCE in note
    assert "None" not in note


@pytest.mark.parametrize(("sent", "shown"), [([], "nobody"), (["a", "b", "c", "d"], "a, b, c and 1 more")])
def test_several_audiences_are_shown(sent: Any, shown: str) -> None:
    auth = app_o(Source(), audience=[f"https://api{number}.example" for number in range(5)])
    _, note = of_token(auth, oauth.token(oauth.claims(aud=sent)))
    assert f"the token is for {shown}; audience= has https://api0.example, https://api1.example" in note
    assert "https://api2.example and 2 more" in note


def test_a_long_audience_shows_both_its_ends() -> None:
    long = f"https://wh.example/{'a' * 400}/webhook"
    _, note = of_token(google(audience=long), token(claims(aud=f"{long}/")))
    assert len(note) <= 512
    assert note.count("https://wh.example/aaa") == 2
    assert "aaa/webhook/;" in note
    assert "aaa/webhook:" in note


def test_no_audience_is_shown_of_a_token_that_is_not_verified() -> None:
    _, note = of_token(google(), token(claims(aud=CANARY), key=K2))
    assert CANARY not in note


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"exp": NOW + 90_000}, "the token is valid for 90060 seconds, and 86400 are allowed; max_lifetime= sets that"),
        ({"exp": NOW - 60}, "exp does not lie behind iat"), ({"exp": ...}, "the claim exp is missing"),
    ],
)  # fmt: skip
def test_times_that_are_too_far_apart(changes: Any, shown: str) -> None:
    reason, note = of_token(app_o(Source()), oauth.token(oauth.claims(**changes)))
    assert reason == "bad_time_claim"
    assert shown in note


def test_google_s_tokens_have_no_other_lifetime() -> None:
    reason, note = of_token(google(), token(claims(exp=NOW + 90_000)))
    assert (reason, note) == ("bad_time_claim", "the token is valid for 90060 seconds, and 7200 are allowed")


def test_google_s_caller_and_who_may_call() -> None:
    other = "robot@other.iam.gserviceaccount.com"
    for auth, value in ((google(), token(claims(email=other))), (app_r(), removed(email=other))):
        reason, note = of_token(auth, value)
        assert reason == "caller_not_allowed"
        assert f"the token is {other}'s, and may be {AGENT}'s" in note
        assert "project_number=" in note


# Google's access tokens.


def test_the_setting_of_cx_is_that_of_the_mechanism(endpoint: Endpoint) -> None:
    for auth in (google(), app_r()):
        assert "serviceAgentAuth: ID_TOKEN" in of_token(auth, f"ya29.{CANARY}")[1]
    for other in (app_o(Source()), app_i(endpoint)):
        reason, note = of_token(other, f"ya29.{CANARY}")
        assert reason == "google_access_token"
        assert "choose third-party OAuth (client credentials)" in note
        assert "ID" not in note.replace("OAuth", "")


# OAuth.


@pytest.fixture
def endpoint() -> Any:
    with serving() as made:
        yield made


def test_which_claims_are_missing() -> None:
    def note(**changes: Any) -> str:
        reason, found = of_token(app_o(Source()), oauth.token(oauth.claims(**changes)))
        assert reason == "claim_missing"
        return found

    assert note(sub=...) == "the token lacks sub"
    assert note(jti=...) == "the token lacks jti; where its issuer sends none, set require_jti=False"
    assert note(sub="", jti=5).startswith("the token lacks sub and jti;")


def test_the_claim_that_names_the_client(endpoint: Endpoint) -> None:
    reason, note = of_token(app_o(Source()), oauth.token(oauth.claims(client_id=..., azp=CLIENT, appid=CLIENT)))
    assert (reason, note) == (
        "client_missing", "the token has no client_id, which names its client; it has azp, appid: set client_claim="
    )  # fmt: skip
    _, note = of_token(app_o(Source(), client_claim="cid"), oauth.token(oauth.claims(client_id=...)))
    assert note == "the token has no cid, which names its client; client_claim= names another claim"
    endpoint.answers[CANARY] = active(client_id=...)
    reason, note = of_token(app_i(endpoint), CANARY)
    assert (reason, note) == ("client_missing", "the endpoint's answer has no client_id, which names the client")


def test_a_scope_under_another_name(endpoint: Endpoint) -> None:
    auth = app_o(Source(), scopes="a b")
    for name in ("scp", "roles"):
        reason, note = of_token(auth, oauth.token(oauth.claims(scope=..., **{name: ["a", "b"]})))
        assert reason == "insufficient_scope"
        assert note == f"the token has no scope, and lacks a b; if its scopes stand in {name}, set scope_claim='{name}'"
    _, note = of_token(auth, oauth.token(oauth.claims(scope="b", scp=["a"])))
    assert note == "the token lacks a; enter it as a scope of the CX webhook's OAuth settings"
    endpoint.answers[CANARY] = active(scope=..., scp="a")
    assert "scope_claim=" not in of_token(app_i(endpoint, scopes="a"), CANARY)[1]


def test_the_client_of_a_verified_token_is_named(endpoint: Endpoint) -> None:
    other = "someone-else" + "x" * 300
    endpoint.answers[CANARY] = active(client_id=other)
    for auth, value in (
        (app_o(Source(), client_ids=CLIENT), oauth.token(oauth.claims(client_id=other))),
        (app_i(endpoint, client_ids=CLIENT), CANARY),
    ):
        reason, note = of_token(auth, value)
        assert reason == "caller_not_allowed"
        assert "the token was issued to someone-elsexxx" in note
        assert f"client_ids= has {CLIENT}" in note
        assert "x" * 150 not in note


def test_times_of_an_answer(endpoint: Endpoint) -> None:
    endpoint.answers["ended"] = active(exp=NOW - 5)
    endpoint.answers["early"] = active(nbf=NOW + 600)
    note = "the token ended 5 seconds ago by this machine's clock"
    assert of_token(app_i(endpoint), "ended") == ("token_expired", note)
    assert of_token(app_i(endpoint), "early") == (
        "token_not_yet_valid", "the token begins in the future: do both clocks tell the same time?"
    )  # fmt: skip


# Agents.


def agent_note(session: SessionName | None, name: str | None = None) -> str:
    with pytest.raises(Forbidden) as raised:
        AllowedAgents([CX_AGENT]).check(session, name)
    assert raised.value.reason == "agent_not_allowed"
    assert f"allowed_agents= has {CX_AGENT}" in str(raised.value.note)
    return str(raised.value.note)


def test_a_session_of_another_agent_or_of_none() -> None:
    other = f"{CX_AGENT}2"
    assert f"the session is of {other};" in agent_note(SessionName.parse(f"{other}/sessions/s"), f"{other}/sessions/s")
    assert "the request names no session;" in agent_note(None, "")
    malformed = agent_note(None, CANARY)
    assert "the session's name is not of the form projects/P/locations/L/agents/A/sessions/S" in malformed
    assert CANARY not in malformed
    assert "the request names no session, or none of the form projects/" in agent_note(None)


def test_the_agents_are_in_the_log_line(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(HeaderSecret("X-Key", KEY), allowed_agents=[CX_AGENT])
    result = post(webhook, body("s"), headers={"X-Key": KEY})
    assert (result.status, result.reason) == (403, "agent_not_allowed")
    assert f"allowed_agents= has {CX_AGENT}" in caplog.text


# Certificates.


@pytest.mark.parametrize(
    ("proxy", "headers", "note"),
    [
        ("gcp-lb", {"X-Client-Cert-Present": "false"}, "the load balancer says that the client showed none"),
        ("nginx", {"X-SSL-Client-Verify": "NONE"}, "nginx says that the client showed none"),
        ("nginx", {}, "there is no header x-ssl-client-verify"), ("rfc9440", {}, "there is no header client-cert"),
    ],
)  # fmt: skip
def test_no_certificate(proxy: str, headers: dict[str, str], note: str) -> None:
    auth = MutualTls(["CN=a"], proxy=proxy, peers=["10.0.0.0/8"])
    with pytest.raises(Unauthorized) as raised:
        auth.authenticate(HttpRequest("POST", "/webhook", Headers(headers), peer="10.0.0.5"))
    assert raised.value.reason == "no_certificate"
    assert note in str(raised.value.note)


@pytest.mark.parametrize(
    ("proxy", "headers"),
    [
        ("rfc9440", {"Client-Cert": "x"}), ("rfc9440", {"Client-Cert": "x" * 20_000}),
        ("rfc9440", {"Client-Cert": ":AA:"}), ("rfc9440", {"Client-Cert": ":AAAA:"}),
        ("nginx", {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Cert": "%%%"}),
    ],
)  # fmt: skip
def test_a_malformed_certificate_has_a_note_too(proxy: str, headers: dict[str, str]) -> None:
    auth = MutualTls(["CN=a"], proxy=proxy, peers=["10.0.0.0/8"])
    with pytest.raises(Unauthorized) as raised:
        auth.authenticate(HttpRequest("POST", "/webhook", Headers(headers), peer="10.0.0.5"))
    assert raised.value.reason == "malformed_certificate"
    assert raised.value.note


# Nothing of this is sent, or done where a caller is let in.


def test_no_note_is_made_for_a_caller_that_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxfulfill.auth import notes

    def made(*_: object, **__: object) -> str:
        raise AssertionError("a note was made")

    for name in vars(notes).copy():
        if callable(vars(notes)[name]) and getattr(vars(notes)[name], "__module__", "") == notes.__name__:
            monkeypatch.setattr(notes, name, made)
    assert settled(google(), bearing(f"Bearer {token()}"))
    assert settled(app_o(Source(), scopes="other", client_ids=CLIENT), bearing(f"Bearer {oauth.token()}"))
    assert BasicAuth("cx", PASSWORD).authenticate(bearing(basic(f"cx:{PASSWORD}")))
    assert HeaderSecret("Authorization", KEY).authenticate(bearing(KEY))


def test_every_note_is_in_the_log_and_none_in_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    auths: list[Authenticator] = [google(), app_o(Source()), BasicAuth("cx", PASSWORD), HeaderSecret("X-Key", KEY)]
    auths.append(AnyOf(*auths))
    tokens = [token(typ=5), token(key=K2), token(alg="ES256"), oauth.token(key=K2), "x"]
    for header in (None, "", CANARY, "Basic x", basic("a:b"), KEY, *(f"Bearer {each}" for each in tokens)):
        for auth in auths:
            caplog.clear()
            with caplog.at_level(logging.INFO):
                result = post(Counted(auth), headers={"Authorization": header})
            assert result.status == 401
            [found] = re.findall(r'note=(".*")', caplog.messages[-1])
            assert json.loads(found) not in result.body.decode() + str(result.headers)
            assert CANARY not in caplog.text


def test_the_api_of_an_answer_without_audience(endpoint: Endpoint) -> None:
    endpoint.answers[CANARY] = active(aud=None)
    _, note = of_token(app_i(endpoint), CANARY)
    assert note == f"the token has no aud, which tells whom it is for; have its issuer put {API} there"
