"""Behind Cloud Run's IAM check: the cases A060-A064."""

from typing import Any

import pytest

from cxfulfill import (
    AllowUnauthenticated,
    AnyOf,
    BasicAuth,
    ByEnvironment,
    CloudRunIam,
    ConfigurationError,
    dialogflow_service_agent,
)
from tests.auth.tokens_support import AUDIENCE, NOW, Source, app_g, claims, token
from tests.pipeline.support import Counted, Unreadable, post, refused

REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
CLOUD_RUN = {"K_SERVICE": "hotel"}


def app_r(**options: Any) -> CloudRunIam:
    """Fixture R of the attack cases."""
    settings: dict[str, Any] = {
        "audience": AUDIENCE, "project_number": 123, "i_confirm_the_service_is_not_public": True,
        "now": lambda: NOW, "environ": CLOUD_RUN,
    }  # fmt: skip
    return CloudRunIam(**(settings | options))


def removed(**changes: Any) -> str:
    return token(claims(**changes), signature=REMOVED)


def reason(caplog: pytest.LogCaptureFixture, value: str, status: int = 401) -> str:
    headers = {"Authorization": f"Bearer {value}"}
    return refused(Counted(app_r()), caplog, status, headers=headers, stream=Unreadable()).reason


@pytest.mark.parametrize("environ", [{}, {"K_SERVICE": ""}, {"PORT": "8080"}])
def test_a060_outside_cloud_run(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="K_SERVICE"):
        app_r(environ=environ)


@pytest.mark.parametrize("confirmation", [False, None, "yes", 1])
def test_a061_without_confirmation(confirmation: Any) -> None:
    with pytest.raises(ConfigurationError, match="i_confirm_the_service_is_not_public=True"):
        app_r(i_confirm_the_service_is_not_public=confirmation)


def test_a062_the_form_that_the_platform_passes_on() -> None:
    webhook = Counted(app_r())
    for issuer in ("https://accounts.google.com", "accounts.google.com"):
        assert post(webhook, headers={"Authorization": f"bearer {removed(iss=issuer)}"}).status == 200


def test_a063_the_claims_are_checked_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    assert reason(caplog, removed(email="robot@other.iam.gserviceaccount.com"), 403) == "caller_not_allowed"
    assert reason(caplog, removed(email=dialogflow_service_agent(999)), 403) == "caller_not_allowed"
    assert reason(caplog, removed(email_verified="true"), 403) == "caller_not_allowed"
    assert reason(caplog, removed(iat=NOW - 4_000, exp=NOW - 400)) == "token_expired"
    assert reason(caplog, removed(aud="https://other.example/cx")) == "audience_not_allowed"
    assert reason(caplog, removed(iss="https://evil.example")) == "issuer_not_allowed"


def test_a_token_whose_signature_is_there_was_not_checked(caplog: pytest.LogCaptureFixture) -> None:
    assert reason(caplog, token()) == "signature_not_removed"
    assert "GoogleIdToken" in caplog.text


@pytest.mark.parametrize(
    "value",
    [f"a.b.{REMOVED}", f"..{REMOVED}", REMOVED, f"{removed()}.x", f"{removed()}=", removed().lower(), f"{removed()}A",
     removed().replace(REMOVED, "signature_removed_by_google"), token(signature=""), f"e30.e30.{REMOVED}"],
)  # fmt: skip
def test_not_the_exact_form(caplog: pytest.LogCaptureFixture, value: str) -> None:
    assert reason(caplog, value) in ("malformed_token", "signature_not_removed")


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"kid": ...}, {"typ": "at+jwt"}, {"crit": []}])
def test_the_header_is_checked_all_the_same(caplog: pytest.LogCaptureFixture, header: Any) -> None:
    assert reason(caplog, token(signature=REMOVED, **header)) in (
        "algorithm_not_allowed", "key_id_missing", "token_type_not_allowed", "malformed_token",
    )  # fmt: skip


def test_a_header_that_the_platform_did_not_check(caplog: pytest.LogCaptureFixture) -> None:
    # With both headers the platform checks X-Serverless-Authorization alone: what Authorization says proves nothing.
    for value in (removed(), "x"):
        headers = {"Authorization": f"Bearer {value}", "X-Serverless-Authorization": f"Bearer {removed()}"}
        assert refused(Counted(app_r()), caplog, 401, headers=headers).reason == "unchecked_header"


@pytest.mark.parametrize(
    "name", ["X-Goog-Authenticated-User-Email", "X-Forwarded-Authorization", "X-Endpoint-API-UserInfo"]
)
def test_no_identity_from_another_header(caplog: pytest.LogCaptureFixture, name: str) -> None:
    headers = {"Authorization": None, name: f"Bearer {removed()}"}
    assert refused(Counted(app_r()), caplog, 401, headers=headers).reason == "no_credentials"


def test_google_s_access_token(caplog: pytest.LogCaptureFixture) -> None:
    assert reason(caplog, "ya29.c.0123456789abcdef") == "google_access_token"


OTHERS = [lambda: app_g(Source()), lambda: BasicAuth("cx", "a-long-random-password")]


@pytest.mark.parametrize("other", OTHERS)
def test_a064_no_alternative_to_the_platform_s_check(other: Any) -> None:
    for combined in (
        lambda: AnyOf(app_r(), other()), lambda: AnyOf(other(), AnyOf(app_r())),
        lambda: ByEnvironment({"draft": app_r(), "e1": other()}), lambda: AnyOf(ByEnvironment({"-": app_r()}), other()),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match="must not mix CloudRunIam"):
            combined()


@pytest.mark.parametrize("kind", [AnyOf, lambda *parts: ByEnvironment(dict(zip("ab", parts, strict=True)))])
@pytest.mark.parametrize("auth", [app_r, *OTHERS])
def test_a064_never_an_alternative_to_no_check(kind: Any, auth: Any) -> None:
    with pytest.raises(ConfigurationError, match="AllowUnauthenticated"):
        kind(auth(), AllowUnauthenticated())


def test_several_of_its_kind() -> None:
    webhook = Counted(AnyOf(app_r(), app_r(project_number=124)))
    for project in (123, 124):
        headers = {"Authorization": f"Bearer {removed(email=dialogflow_service_agent(project))}"}
        assert post(webhook, headers=headers).status == 200
