"""The attack cases of shared secrets: handler not run, problem+json without input, one log line, no credential."""

import base64
import logging

import pytest

from cxfulfill import (
    AllowUnauthenticated,
    BasicAuth,
    ConfigurationError,
    HeaderSecret,
    HttpRequest,
    Principal,
    Webhook,
)
from tests.cases.client import GOOD, App, Unreadable, basic

CHALLENGE = 'Basic realm="webhook", charset="UTF-8"'
CANARY = "canary-6aa1"
TOKEN = "Bearer 9f2c-1d77-4c60-b1aa"
NEXT = "Bearer 0b1e-88f4-4a3d-9c02"


def refused(app: App, caplog: pytest.LogCaptureFixture, authorization: str | None, **environ: str) -> str:
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        answer = app.post(authorization=authorization, stream=Unreadable(), **environ)
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert app.runs == []
    [record] = caplog.records
    line = record.getMessage()
    assert f"reason={answer.reason}" in line
    for secret in (CANARY, authorization or CANARY, "pä:ss", TOKEN):
        assert secret not in line + answer.body.decode()
    assert app.post(authorization=GOOD).status in (200, 401)
    return answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "authorization", [None, basic("other:pä:ss"), basic(f"cx:{CANARY}"), basic("cx:"), basic(":pä:ss"), "Bearer x.y.z"]
)
def test_a044_no_or_wrong_credentials(caplog: pytest.LogCaptureFixture, authorization: str | None) -> None:
    assert refused(App(), caplog, authorization) == CHALLENGE


def test_a045_a_password_with_colon_and_umlaut() -> None:
    assert App().post(authorization=GOOD).status == 200
    assert App().post(authorization=GOOD.replace("Basic", "bAsIc")).status == 200


@pytest.mark.parametrize("authorization", ["Basic ", "Basic", "Basic Og==", basic("cx"), basic("")])
def test_a046_nothing_in_the_header(caplog: pytest.LogCaptureFixture, authorization: str) -> None:
    assert refused(App(), caplog, authorization) == CHALLENGE


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic %%%",
        GOOD[:9] + " " + GOOD[9:],
        GOOD + " x",
        GOOD + ",x",
        GOOD + "=",
        GOOD[:-2],
        GOOD + "\n",
        f"{GOOD},{GOOD}",
    ],
)
def test_a047_bad_base64_and_junk(caplog: pytest.LogCaptureFixture, authorization: str) -> None:
    assert refused(App(), caplog, authorization) == CHALLENGE


@pytest.mark.parametrize(
    ("username", "password", "encoded"),
    [("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("test", "123£", "dGVzdDoxMjPCow==")],
)
def test_a048_the_vectors_of_rfc_7617(username: str, password: str, encoded: str) -> None:
    app = App(BasicAuth(username, password, allow_weak=True))
    assert app.post(authorization=f"Basic {encoded}").status == 200


@pytest.mark.parametrize("value", [None, CANARY, TOKEN[:-1], TOKEN + "x", TOKEN.lower(), f"{TOKEN},{TOKEN}", ""])
def test_a049_another_header_value(caplog: pytest.LogCaptureFixture, value: str | None) -> None:
    assert refused(App(HeaderSecret("Authorization", TOKEN)), caplog, value) == 'Bearer realm="webhook"'


@pytest.mark.parametrize("value", [TOKEN, NEXT])
def test_a050_current_and_next_secret(value: str) -> None:
    assert App(HeaderSecret("Authorization", [TOKEN, NEXT])).post(authorization=value).status == 200
    both = BasicAuth("cx", [TOKEN, NEXT])
    assert App(both).post(authorization=basic(f"cx:{value}")).status == 200


def test_a051_the_header_name_in_another_case() -> None:
    for name in ("X-Api-Key", "x-api-key", "X-API-KEY"):
        app = App(HeaderSecret(name, TOKEN))
        assert app.post(authorization=None, HTTP_X_API_KEY=TOKEN).status == 200


def test_a052_a_secret_in_the_query(caplog: pytest.LogCaptureFixture) -> None:
    app = App(HeaderSecret("X-Api-Key", TOKEN))
    assert refused(app, caplog, None, QUERY_STRING=f"X-Api-Key={TOKEN}") == 'ApiKey realm="webhook"'


def test_a118_no_auth_policy() -> None:
    for nothing in (None, "Basic", object()):
        with pytest.raises(ConfigurationError, match="auth= needs an authenticator"):
            Webhook(auth=nothing)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="auth"):
        Webhook()  # type: ignore[call-arg]


WEAK = [
    "",
    "  ",
    "changeme",
    "<YOUR_CREDENTIAL>",
    "8charact",
    "aaaaaaaaaaaaaaaaaaaa",
    "changeme-changeme-changeme",
    '"in-quotes-in-quotes"',
    "with\x00control-characters",
]


@pytest.mark.parametrize("secret", WEAK)
def test_a119_weak_secrets(secret: str) -> None:
    for build in (lambda: BasicAuth("cx", secret), lambda: HeaderSecret("X-Api-Key", secret)):
        with pytest.raises(ConfigurationError) as raised:
            build()
        assert not secret.strip() or secret not in str(raised.value)
    if secret == "8charact":
        with pytest.raises(ConfigurationError, match="too short"):
            HeaderSecret("Authorization", f"Bearer {secret}")


def test_a120_a_newline_is_stripped_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cxfulfill"):
        app = App(HeaderSecret("Authorization", f"{TOKEN}\n"))
    assert len(caplog.records) == 1
    assert TOKEN not in caplog.text
    assert app.post(authorization=TOKEN).status == 200


@pytest.mark.parametrize("name", ["", "X_Api_Key", "Host", "content-length", "X Api", "User-Agent", "X-Forwarded-For"])
def test_a_header_that_cx_cannot_send_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name must be a header"):
        HeaderSecret(name, TOKEN)


@pytest.mark.parametrize("username", ["", "a:b", "a\n"])
def test_a_user_name_that_basic_cannot_carry_is_refused(username: str) -> None:
    with pytest.raises(ConfigurationError, match="username"):
        BasicAuth(username, TOKEN)


def test_credentials_stand_in_no_repr_and_reach_no_handler() -> None:
    seen: list[str] = []

    class Mine:
        credential_headers = frozenset({"x-mine"})

        def authenticate(self, http: HttpRequest) -> Principal:
            return Principal(http.headers["x-mine"][:2], "mine")

    app = App(Mine())
    app.add(
        "look",
        lambda ctx: seen.append(repr((ctx, ctx.http, list(ctx.http.headers.items()))) + ctx.http.headers["X-Mine"]),
    )
    environ = {"HTTP_X_MINE": f"me-{CANARY}", "HTTP_COOKIE": CANARY, "HTTP_X_OTHER": "shown"}
    assert app.post({"fulfillmentInfo": {"tag": "look"}}, authorization=f"Bearer {CANARY}", **environ).status == 200
    assert CANARY not in seen[0]
    assert "[redacted]" in seen[0]
    assert "'x-other', 'shown'" in seen[0]
    for authenticator in (BasicAuth("cx", TOKEN), HeaderSecret("X-Api-Key", TOKEN)):
        assert TOKEN not in repr(authenticator)
    assert base64.b64encode(TOKEN.encode()).decode() not in repr(BasicAuth("cx", TOKEN))


def test_everybody_is_let_in_only_on_demand(caplog: pytest.LogCaptureFixture) -> None:
    everybody = AllowUnauthenticated()
    assert "answers every caller" in caplog.text
    assert App(everybody).post(authorization=None).status == 200
    assert repr(everybody) == "AllowUnauthenticated()"


def test_an_authenticator_that_fails_lets_nobody_in() -> None:
    class Broken:
        def authenticate(self, http: HttpRequest) -> Principal:
            raise RuntimeError(CANARY)

    app = App(Broken())
    answer = app.post(stream=Unreadable())
    assert (answer.status, answer.reason, app.runs) == (500, "internal", [])
    assert CANARY not in answer.body.decode()
