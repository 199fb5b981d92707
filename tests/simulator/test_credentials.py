"""What CX sends by each kind of authentication."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.auth.tokens import SIGNATURE_REMOVED, decode_segment
from cxfulfill.simulator.credentials import (
    AccessTokenCredential,
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    HeaderCredential,
    IdTokenCredential,
    NoCredential,
    OAuthCredential,
)
from cxfulfill.simulator.issuer import LIFETIME, LocalIssuer
from cxfulfill.simulator.sending import ClientCertificate, Credential
from tests.clock import Clock

URL = "https://wh.example/cx"
SECRET = "canary-5d0e-41xB-9f2c"
NOW = 1_800_000_000.0
CERTIFICATE = ClientCertificate(b"der", Path("chain.pem"), Path("client.key"))
MAKER = LocalIssuer()


def claims_of(credential: Credential, url: str = URL) -> dict[str, Any]:
    scheme, _, token = credential.headers(url, {})["Authorization"].partition(" ")
    assert scheme == "Bearer"
    found: dict[str, Any] = json.loads(decode_segment(token.split(".")[1]))
    return found


def test_none() -> None:
    assert NoCredential().headers(URL, {"x": 1}) == {}
    assert NoCredential().certificate is None


def test_basic_is_utf_8() -> None:
    [(name, value)] = BasicCredential("cx", "pä:ss").headers(URL, {}).items()
    assert (name, value) == ("Authorization", f"Basic {base64.b64encode('cx:pä:ss'.encode()).decode()}")


def test_headers_refer_to_session_parameters() -> None:
    given = {"X-Order": "order $session.params.order", "X-Id": "$session.params.missing", "X-R": "$sys.func.RAND()"}
    headers = HeaderCredential(given).headers(URL, {"order": 17.0})
    assert headers == {"X-Order": "order 17", "X-Id": "$session.params.missing", "X-R": "$sys.func.RAND()"}


def test_a_header_goes_as_the_bytes_of_utf_8() -> None:
    value = HeaderCredential({"X-Name": "$session.params.name"}).headers(URL, {"name": "Zoë 日"})["X-Name"]
    assert value.encode("latin-1") == "Zoë 日".encode()


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_the_claims_of_an_id_token() -> None:
    credential = IdTokenCredential(MAKER.at(Clock(NOW)), "service-1@gcp-sa-dialogflow.iam.gserviceaccount.com")
    claims = claims_of(credential, f"{URL}?a=1&b=?#x")
    assert claims["sub"] == claims["azp"]
    assert claims["sub"].isdigit()
    assert {name: claims[name] for name in claims if name not in ("sub", "azp")} == {
        "iss": "https://accounts.google.com", "aud": URL, "email": credential.email, "email_verified": True,
        "iat": NOW, "exp": NOW + 3_600,
    }  # fmt: skip


def test_a_token_is_used_until_shortly_before_its_end() -> None:
    clock = Clock(NOW)
    credential = IdTokenCredential(MAKER.at(clock), "a@p.example")
    first = credential.headers(URL, {})
    clock.seconds += LIFETIME * 0.9 - 1
    assert credential.headers(f"{URL}?query", {}) == first
    assert credential.headers(f"{URL}/other", {}) != first
    clock.seconds += 1
    second = credential.headers(URL, {})
    assert second != first
    assert claims_of(credential)["iat"] == int(clock.seconds)
    clock.seconds -= LIFETIME  # somebody has set the clock
    assert claims_of(credential)["iat"] == int(clock.seconds)


def test_an_audience_of_its_own_and_a_signature_that_cloud_run_removed() -> None:
    credential = IdTokenCredential(MAKER, "a@p.example", "https://wh.run.app", signature_removed=True)
    assert claims_of(credential)["aud"] == "https://wh.run.app"
    assert credential.headers(URL, {})["Authorization"].endswith(f".{SIGNATURE_REMOVED}")


def test_the_claims_of_an_access_token() -> None:
    clock = Clock(NOW)
    credential = AccessTokenCredential(
        signer=MAKER.at(clock), issuer="https://idp.example", audience="api", client_id="cx", scopes=("a", "b"),
        lifetime=60, claims={"azp": "cx", "jti": ...},
    )  # fmt: skip
    expected = {"iss": "https://idp.example", "aud": "api", "sub": "cx", "client_id": "cx", "scope": "a b", "azp": "cx"}
    assert claims_of(credential) == expected | {"iat": NOW, "exp": NOW + 60}
    clock.seconds += 54
    assert claims_of(credential)["iat"] == NOW + 54


def test_a_token_endpoint_has_a_url() -> None:
    with pytest.raises(ConfigurationError, match="OAuthCredential: token_endpoint must be an https URL"):
        OAuthCredential("http://idp.example/token", "cx", SECRET)


# --- The issuer ------------------------------------------------------------------------------------------------------


def test_claims_of_a_token_may_be_others_or_missing() -> None:
    token = MAKER.id_token(audience=URL, email="a@p.example", lifetime=60, email_verified=False, azp=...)
    claims = json.loads(decode_segment(token.split(".")[1]))
    assert claims["email_verified"] is False
    assert "azp" not in claims
    assert claims["exp"] - claims["iat"] == 60


def test_what_the_issuer_says_of_tokens() -> None:
    clock = Clock(NOW)
    issuer = MAKER.at(clock)
    token = issuer.access_token(issuer="i", audience=["a", "b"], client_id="cx", lifetime=60)
    endless = issuer.access_token(issuer="i", audience="a", client_id="cx", claims={"exp": ...})
    said = issuer.introspect(token)
    assert (said["active"], said["token_type"], said["aud"]) == (True, "Bearer", ["a", "b"])
    clock.seconds += 60
    assert issuer.introspect(token) == {"active": False}
    assert issuer.introspect(endless)["active"] is True
    forged = issuer.stranger().access_token(issuer="i", audience="a", client_id="cx")
    for other in (forged, "opaque", "", "a.b.c", f"{endless.rpartition('.')[0]}.AAAA", issuer.removed_signature(token)):
        assert issuer.introspect(other) == {"active": False}


def test_a_stranger_has_the_same_key_id_and_another_key() -> None:
    stranger = MAKER.stranger()
    assert stranger.key_id == MAKER.key_id
    assert stranger.jwks() != MAKER.jwks()
    assert repr(MAKER) == f"LocalIssuer(key_id='{MAKER.key_id}')"
    assert json.loads(MAKER.keys().fetch().content) == MAKER.jwks()


# --- Several at once -------------------------------------------------------------------------------------------------


def test_several_go_with_one_call() -> None:
    both = AllCredentials(
        HeaderCredential({"X-Key": "k"}), CertificateCredential(CERTIFICATE), BasicCredential("cx", SECRET)
    )
    assert both.certificate is CERTIFICATE
    assert both.headers(URL, {}).keys() == {"X-Key", "Authorization"}
    assert AllCredentials(both, CertificateCredential(CERTIFICATE)).certificate is CERTIFICATE
    assert AllCredentials().headers(URL, {}) == {}


def test_one_header_has_one_value() -> None:
    same = AllCredentials(BasicCredential("cx", SECRET), BasicCredential("cx", SECRET))
    assert same.headers(URL, {}) == BasicCredential("cx", SECRET).headers(URL, {})
    rival = AllCredentials(BasicCredential("cx", SECRET), HeaderCredential({"authorization": SECRET}))
    with pytest.raises(ConfigurationError, match="CX sends one value in the header authorization") as raised:
        rival.headers(URL, {})
    assert SECRET not in str(raised.value)


def test_one_connection_shows_one_certificate() -> None:
    other = ClientCertificate(b"other", Path("chain.pem"), Path("client.key"))
    with pytest.raises(ConfigurationError, match="one client certificate"):
        AllCredentials(CertificateCredential(CERTIFICATE), CertificateCredential(other))


@pytest.mark.parametrize(
    "credential",
    [
        BasicCredential("cx", SECRET),
        HeaderCredential({"X-Key": SECRET}),
        OAuthCredential("https://idp.example/token", "cx", SECRET),
        AllCredentials(BasicCredential("cx", SECRET), CertificateCredential(CERTIFICATE)),
        IdTokenCredential(MAKER, "a@p.example"),
    ],
)
def test_no_repr_shows_a_secret(credential: Credential) -> None:
    assert SECRET not in repr(credential)
    assert "_kept" not in repr(credential)
    assert type(credential).__name__ in repr(credential)
    with pytest.raises(AttributeError):
        credential.anything = 1  # type: ignore[attr-defined]
