"""Google's ID tokens: the attack cases A001-A034, end to end and one by one."""

import json
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import ConfigurationError, Forbidden, GoogleIdToken, Unauthorized, dialogflow_service_agent
from cxfulfill.auth.google import GOOGLE_ISSUERS, GOOGLE_KEYS, MAX_LIFETIME
from tests.auth.tokens_support import (
    AGENT,
    AUDIENCE,
    K1,
    K2,
    NOW,
    Source,
    app_g,
    bearing,
    claims,
    encode,
    jwk,
    rs256,
    settled,
    token,
)
from tests.pipeline.support import CANARY, Counted, Result, Unreadable, basic, post, refused

NO_TOKEN = 'Bearer realm="webhook"'
INVALID = 'Bearer realm="webhook", error="invalid_token"'


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def webhook(source: Source) -> Counted:
    return Counted(app_g(source))


def turned_away(
    webhook: Counted, caplog: pytest.LogCaptureFixture, authorization: str | None, status: int = 401, **request: Any
) -> Result:
    """A refusal, decided before the body is read, that shows nothing of the credential."""
    headers = {"Authorization": authorization}
    result = refused(webhook, caplog, status, headers=headers, stream=Unreadable(), **request)
    shown = caplog.text + result.body.decode() + str(result.headers)
    for part in (authorization or "").replace(",", " ").split():
        for segment in [part, *part.split(".")]:
            assert len(segment) < 8 or segment.startswith("SIGNATURE_REMOVED") or segment not in shown
    return result


def invalid(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> str:
    result = turned_away(webhook, caplog, f"Bearer {value}")
    assert result.headers["WWW-Authenticate"] == INVALID
    return result.reason


def not_allowed(webhook: Counted, caplog: pytest.LogCaptureFixture, **changes: Any) -> None:
    assert turned_away(webhook, caplog, f"Bearer {token(claims(**changes))}", 403).reason == "caller_not_allowed"


def accepted(webhook: Counted, value: str, scheme: str = "Bearer") -> None:
    assert post(webhook, headers={"Authorization": f"{scheme} {value}"}).status == 200
    assert webhook.runs == ["count"]


def test_a_token_of_cx_is_accepted(webhook: Counted) -> None:
    accepted(webhook, token())


def test_a001_no_authorization(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert turned_away(webhook, caplog, None).headers["WWW-Authenticate"] == NO_TOKEN


def test_a002_expired(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(claims(iat=NOW - 3_900, exp=NOW - 300))) == "token_expired"


def test_a003_expired_within_the_skew(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    accepted(webhook, token(claims(iat=NOW - 3_610, exp=NOW - 10)))
    webhook.runs.clear()
    assert invalid(webhook, caplog, token(claims(iat=NOW - 3_630, exp=NOW - 30))) == "token_expired"


def test_a004_issued_in_the_future(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    future = claims(iat=NOW + 300, exp=NOW + 3_900)
    assert invalid(webhook, caplog, token(future)) == "token_not_yet_valid"
    accepted(webhook, token(claims(iat=NOW + 30, exp=NOW + 3_630)))


def test_a005_not_before_the_future(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(claims(nbf=NOW + 600))) == "token_not_yet_valid"


@pytest.mark.parametrize(
    "audience",
    ["https://other.example/cx", ["https://other.example/cx"], [AUDIENCE], None, 5, ..., "", AUDIENCE.upper()],
)
def test_a006_another_audience(webhook: Counted, caplog: pytest.LogCaptureFixture, audience: Any) -> None:
    assert invalid(webhook, caplog, token(claims(aud=audience))) == "audience_not_allowed"
    if isinstance(audience, str):
        assert audience in caplog.text


def test_a007_the_origin_without_the_path(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(claims(aud="https://wh.example"))) == "audience_not_allowed"


def test_a008_an_extra_slash(source: Source, webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    slash = token(claims(aud=f"{AUDIENCE}/"))
    assert invalid(webhook, caplog, slash) == "audience_not_allowed"
    accepted(Counted(app_g(source, audience=[AUDIENCE, f"{AUDIENCE}/"])), slash)


@pytest.mark.parametrize("issuer", ["https://accounts.google.com.evil", "https://accounts.google.com/", "", None, 1])
def test_a009_another_issuer(source: Source, caplog: pytest.LogCaptureFixture, issuer: Any) -> None:
    assert invalid(Counted(app_g(source)), caplog, token(claims(iss=issuer))) == "issuer_not_allowed"
    assert source.fetches == 0


def test_a010_google_s_other_form_of_its_name(webhook: Counted) -> None:
    accepted(webhook, token(claims(iss="accounts.google.com")))


def test_a011_another_service_account(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    not_allowed(webhook, caplog, email="robot@other.iam.gserviceaccount.com")
    assert "robot@other.iam.gserviceaccount.com" in caplog.text


def test_a012_the_service_agent_of_another_project(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    not_allowed(webhook, caplog, email=dialogflow_service_agent(999))
    not_allowed(webhook, caplog, email=AGENT.upper())


@pytest.mark.parametrize("verified", [False, ..., "true", 1, None])
def test_a013_an_address_that_is_not_verified(
    webhook: Counted, caplog: pytest.LogCaptureFixture, verified: Any
) -> None:
    not_allowed(webhook, caplog, email_verified=verified)


@pytest.mark.parametrize("email", [..., None, [AGENT], ""])
def test_a014_no_address(webhook: Counted, caplog: pytest.LogCaptureFixture, email: Any) -> None:
    not_allowed(webhook, caplog, email=email)


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "NONE", ""])
def test_a015_no_signature(source: Source, caplog: pytest.LogCaptureFixture, algorithm: str) -> None:
    webhook = Counted(app_g(source))
    for signature in ("", "AAAA", None):
        reason = invalid(webhook, caplog, token(alg=algorithm, signature=signature))
        assert reason in ("algorithm_not_allowed", "malformed_token")
    assert invalid(webhook, caplog, token(signature="")) == "malformed_token"
    assert source.fetches == 0


def public_forms() -> list[bytes]:
    kinds = serialization.Encoding
    key = K1.public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return [
        key.public_bytes(kinds.PEM, info), key.public_bytes(kinds.DER, info),
        key.public_bytes(kinds.PEM, serialization.PublicFormat.PKCS1), json.dumps(jwk(K1, "k1")).encode(),
    ]  # fmt: skip


@pytest.mark.parametrize("form", range(4))
def test_a016_a_mac_keyed_with_the_public_key(webhook: Counted, caplog: pytest.LogCaptureFixture, form: int) -> None:
    unsigned = token(alg="HS256", signature="").rstrip(".")
    mac = hmac.HMAC(public_forms()[form], hashes.SHA256())
    mac.update(unsigned.encode())
    assert invalid(webhook, caplog, f"{unsigned}.{encode(mac.finalize())}") == "algorithm_not_allowed"


def signatures(algorithm: str) -> str:
    signed = token(alg=algorithm, signature="").rstrip(".")
    data = signed.encode()
    if algorithm == "ES256":
        made = ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(hashes.SHA256()))
    elif algorithm == "PS256":
        made = K1.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    else:
        made = K1.sign(data, padding.PKCS1v15(), hashes.SHA384())
    return f"{signed}.{encode(made)}"


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES256", "rs256", "RS256 "])
def test_a017_another_algorithm(webhook: Counted, caplog: pytest.LogCaptureFixture, algorithm: str) -> None:
    assert invalid(webhook, caplog, signatures(algorithm)) == "algorithm_not_allowed"


def test_a018_a_changed_payload(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    head, _, signature = token().split(".")
    changed = encode(claims(email="root@evil.example"))
    assert invalid(webhook, caplog, f"{head}.{changed}.{signature}") == "bad_signature"
    assert "evil" not in caplog.text


def test_a019_another_key_than_kid_says(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(key=K2)) == "bad_signature"
    accepted(webhook, token(key=K2, kid="k2"))


@pytest.mark.parametrize("kid", [..., "", None, 1, ["k1"], "k" * 257])
def test_a_key_id_is_required(webhook: Counted, caplog: pytest.LogCaptureFixture, kid: Any) -> None:
    assert invalid(webhook, caplog, token(kid=kid)) in ("key_id_missing", "malformed_token")


ATTACKER = rsa.generate_private_key(65_537, 2_048)


@pytest.mark.parametrize("header", [{"jwk": jwk(ATTACKER, "k1")}, {"x5c": [encode(b"a certificate")]}])
def test_a020_a_key_in_the_header(webhook: Counted, caplog: pytest.LogCaptureFixture, header: Any) -> None:
    assert invalid(webhook, caplog, token(key=ATTACKER, **header)) == "bad_signature"


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_a021_an_address_in_the_header(
    webhook: Counted, caplog: pytest.LogCaptureFixture, source: Source, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket.connect", None)  # whoever calls it fails
    header: dict[str, Any] = {name: "https://evil.example/keys"}
    value = token(key=ATTACKER, **header)
    assert invalid(webhook, caplog, value) == "bad_signature"
    assert source.fetches == 1, "our own source, and nothing else"


GOOD = token()
TWICE = b'{"alg":"RS256","alg":"none","kid":"k1"}'
SHAPES = [
    "a", "a.b", "a.b.c.d", "a.b.c.d.e", ".", "..", "...", f".{GOOD}", f"{GOOD}.", f"{GOOD}.x.y",
    GOOD.replace(".", ".."),
    f"{GOOD.rpartition('.')[0]}.", GOOD.partition(".")[2], f"{GOOD}=", f"{GOOD[:-1]}", f"{GOOD}/+",
    f"{encode(b'[1]')}.{encode(claims())}.AAAA", f"{encode(b'{')}.e30.AAAA", f"e30.{encode(b'1')}.AAAA",
    f"{encode(TWICE)}.{encode(claims())}.AAAA", f"{encode({'alg': ['RS256']})}.e30.AAAA", "A" * 8_191,
]  # fmt: skip


@pytest.mark.parametrize("value", SHAPES, ids=range(len(SHAPES)))
def test_a022_no_token_of_this_form(source: Source, caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert invalid(Counted(app_g(source)), caplog, value) == "malformed_token"
    assert source.fetches == 0


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": None}, {"typ": 5}, {"typ": ""}])
def test_a_header_that_is_not_understood(source: Source, caplog: pytest.LogCaptureFixture, header: Any) -> None:
    assert invalid(Counted(app_g(source)), caplog, token(**header)) == "malformed_token"


def test_another_type_of_token(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(typ="at+jwt")) == "token_type_not_allowed"
    accepted(webhook, token(typ=...))


def test_a023_a_signature_that_cloud_run_removed(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    value = token(signature="SIGNATURE_REMOVED_BY_GOOGLE")
    assert invalid(Counted(app_g(source)), caplog, value) == "signature_removed_by_platform"
    assert "CloudRunIam" in caplog.text
    assert source.fetches == 0


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1800000000", True, None, [], -1, 10**400, 1e300, {}])
def test_a_time_is_a_finite_number(webhook: Counted, caplog: pytest.LogCaptureFixture, name: str, value: Any) -> None:
    assert invalid(webhook, caplog, token(claims(**{name: value}))) == "bad_time_claim"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_time_is_required(webhook: Counted, caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert invalid(webhook, caplog, token(claims(**{name: ...}))) == "bad_time_claim"


@pytest.mark.parametrize("lifetime", [MAX_LIFETIME + 1, 0, -1])
def test_a_token_lives_for_a_sane_time(webhook: Counted, caplog: pytest.LogCaptureFixture, lifetime: float) -> None:
    assert invalid(webhook, caplog, token(claims(iat=NOW, exp=NOW + lifetime))) == "bad_time_claim"
    accepted(webhook, token(claims(iat=NOW + 0.5, exp=NOW + 0.5 + MAX_LIFETIME)))


@pytest.mark.parametrize("scheme", ["bEaReR", "bearer", "BEARER", "Bearer  "])
def test_a030_the_scheme_in_any_case(webhook: Counted, scheme: str) -> None:
    accepted(webhook, token(), scheme)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "bearer   ", ""])
def test_a031_a_scheme_and_nothing_else(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert turned_away(webhook, caplog, value).headers["WWW-Authenticate"] == NO_TOKEN


@pytest.mark.parametrize("value", ["Bearer a b", "Bearer a,b", f"Bearer\t{GOOD}", f"Bearer {GOOD},Bearer {GOOD}",
                                   f"Bearer {GOOD} x", "Bearer é", "Bearer,", 'Bearer "a"', "Bearer ="])  # fmt: skip
def test_a032_not_of_the_grammar(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> None:
    result = turned_away(webhook, caplog, value)
    assert result.headers["WWW-Authenticate"] == INVALID
    assert result.reason == "malformed_token"


def test_a033_a_token_in_the_query_or_in_a_form(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    query = f"access_token={token()}"
    assert turned_away(webhook, caplog, None, query=query).headers["WWW-Authenticate"] == NO_TOKEN
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": None}
    refused(webhook, caplog, 401, headers=form, body=query.encode())


@pytest.mark.parametrize("value", [basic("cx:secret-of-cx"), f"BearerX {GOOD}", f"Token {GOOD}", GOOD])
def test_a034_another_scheme(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert turned_away(webhook, caplog, value).headers["WWW-Authenticate"] == NO_TOKEN


def test_google_s_access_token_is_sent_nowhere(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(Counted(app_g(source)), caplog, f"ya29.c.{CANARY}-0123456789") == "google_access_token"
    assert "serviceAgentAuth" in caplog.text
    assert source.fetches == 0


def test_a127_the_host_header_means_nothing(webhook: Counted) -> None:
    assert post(webhook, headers={"Authorization": f"Bearer {token()}", "Host": "evil.example"}).status == 200


def test_a128_a_token_for_another_host(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    value = f"Bearer {token(claims(aud='https://evil.example/cx'))}"
    headers = {"Authorization": value, "Host": "wh.example"}
    assert refused(webhook, caplog, 401, headers=headers, stream=Unreadable()).reason == "audience_not_allowed"


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "Forwarded"])
def test_a129_what_a_proxy_says_means_nothing(webhook: Counted, caplog: pytest.LogCaptureFixture, name: str) -> None:
    for value, status in ((token(), 200), (token(claims(aud="https://evil.example/cx")), 401)):
        headers = {"Authorization": f"Bearer {value}", name: "https://evil.example/cx"}
        assert post(webhook, headers=headers).status == status


@pytest.mark.parametrize(
    "audience",
    ["", [], "http://wh.example/cx", "https://wh.example/cx?a=b", "https://wh.example/cx?", "https://wh.example/cx#a",
     "wh.example/cx", "https://", "https://user@wh.example/cx", "https://wh.example/c x", "https://wh.example/\n",
     [AUDIENCE, ""], [AUDIENCE, None], "https://[wh"],
)  # fmt: skip
def test_a121_what_is_no_audience(audience: Any) -> None:
    with pytest.raises(ConfigurationError, match="audience"):
        GoogleIdToken(audience=audience, project_number=123)


@pytest.mark.parametrize(
    "options",
    [{}, {"project_number": 1, "service_accounts": [AGENT]}, {"project_number": "my-project"}, {"project_number": ""},
     {"project_number": True}, {"project_number": -1}, {"service_accounts": ["nobody"]}, {"service_accounts": [None]}],
)  # fmt: skip
def test_a122_who_may_call_is_required(options: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"project_number|service_accounts"):
        GoogleIdToken(audience=AUDIENCE, **options)


def test_a122_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError):
        GoogleIdToken(audience=AUDIENCE, project_number=1, issuer="x")  # type: ignore[call-arg]


def test_several_service_accounts(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    for accounts in ([AGENT, "b@x.iam.gserviceaccount.com"], AGENT):
        webhook = Counted(app_g(source, project_number=None, service_accounts=accounts))
        accepted(webhook, token())
        webhook.runs.clear()
        not_allowed(webhook, caplog, email="c@x.iam.gserviceaccount.com")


def test_who_may_call_is_shown() -> None:
    shown = repr(GoogleIdToken(audience=AUDIENCE, project_number=123))
    assert shown == f"GoogleIdToken(audience=['{AUDIENCE}'], service_accounts=['{AGENT}'])"


def test_google_s_keys_are_shared_by_all_verifiers() -> None:
    one, other = (GoogleIdToken(audience=AUDIENCE, project_number=number) for number in (1, 2))
    assert one.keys is other.keys
    assert repr(one.keys.source) == f"HttpKeySource('{GOOGLE_KEYS}')"


def test_the_principal_is_the_address(source: Source) -> None:
    principal = settled(app_g(source), bearing(f"Bearer {token()}"))
    assert (principal.name, principal.method) == (AGENT, "google-id-token")


ANY_HEADER = st.one_of(
    st.text(st.characters(max_codepoint=255)), st.text("ab.-_=+/ \t,B", max_size=30).map("Bearer ".__add__)
)
FUZZED = app_g(Source())


@given(ANY_HEADER)
def test_any_header_is_refused_and_never_an_error(value: str) -> None:
    source = Source()
    with pytest.raises(Unauthorized):
        settled(app_g(source), bearing(value))
    assert source.fetches == 0, "nothing is fetched for what is no token"


@given(st.data())
def test_any_change_to_a_good_token_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD) - 1))
    character = data.draw(st.characters(max_codepoint=255))
    changed = f"{GOOD[:place]}{character}{GOOD[place + 1 :]}"
    if changed == GOOD:
        assert settled(FUZZED, bearing(f"Bearer {changed}"))
        return
    with pytest.raises(Unauthorized):
        settled(FUZZED, bearing(f"Bearer {changed}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), JSON), st.dictionaries(
    st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "email", "email_verified"]), JSON))  # fmt: skip
def test_any_header_and_claims_are_refused_and_never_an_error(header: Any, changed: Any) -> None:
    full = {"alg": "RS256", "kid": "k1"} | header
    signed = f"{encode(json.dumps(full).encode())}.{encode(json.dumps(claims() | changed).encode())}"
    try:
        found = settled(FUZZED, bearing(f"Bearer {signed}.{rs256(K1, signed)}"))
    except (Unauthorized, Forbidden):
        return
    sent = claims() | changed
    assert (sent["aud"], sent["email"], sent["email_verified"]) == (AUDIENCE, found.name, True)
    assert sent["iss"] in GOOGLE_ISSUERS


def test_a_note_is_logged_and_never_sent(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    result = turned_away(webhook, caplog, f"Bearer {token(claims(aud='https://x.example/?a=%0a'))}")
    [record] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert 'note="the token is for https://x.example/?a=%0a' in record.getMessage()
    assert "x.example" not in result.body.decode() + str(result.headers)
