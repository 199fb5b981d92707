"""Access tokens that are JWTs: the attack cases A030-A040, end to end and one by one."""

import json
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import ConfigurationError, Forbidden, HttpError, NeedsIO, Unauthorized, Unavailable
from cxfulfill.auth.oauth_jwt import ALGORITHMS, MAX_LIFETIME, OAuthJwt
from tests.auth.oauth_support import (
    ANY_HEADER,
    API,
    CLIENT,
    ED25519,
    INVALID,
    ISSUER,
    NO_TOKEN,
    P256,
    P384,
    Private,
    accepted,
    app_o,
    certificate,
    claims,
    invalid,
    jwk,
    lacks_scope,
    mutated,
    shown_by,
    thumbprint,
    token,
    turned_away,
)
from tests.auth.tokens_support import K1, K2, NOW, Source, bearing, encode, settled
from tests.clock import Clock
from tests.pipeline.support import Counted, basic, post, refused

GOOD = token()
OTHER_CLIENT = "someone-else"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def webhook(source: Source) -> Counted:
    return Counted(app_o(source))


@pytest.fixture
def relaxed(source: Source) -> Counted:
    return Counted(app_o(source, accept_typ_jwt=True))


def test_an_access_token_is_accepted(webhook: Counted, source: Source) -> None:
    accepted(webhook, GOOD)
    accepted(webhook, token(key=K2, kid="k2"))
    assert source.fetches == 1


def test_the_principal_is_the_client(source: Source) -> None:
    principal = settled(app_o(source), bearing(f"Bearer {GOOD}"))
    assert (principal.name, principal.method) == (CLIENT, "oauth-jwt")


@pytest.mark.parametrize("scheme", ["bEaReR", "bearer", "BEARER", "Bearer  "])
def test_a030_the_scheme_in_any_case(webhook: Counted, scheme: str) -> None:
    accepted(webhook, GOOD, scheme)


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "bearer   "])
def test_a031_no_credentials(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str | None) -> None:
    result = turned_away(webhook, caplog, value)
    assert (result.reason, result.headers["WWW-Authenticate"]) == ("no_credentials", NO_TOKEN)


@pytest.mark.parametrize("value", ["Bearer a b", "Bearer a,b", f"Bearer\t{GOOD}", f"Bearer {GOOD},Bearer {GOOD}",
                                   "Bearer é"])  # fmt: skip
def test_a032_not_of_the_grammar(source: Source, caplog: pytest.LogCaptureFixture, value: str) -> None:
    result = turned_away(Counted(app_o(source)), caplog, value)
    assert (result.reason, result.headers["WWW-Authenticate"]) == ("malformed_token", INVALID)
    assert source.fetches == 0


def test_a033_a_token_in_the_query_or_in_a_form(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    query = f"access_token={GOOD}"
    assert turned_away(webhook, caplog, None, query=query).reason == "no_credentials"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": None}
    assert refused(webhook, caplog, 401, headers=form, body=query.encode()).reason == "no_credentials"


@pytest.mark.parametrize("value", [basic("cx:secret-of-cx"), f"DPoP {GOOD}", GOOD])
def test_a034_another_scheme(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert turned_away(webhook, caplog, value).headers["WWW-Authenticate"] == NO_TOKEN


@pytest.mark.parametrize("scope", ["other", "", "webhook.caller", "WEBHOOK.CALL", "webhook", ..., None, 5, [], {},
                                   ["other"], [["webhook.call"]]])  # fmt: skip
def test_a035_a_scope_is_missing(source: Source, caplog: pytest.LogCaptureFixture, scope: Any) -> None:
    webhook = Counted(app_o(source, scopes="webhook.call other"))
    accepted(webhook, GOOD)
    lacks_scope(webhook, caplog, token(claims(scope=scope)), "webhook.call other")
    assert "scope of the CX webhook" in caplog.text


@pytest.mark.parametrize("scopes", ["other", ["other", "webhook.call"], ("webhook.call",), (), ""])
def test_every_scope_is_there(source: Source, scopes: Any) -> None:
    accepted(Counted(app_o(source, scopes=scopes)), GOOD)


@pytest.mark.parametrize("audience", [API, [API], ["https://other.example", API]])
def test_a036_the_audience_is_ours(webhook: Counted, audience: Any) -> None:
    accepted(webhook, token(claims(aud=audience)))


@pytest.mark.parametrize("audience", [["https://other.example"], f"{API}/", API.upper(), [], ..., None, 5, {}, [[API]],
                                      {API: 1}, CLIENT])  # fmt: skip
def test_a036_the_audience_is_another(webhook: Counted, caplog: pytest.LogCaptureFixture, audience: Any) -> None:
    assert invalid(webhook, caplog, token(claims(aud=audience))) == "audience_not_allowed"


def test_one_of_several_audiences(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(source, audience=["https://old.example", API]))
    accepted(webhook, GOOD)
    assert invalid(webhook, caplog, token(claims(aud="https://new.example"))) == "audience_not_allowed"
    assert "https://new.example" in caplog.text


@pytest.mark.parametrize("typ", ["JWT", "jwt", ...])
def test_a037_typ_jwt(
    source: Source, webhook: Counted, relaxed: Counted, caplog: pytest.LogCaptureFixture, typ: Any
) -> None:
    assert invalid(webhook, caplog, token(typ=typ)) == "token_type_not_allowed"
    assert "accept_typ_jwt=True" in caplog.text
    assert source.fetches == 0
    accepted(relaxed, token(typ=typ))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_of_rfc_9068(webhook: Counted, relaxed: Counted, typ: str) -> None:
    accepted(webhook, token(typ=typ))
    accepted(relaxed, token(typ=typ))


@pytest.mark.parametrize("typ", ["id+jwt", "at", "at+jwt2", "logout+jwt", "dpop+jwt", "secevent+jwt", "application/x"])
def test_another_type(relaxed: Counted, caplog: pytest.LogCaptureFixture, typ: str) -> None:
    assert invalid(relaxed, caplog, token(typ=typ)) == "token_type_not_allowed"


def id_claims(**changes: Any) -> dict[str, Any]:
    """An ID token (OpenID Connect core 2) of a provider that names API and client alike."""
    return claims(aud=CLIENT, azp=CLIENT, client_id=..., jti=..., scope=..., **changes)


@pytest.mark.parametrize("typ", ["JWT", ..., "at+jwt"])
def test_a038_an_id_token_of_the_same_provider(
    webhook: Counted, relaxed: Counted, caplog: pytest.LogCaptureFixture, typ: Any
) -> None:
    for app in (webhook, relaxed):
        assert invalid(app, caplog, token(id_claims(nonce="n", auth_time=int(NOW)), typ=typ)) in (
            "token_type_not_allowed", "claim_missing", "audience_not_allowed", "id_token",
        )  # fmt: skip


@pytest.mark.parametrize("audience", [CLIENT, [CLIENT], [API, CLIENT]])
def test_a038_an_id_token_where_the_client_is_the_audience(
    source: Source, caplog: pytest.LogCaptureFixture, audience: Any
) -> None:
    auth = app_o(source, audience=[API, CLIENT], accept_typ_jwt=True, client_claim="azp", require_jti=False)
    assert invalid(Counted(auth), caplog, token(id_claims() | {"aud": audience}, typ="JWT")) == "id_token"
    accepted(Counted(auth), token(id_claims() | {"aud": API}, typ="JWT"))
    accepted(Counted(auth), token(id_claims() | {"aud": audience}))
    by_subject = app_o(source, audience=CLIENT, accept_typ_jwt=True, client_claim="sub", require_jti=False)
    assert invalid(Counted(by_subject), caplog, token(id_claims(sub="user"), typ="JWT")) == "id_token"


@pytest.mark.parametrize(
    "tell",
    [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"s_hash": "h"}, {"auth_time": int(NOW)}, {"typ": "ID"},
     {"token_use": "id"}, {"events": {}}],
)  # fmt: skip
def test_a038_an_id_token_is_told_by_its_claims(
    relaxed: Counted, caplog: pytest.LogCaptureFixture, tell: dict[str, Any]
) -> None:
    assert invalid(relaxed, caplog, token(claims(**tell), typ="JWT")) == "id_token"


@pytest.mark.parametrize("mark", [{"typ": "Bearer"}, {"token_use": "access"}, {"typ": 5}, {"acr": "1", "sid": "s"}])
def test_an_access_token_is_no_id_token(relaxed: Counted, mark: dict[str, Any]) -> None:
    accepted(relaxed, token(claims(**mark), typ="JWT"))


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a039_a_time_is_missing(webhook: Counted, caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert invalid(webhook, caplog, token(claims(**{name: ...}))) == "bad_time_claim"


@pytest.mark.parametrize("value", [..., None, "", 5, [], ["x"]])
@pytest.mark.parametrize("name", ["sub", "jti", "client_id", "aud", "iss"])
def test_a039_a_required_claim_is_missing(
    webhook: Counted, caplog: pytest.LogCaptureFixture, name: str, value: Any
) -> None:
    reason = {"client_id": "client_missing", "aud": "audience_not_allowed", "iss": "issuer_not_allowed"}
    assert invalid(webhook, caplog, token(claims(**{name: value}))) == reason.get(name, "claim_missing")


SECRET = b"a secret that the provider shares with nobody"


@pytest.mark.parametrize("key_id", ["shared", "k1"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a040_a_symmetric_key_in_the_set(caplog: pytest.LogCaptureFixture, key_id: str, algorithm: str) -> None:
    source = Source([jwk(K1, "k1"), jwk(SECRET, "shared")])
    webhook = Counted(app_o(source))
    value = token(key=SECRET, algorithm=algorithm, kid=key_id)
    assert invalid(webhook, caplog, value) == "algorithm_not_allowed"
    accepted(webhook, GOOD)
    assert invalid(webhook, caplog, token(kid="shared")) == "unknown_key"


def test_a_set_of_symmetric_keys_is_none(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(Source([jwk(SECRET, "k1")])))
    result = post(webhook, headers={"Authorization": f"Bearer {GOOD}"})
    assert (result.status, result.reason) == (503, "keys_unavailable")


def public_forms() -> list[bytes]:
    kinds, info = serialization.Encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    key = K1.public_key()
    return [
        key.public_bytes(kinds.PEM, info), key.public_bytes(kinds.PEM, info).strip(), key.public_bytes(kinds.DER, info),
        key.public_bytes(kinds.PEM, serialization.PublicFormat.PKCS1), json.dumps(jwk(K1, "k1")).encode(),
    ]  # fmt: skip


@pytest.mark.parametrize("form", range(5))
@pytest.mark.parametrize("algorithm", ["HS256", "hs256", "none", "None", ""])
def test_the_public_key_is_no_secret(
    source: Source, webhook: Counted, caplog: pytest.LogCaptureFixture, form: int, algorithm: str
) -> None:
    value = token(key=public_forms()[form], algorithm="HS256", alg=algorithm)
    assert invalid(webhook, caplog, value) == ("algorithm_not_allowed" if algorithm else "malformed_token")
    assert source.fetches == 0


KEYS: list[tuple[str, Private]] = [
    ("RS256", K1), ("RS384", K1), ("RS512", K1), ("PS256", K1), ("PS384", K1), ("PS512", K1), ("ES256", P256),
    ("ES384", P384), ("EdDSA", ED25519), ("Ed25519", ED25519),
]  # fmt: skip


@pytest.mark.parametrize(("algorithm", "key"), KEYS)
def test_every_algorithm_that_is_asked_for(algorithm: str, key: Private, caplog: pytest.LogCaptureFixture) -> None:
    source = Source([jwk(key, "k1", alg=...)])
    webhook = Counted(app_o(source, algorithms=[algorithm]))
    value = token(key=key, algorithm=algorithm)
    accepted(webhook, value)
    head, payload, _ = value.split(".")
    foreign = token(claims(sub="root"), key=key, algorithm=algorithm).rpartition(".")[2]
    assert invalid(webhook, caplog, f"{head}.{payload}.{foreign}") == "bad_signature"
    others = [name for name in ALGORITHMS if name != algorithm]
    assert invalid(Counted(app_o(source, algorithms=others)), caplog, value) == "algorithm_not_allowed"


@pytest.mark.parametrize(
    ("algorithm", "own", "others"),
    [("RS256", K1, [P256, ED25519]), ("PS256", K1, [P384, ED25519]), ("ES256", P256, [K1, P384, ED25519]),
     ("ES384", P384, [K1, P256, ED25519]), ("EdDSA", ED25519, [K1, P256]), ("Ed25519", ED25519, [K1, P384])],
)  # fmt: skip
def test_the_key_is_of_another_kind(
    algorithm: str, own: Private, others: list[Private], caplog: pytest.LogCaptureFixture
) -> None:
    for other in others:
        webhook = Counted(app_o(Source([jwk(other, "k1")]), algorithms=ALGORITHMS))
        assert invalid(webhook, caplog, token(key=own, algorithm=algorithm)) == "bad_signature"


def test_a_key_is_good_for_its_own_algorithm_only(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(Source([jwk(K1, "k1", alg="PS256")]), algorithms=["RS256", "PS256"]))
    accepted(webhook, token(algorithm="PS256"))
    assert invalid(webhook, caplog, token()) == "bad_signature"


def test_an_x25519_key_signs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(Source([jwk(ED25519, "k1", crv="X25519")]), algorithms=["EdDSA", "Ed25519"]))
    for algorithm in ("EdDSA", "Ed25519"):
        assert invalid(webhook, caplog, token(key=ED25519, algorithm=algorithm)) == "bad_signature"


def test_default_algorithms(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(Source([jwk(K1, "r", alg=...), jwk(P256, "e")])))
    accepted(webhook, token(kid="r"))
    accepted(webhook, token(key=P256, algorithm="ES256", kid="e"))
    assert invalid(webhook, caplog, token(algorithm="PS256", kid="r")) == "algorithm_not_allowed"


SHORT = rsa.generate_private_key(65_537, 1_024)


@pytest.mark.parametrize("lead", [b"", bytes(128)])
def test_a_short_rsa_key_is_ignored(caplog: pytest.LogCaptureFixture, lead: bytes) -> None:
    modulus = encode(lead + SHORT.public_key().public_numbers().n.to_bytes(128))
    webhook = Counted(app_o(Source([jwk(SHORT, "short", n=modulus), jwk(K1, "k1")])))
    assert invalid(webhook, caplog, token(key=SHORT, kid="short")) == "unknown_key"
    accepted(webhook, GOOD)


@pytest.mark.parametrize(
    "broken",
    [{"n": "!"}, {"n": ""}, {"n": 5}, {"n": ...}, {"e": "AA"}, {"e": ["AQAB"]}, {"kty": ...}, {"kty": "new"},
     {"kty": ["RSA"]}, {"kty": "EC"}, {"alg": 5}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
     {"kty": "EC", "crv": "P-1", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}],
)  # fmt: skip
def test_a_broken_key_costs_no_other(caplog: pytest.LogCaptureFixture, broken: dict[str, Any]) -> None:
    webhook = Counted(app_o(Source([jwk(K2, "broken", **broken), jwk(K1, "k1")])))
    accepted(webhook, GOOD)
    assert invalid(webhook, caplog, token(kid="broken")) == "unknown_key"


def test_private_parts_and_certificates_are_left_alone() -> None:
    extras = {"d": "AA", "p": "AA", "x5c": "no list", "x5u": 5, "key_ops": ["verify"], "n2": {}}
    accepted(Counted(app_o(Source([jwk(K1, "k1", **extras)]))), GOOD)


def test_a_token_with_a_key_for_encryption(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(Source([jwk(K1, "k1", use="enc"), jwk(K2, "k2")])))
    assert invalid(webhook, caplog, GOOD) == "unknown_key"


ATTACKER = rsa.generate_private_key(65_537, 2_048)


@pytest.mark.parametrize("header", [{"jwk": jwk(ATTACKER, "k1")}, {"jku": "https://evil.example/keys"},
                                    {"x5u": "https://evil.example/c"}, {"x5c": ["AA"]}])  # fmt: skip
def test_a_key_or_an_address_in_the_header(
    source: Source, webhook: Counted, caplog: pytest.LogCaptureFixture, header: Any
) -> None:
    assert invalid(webhook, caplog, token(key=ATTACKER, **header)) == "bad_signature"
    assert source.fetches == 1, "our own source, and nothing else"


@pytest.mark.parametrize("kid", [..., "", None, 1])
def test_a_key_id_is_required(source: Source, caplog: pytest.LogCaptureFixture, kid: Any) -> None:
    reasons = ("key_id_missing", "malformed_token")
    assert invalid(Counted(app_o(source)), caplog, token(kid=kid)) in reasons
    assert source.fetches == 0


@pytest.mark.parametrize(
    "issuer", ["https://accounts.google.com", f"{ISSUER}/", f"{ISSUER}.evil", "https://idp.example", "", ..., [ISSUER]]
)
def test_a_foreign_token_makes_no_fetch(source: Source, caplog: pytest.LogCaptureFixture, issuer: Any) -> None:
    assert invalid(Counted(app_o(source)), caplog, token(claims(iss=issuer))) == "issuer_not_allowed"
    assert "third-party OAuth" in caplog.text
    assert source.fetches == 0


@pytest.mark.parametrize("value", [f"{GOOD}=", GOOD[:-1], "a.b.c", f"{GOOD}.x", "opaque", GOOD.replace(".", "..")])
def test_a_malformed_token_makes_no_fetch(source: Source, caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert invalid(Counted(app_o(source)), caplog, value) == "malformed_token"
    assert source.fetches == 0


def test_a_google_access_token_is_sent_nowhere(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(Counted(app_o(source)), caplog, "ya29.c.canary-0123456789") == "google_access_token"
    assert source.fetches == 0


def test_an_unknown_key_is_looked_for_once(source: Source, webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    accepted(webhook, GOOD)
    assert invalid(webhook, caplog, token(kid="k9")) == "unknown_key"
    assert invalid(webhook, caplog, token(kid="k9")) == "unknown_key"
    assert source.fetches == 1, "within the cool-down"


def test_a_new_key_is_found() -> None:
    clock, source = Clock(NOW), Source([jwk(K1, "k1")])
    webhook = Counted(app_o(source, clock=clock))
    accepted(webhook, GOOD)
    source.keys = [jwk(K2, "k2")]
    clock.seconds += 60
    accepted(webhook, token(key=K2, kid="k2"))
    assert source.fetches == 2


def test_no_keys_are_to_be_had(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.down = True
    result = post(Counted(app_o(source)), headers={"Authorization": f"Bearer {GOOD}"})
    assert (result.status, result.reason) == (503, "keys_unavailable")
    assert "Retry-After" in result.headers


def test_warm_and_ready(source: Source) -> None:
    auth = app_o(source)
    auth.warm()
    assert auth.ready()
    assert source.fetches == 1


def test_the_keys_of_an_address_are_shared() -> None:
    one, other = (app_o("https://idp.example/jwks", audience=audience) for audience in (API, "other"))
    assert one.keys is other.keys
    assert app_o(Source()).keys is not app_o(Source()).keys


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"exp": NOW - 30, "iat": NOW - 60}, "token_expired"), ({"iat": NOW + 31}, "token_not_yet_valid"),
     ({"nbf": NOW + 31}, "token_not_yet_valid"), ({"exp": NOW - 61}, "bad_time_claim"),
     ({"exp": NOW - 60 + MAX_LIFETIME + 1}, "bad_time_claim"), ({"exp": "soon"}, "bad_time_claim"),
     ({"nbf": None}, "bad_time_claim")],
)  # fmt: skip
def test_times(webhook: Counted, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str) -> None:
    assert invalid(webhook, caplog, token(claims(**changes))) == reason


def test_a_shorter_lifetime(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(source, max_lifetime=3_599))
    assert invalid(webhook, caplog, GOOD) == "bad_time_claim"
    accepted(Counted(app_o(source, max_lifetime=3_600)), GOOD)


def test_a_client_that_is_not_listed(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(source, client_ids=[CLIENT, "another"]))
    accepted(webhook, GOOD)
    value = token(claims(client_id=OTHER_CLIENT, sub=OTHER_CLIENT))
    assert turned_away(webhook, caplog, f"Bearer {value}", 403).reason == "caller_not_allowed"
    assert "client_ids=" in caplog.text
    assert f"issued to {OTHER_CLIENT}" in caplog.text
    assert settled(app_o(source, client_ids=OTHER_CLIENT), bearing(f"Bearer {value}")).name == OTHER_CLIENT


@pytest.mark.parametrize("name", ["azp", "appid", "cid"])
def test_the_client_under_another_name(source: Source, caplog: pytest.LogCaptureFixture, name: str) -> None:
    webhook = Counted(app_o(source, client_claim=name, client_ids=CLIENT))
    accepted(webhook, token(claims(client_id=..., **{name: CLIENT})))
    assert invalid(webhook, caplog, GOOD) == "client_missing"


@pytest.mark.parametrize(("name", "value"), [("scp", ["a", "b"]), ("scp", "b a"), ("roles", ["x", "b", "a"])])
def test_the_scopes_under_another_name(source: Source, caplog: pytest.LogCaptureFixture, name: str, value: Any) -> None:
    webhook = Counted(app_o(source, scope_claim=name, scopes=("a", "b")))
    accepted(webhook, token(claims(scope=..., **{name: value})))
    lacks_scope(webhook, caplog, token(claims(scope="a b")), "a b")


def test_without_a_token_id(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_o(source, require_jti=False))
    accepted(webhook, token(claims(jti=...)))
    assert invalid(webhook, caplog, token(claims(jti=..., sub=...))) == "claim_missing"


def test_a_token_bound_to_the_connection_s_certificate(source: Source) -> None:
    auth, own, other = app_o(source), certificate(), certificate()
    bound = token(claims(cnf={"x5t#S256": thumbprint(own)}))
    assert settled(auth, shown_by(own, bound)).name == CLIENT
    assert settled(auth, shown_by(other, GOOD)).name == CLIENT, "an unbound token over mutual TLS"
    for shown in (other, None):
        with pytest.raises(Unauthorized) as refusal:
            settled(auth, shown_by(shown, bound))
        assert refusal.value.reason == "certificate_not_proved"
        assert refusal.value.headers == (("WWW-Authenticate", INVALID),)


OWN = certificate()


@pytest.mark.parametrize(
    "bound",
    [None, {}, {"jkt": "x"}, {"x5t#S256": 5}, {"x5t#S256": None}, {"jwk": {}}, [], "x", {"kid": "k1"},
     {"x5t#S256": thumbprint(OWN), "jkt": "x"}],
)  # fmt: skip
def test_a_token_bound_in_another_way(source: Source, bound: Any) -> None:
    with pytest.raises(Unauthorized) as refusal:
        settled(app_o(source), shown_by(OWN, token(claims(cnf=bound))))
    assert refusal.value.reason == "token_bound_otherwise"


SETTINGS: dict[str, Any] = {"issuer": ISSUER, "audience": API, "keys": "https://idp.example/jwks"}


@pytest.mark.parametrize(
    ("options", "word"),
    [({"issuer": ""}, "issuer"), ({"issuer": None}, "issuer"), ({"issuer": " "}, "issuer"),
     ({"issuer": [ISSUER]}, "issuer"), ({"audience": ""}, "audience"),
     ({"audience": []}, "audience"), ({"audience": None}, "audience"), ({"audience": [API, ""]}, "audience"),
     ({"audience": [5]}, "audience"), ({"audience": " a"}, "audience"), ({"keys": None}, "keys"),
     ({"keys": {}}, "keys"), ({"keys": "http://idp.example/jwks"}, "keys"), ({"keys": ""}, "keys"),
     ({"scopes": ["a b"]}, "scopes"), ({"scopes": ['a"']}, "scopes"), ({"scopes": ["a\\"]}, "scopes"),
     ({"scopes": ["ä"]}, "scopes"), ({"scopes": [None]}, "scopes"), ({"client_ids": ""}, "client_ids"),
     ({"client_ids": [""]}, "client_ids"), ({"max_lifetime": 0}, "max_lifetime"),
     ({"max_lifetime": float("inf")}, "max_lifetime"),
     ({"max_lifetime": float("nan")}, "max_lifetime"), ({"client_claim": ""}, "client_claim"),
     ({"scope_claim": None}, "scope_claim")],
)  # fmt: skip
def test_a_wrong_setting_does_not_start(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        OAuthJwt(**(SETTINGS | options))


@pytest.mark.parametrize(
    "algorithms", [["HS256"], ["RS256", "HS256"], ["none"], [], "", "HS512", ["rs256"], ["RSA-OAEP"], ["ES256K"]]
)
def test_a_symmetric_algorithm_does_not_start(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        OAuthJwt(**SETTINGS, algorithms=algorithms)


@pytest.mark.parametrize("name", ["issuer", "audience", "keys"])
def test_a122_a_setting_is_missing(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        OAuthJwt(**{key: value for key, value in SETTINGS.items() if key != name})
    with pytest.raises(TypeError):
        OAuthJwt(**SETTINGS, audiences=API)  # type: ignore[call-arg]


def test_what_is_asked_is_shown() -> None:
    shown = repr(OAuthJwt(**SETTINGS, scopes="a b", client_ids=CLIENT))
    for part in (ISSUER, API, "'a', 'b'", CLIENT, "https://idp.example/jwks"):
        assert part in shown


def test_one_algorithm_may_be_text() -> None:
    assert OAuthJwt(**SETTINGS, algorithms="PS256").algorithms == {"PS256"}


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joserfc.jwk", None)
    with pytest.raises(ConfigurationError, match=r"cxfulfill\[oauth\]"):
        OAuthJwt(**SETTINGS)


FUZZED = app_o(Source(), accept_typ_jwt=True)
FUZZED.warm()


@given(ANY_HEADER)
def test_any_header_is_refused_and_never_an_error(value: str) -> None:
    source = Source()
    with pytest.raises(Unauthorized):
        settled(app_o(source), bearing(value))
    assert source.fetches == 0


@given(mutated(GOOD) | mutated(token(key=P256, algorithm="ES256")))
def test_a_mutated_token_is_refused_and_never_an_error(value: str) -> None:
    with pytest.raises((Unauthorized, Forbidden)):
        settled(FUZZED, bearing(f"Bearer {value}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["aud", "sub", "client_id", "jti", "scope", "iat", "exp", "nbf", "cnf"]), JSON))
def test_any_signed_claims_are_judged_and_never_an_error(changes: dict[str, Any]) -> None:
    try:
        principal = settled(FUZZED, bearing(f"Bearer {token(claims(**changes))}"))
    except (Unauthorized, Forbidden):
        return
    assert principal.name == changes.get("client_id", CLIENT)
    assert "cnf" not in changes


MEMBERS = ["kty", "use", "alg", "n", "e", "crv", "x", "y", "key_ops", "d"]
SENSIBLE = [
    "RSA",
    "EC",
    "OKP",
    "P-256",
    "Ed25519",
    "X448",
    "AQAB",
    "AA",
    "sig",
    jwk(K1, "k1")["n"],
    jwk(P256, "k")["x"],
]


@given(st.dictionaries(st.sampled_from(MEMBERS), st.sampled_from(SENSIBLE) | JSON))
def test_any_key_is_read_or_ignored(members: dict[str, Any]) -> None:
    source = Source(keys=[{"kid": "any"} | members, jwk(K1, "k1")])
    assert settled(app_o(source), bearing(f"Bearer {GOOD}")).name == CLIENT


@given(JSON)
def test_any_document_is_read_or_counts_as_down(content: Any) -> None:
    source = Source(content=json.dumps({"keys": content}).encode())
    with pytest.raises(Unavailable):
        settled(app_o(source), bearing(f"Bearer {GOOD}"))


def test_nothing_is_fetched_for_what_can_be_refused_without() -> None:
    """Cold, with every refusal that needs no key: none of them asks for a fetch."""
    auth = app_o(Source(), client_ids=CLIENT)
    for value in (token(claims(iss="https://evil.example")), token(typ="JWT"), token(alg="HS256"), token(kid=...)):
        with pytest.raises(HttpError):
            auth.authenticate(bearing(f"Bearer {value}"))
    with pytest.raises(NeedsIO):
        auth.authenticate(bearing(f"Bearer {GOOD}"))
