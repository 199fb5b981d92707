"""What a combination says where it refuses: one part's reason and note, and which parts can never go together."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AnyOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    ConfigurationError,
    HeaderSecret,
    HttpRequest,
    Principal,
    Unauthorized,
)
from cxfulfill.auth.base import authorize, check_authenticator, identify
from cxfulfill.auth.oauth_jwt import OAuthJwt
from cxfulfill.errors import InternalError
from cxfulfill.protocol.names import SessionName
from tests.auth.oauth_support import app_o
from tests.auth.test_agents import STAGING, body, session_in
from tests.auth.test_cloud_run import app_r
from tests.auth.tokens_support import Source, app_g, bearing, claims, token
from tests.pipeline.support import MEMBER, Counted, Finds, Unreadable, basic, post

PASSWORD = "a-long-random-password"
KEY = "the-key-of-this-test"


def password() -> BasicAuth:
    return BasicAuth("cx", PASSWORD)


def key(name: str = "X-Key") -> HeaderSecret:
    return HeaderSecret(name, KEY)


def google() -> Authenticator:
    return app_g(Source())


def told(webhook: Counted, caplog: pytest.LogCaptureFixture, authorization: str | None) -> tuple[str, str]:
    """Reason and note of a refusal before the body."""
    caplog.clear()
    result = post(webhook, headers={"Authorization": authorization}, stream=Unreadable())
    found = re.search(r'note=(".*?[^\\]")(?: |$)', caplog.messages[-1])
    return result.reason, json.loads(found[1]) if found else ""


@pytest.mark.parametrize("value", ["Bearer x.y.z", "Digest a=b", "9f2c77aa1d774c60", ""])
def test_another_scheme_is_no_credential_for_basic(value: str) -> None:
    with pytest.raises(Unauthorized) as refusal:
        password().authenticate(bearing(value))
    assert refusal.value.reason == "no_credentials"


@pytest.mark.parametrize("value", ["Basic", "Basic ", "basic x", "Basic %%%", "Basic\tx", basic("cx:another")])
def test_what_is_basic_is_a_bad_credential(value: str) -> None:
    with pytest.raises(Unauthorized) as refusal:
        password().authenticate(bearing(value))
    assert refusal.value.reason == "bad_credentials"


def environments(*parts: Authenticator) -> ByEnvironment:
    return ByEnvironment({str(number): part for number, part in enumerate(parts)})


@pytest.mark.parametrize("combine", [AnyOf, environments])
def test_the_other_part_s_reason_and_note_are_not_hidden(combine: Any, caplog: pytest.LogCaptureFixture) -> None:
    for parts in ((password(), google()), (google(), password())):
        webhook = Counted(combine(*parts))
        reason, note = told(webhook, caplog, f"Bearer {token(claims(aud='https://wh.example/cx/'))}")
        assert reason == "audience_not_allowed"
        assert note.startswith("the token is for https://wh.example/cx/")
        assert "Basic" not in note
        reason, note = told(webhook, caplog, basic("cx:another"))
        assert reason == "bad_credentials"
        assert "Bearer" not in note


def test_the_first_of_several_reasons_comes_with_its_own_note(caplog: pytest.LogCaptureFixture) -> None:
    first, second = (Unauthorized("Own", reason=reason, note=f"note of {reason}") for reason in ("one", "two"))
    silent = Unauthorized("Own", reason="three")
    assert told(Counted(AnyOf(password(), Finds(first), Finds(second))), caplog, None) == ("one", "note of one")
    assert told(Counted(AnyOf(Finds(silent), Finds(second))), caplog, None) == ("three", "")


def test_where_nobody_finds_a_credential_the_first_part_tells(caplog: pytest.LogCaptureFixture) -> None:
    reason, note = told(Counted(AnyOf(key(), password())), caplog, None)
    assert (reason, note) == ("no_credentials", "there is no header X-Key")


# What returns no principal.


class Nope:
    blocking = False

    def __init__(self, found: object = None) -> None:
        self.found = found

    def authenticate(self, http: HttpRequest) -> Any:
        return self.found

    def authorize(self, principal: Principal, session: SessionName | None) -> Any:
        return None


AROUND: list[Callable[[Any], Any]] = [
    lambda part: part, AnyOf, AllOf, lambda part: ByEnvironment({"draft": part}), lambda part: AnyOf(part, password()),
    lambda part: AllOf(key(), part),
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("found", "method"), [(None, "authenticate"), (True, "authenticate"), (MEMBER, "authorize")])
def test_the_log_names_what_returned_no_principal(
    around: Any, found: object, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": basic(f"cx:{PASSWORD}") if found is not MEMBER else None, "X-Key": KEY}
    with caplog.at_level(logging.INFO):
        result = post(Counted(around(Nope(found))), body(), headers=headers)
    assert (result.status, result.reason) == (500, "internal")
    assert f'note="Nope.{method} must return a Principal, or raise"' in caplog.text
    assert "Nope" not in result.body.decode()


def test_what_returned_no_principal_is_an_error_of_its_own() -> None:
    with pytest.raises(InternalError, match=r"^Nope\.authenticate must return a Principal, or raise$"):
        identify(Nope(), bearing("x"))
    with pytest.raises(InternalError, match=r"^Nope\.authorize must return a Principal, or raise$"):
        authorize(Nope(), MEMBER, None)


def test_a_principal_of_somebody_else_s_is_named(caplog: pytest.LogCaptureFixture) -> None:
    class Renames(ByEnvironment):
        def authenticate(self, http: HttpRequest) -> Principal:
            super().authenticate(http)
            return MEMBER

    assert post(Counted(Renames({"draft": key()})), body(), headers={"X-Key": KEY}).status == 500
    assert "ByEnvironment.authorize takes what its authenticate gave" in caplog.text


class Asynchronous:
    async def authenticate(self, http: HttpRequest) -> Principal:
        return MEMBER


def test_an_async_authenticator_has_a_sentence_of_its_own() -> None:
    for check in (check_authenticator, AnyOf, lambda auth: Counted(auth=auth)):
        with pytest.raises(ConfigurationError, match=r"Asynchronous\.authenticate is async def.*NeedsIO"):
            check(Asynchronous())  # type: ignore[arg-type]


# Parts that read one header.


def header() -> HeaderSecret:
    return key("authorization")


def oauth() -> OAuthJwt:
    return app_o(Source())


NEVER: list[Callable[[], Any]] = [
    lambda: AllOf(password(), header()), lambda: AllOf(google(), password()), lambda: AllOf(google(), header()),
    lambda: AllOf(oauth(), password()), lambda: AllOf(app_r(), google()), lambda: AllOf(oauth(), google()),
    lambda: AllOf(key(), password(), google()), lambda: AllOf(password(), AllOf(key(), google())),
    lambda: AllOf(password(), AnyOf(google(), header())), lambda: AllOf(AnyOf(password()), AnyOf(google(), oauth())),
    lambda: AllOf(password(), ByEnvironment({"draft": google(), STAGING: header()})),
    lambda: AnyOf(key(), AllOf(password(), google())),
]  # fmt: skip


@pytest.mark.parametrize("make", NEVER)
def test_parts_that_read_one_header_can_never_all_be_satisfied(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="read the same header: CX sends one value"):
        make()


FINE: list[Callable[[], Any]] = [
    lambda: AllOf(password(), key()), lambda: AllOf(AnyOf(password(), google()), key()),
    lambda: AllOf(password(), AnyOf(google(), key())), lambda: AllOf(password(), AnyOf(google(), password())),
    lambda: AllOf(google(), google()), lambda: AllOf(oauth(), oauth()), lambda: AllOf(key("X-A"), key("X-B")),
    lambda: AllOf(Finds(MEMBER), password()), lambda: AllOf(AnyOf(google(), Finds(MEMBER)), password()),
    lambda: AnyOf(password(), google(), header()),
    lambda: AllOf(password(), ByEnvironment({"draft": key(), STAGING: header()})),
]  # fmt: skip


@pytest.mark.parametrize("make", FINE)
def test_parts_of_which_some_combination_works(make: Any) -> None:
    assert make()


def test_a_user_s_authenticator_may_say_what_it_reads() -> None:
    class Signed(Finds):
        header_use = ("authorization", "a signature")

    assert AllOf(Signed(MEMBER), key())
    with pytest.raises(ConfigurationError, match="Signed and BasicAuth read the same header"):
        AllOf(Signed(MEMBER), password())


def test_a_part_that_does_not_look_at_the_session_beside_one_that_does() -> None:
    auth = AllOf(AnyOf(password(), google()), ByEnvironment({"draft": key()}))
    headers = {"Authorization": basic(f"cx:{PASSWORD}"), "X-Key": KEY}
    assert post(Counted(auth), body(), headers=headers).status == 200
    assert post(Counted(auth), body(session_in(STAGING)), headers=headers).status == 403


# Environments.


@pytest.mark.parametrize("name", ["Production", "prod_1", "produktion ä", "a.b", "environments/x", 5])
def test_an_environment_by_its_display_name(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="the id, not the display name"):
        ByEnvironment({name: key()})


@pytest.mark.parametrize("name", ["draft", "-", "2f0c9d3b-41f5-4c56-8d0e-aa6c3c0c9d51", "e-1"])
def test_an_environment_by_its_id(name: str) -> None:
    assert ByEnvironment({name: key()})


def environment_note(caplog: pytest.LogCaptureFixture, session: Any) -> str:
    webhook = Counted(ByEnvironment({"draft": key(), "e-1": key(), STAGING: key("X-Other")}))
    caplog.clear()
    result = post(webhook, body(session), headers={"Authorization": None, "X-Key": KEY})
    assert (result.status, result.reason) == (403, "environment_not_allowed")
    return caplog.messages[-1].partition("note=")[2]


def test_whose_credential_it_is_and_whose_session(caplog: pytest.LogCaptureFixture) -> None:
    note = environment_note(caplog, session_in(STAGING))
    assert "the credential is that of the draft environment or environment e-1" in note
    assert f"the session is of environment {STAGING}" in note
    note = environment_note(caplog, session_in("x" * 300))
    assert f"ByEnvironment has no policy for environment {'x' * 100}" in note
    assert "x" * 101 not in note
    assert "no session of the form projects/" in environment_note(caplog, "s")


def test_an_environment_called_draft_is_not_the_draft(caplog: pytest.LogCaptureFixture) -> None:
    note = environment_note(caplog, session_in("draft"))
    assert "sessions of the draft have no environment, or -" in note
