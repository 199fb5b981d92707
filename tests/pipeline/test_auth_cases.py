"""Who is let in, end to end: the attack cases of shared secrets, and how authenticators combine."""

import logging
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    BasicAuth,
    ConfigurationError,
    Context,
    Forbidden,
    HeaderSecret,
    HttpRequest,
    Principal,
    Unauthorized,
    Unavailable,
    Webhook,
)
from tests.pipeline.support import (
    CANARY,
    GOOD,
    MEMBER,
    NEXT_SECRET,
    SECRET,
    STRANGER,
    Counted,
    Finds,
    Unreadable,
    app_b,
    app_k,
    basic,
    body_of,
    post,
    refused,
)

BASIC_CHALLENGE = 'Basic realm="webhook", charset="UTF-8"'


def turned_away(
    caplog: pytest.LogCaptureFixture, auth: Authenticator, headers: dict[str, str | None], **request: Any
) -> str:
    webhook = Counted(auth)
    result = refused(webhook, caplog, 401, headers=headers, stream=Unreadable(), **request)
    shown = caplog.text + result.body.decode() + str(result.headers)
    sent = [value for value in headers.values() if value and value.strip() != "Basic"]
    for secret in (SECRET, NEXT_SECRET, "pä:ss", CANARY, *sent):
        assert secret not in shown
    return result.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "authorization",
    [None, "", basic("nobody:pä:ss"), basic(f"cx:{CANARY}"), basic("cx:pä:s"), basic("CX:pä:ss"), "Bearer x.y.z"],
)
def test_a044_no_or_wrong_credentials(caplog: pytest.LogCaptureFixture, authorization: str | None) -> None:
    assert turned_away(caplog, app_b(), {"Authorization": authorization}) == BASIC_CHALLENGE


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_a045_colon_and_umlaut_in_the_password(scheme: str) -> None:
    webhook = Counted()
    assert post(webhook, headers={"Authorization": GOOD.replace("Basic", scheme)}).status == 200
    assert webhook.runs == ["count"]


@pytest.mark.parametrize("authorization", ["Basic ", "Basic", "Basic Og==", basic("cx"), "Basic ="])
def test_a046_an_empty_credential(caplog: pytest.LogCaptureFixture, authorization: str) -> None:
    assert turned_away(caplog, app_b(), {"Authorization": authorization}) == BASIC_CHALLENGE


@pytest.mark.parametrize(
    "authorization",
    ["Basic %%%", f"{GOOD[:9]} {GOOD[9:]}", f"{GOOD}!", f"{GOOD} x", f"{GOOD},{GOOD}", f"{GOOD}=", GOOD[:-1],
     GOOD.replace("Basic ", "Basic\t"), GOOD.replace("Basic ", "Basic")],
)  # fmt: skip
def test_a047_not_strict_base64(caplog: pytest.LogCaptureFixture, authorization: str) -> None:
    assert turned_away(caplog, app_b(), {"Authorization": authorization}) == BASIC_CHALLENGE


@pytest.mark.parametrize(
    ("username", "password", "encoded"),
    [("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("test", "123£", "dGVzdDoxMjPCow==")],
)
def test_a048_the_vectors_of_rfc_7617(username: str, password: str, encoded: str) -> None:
    webhook = Counted(BasicAuth(username, password, allow_weak=True))
    assert post(webhook, headers={"Authorization": f"Basic {encoded}"}).status == 200


@pytest.mark.parametrize(
    "value", [None, "", CANARY, SECRET[:-1], f"{SECRET}x", f"x{SECRET}", SECRET.lower(), SECRET[7:],
              f"{SECRET},{SECRET}"]
)  # fmt: skip
def test_a049_another_value(caplog: pytest.LogCaptureFixture, value: str | None) -> None:
    assert turned_away(caplog, app_k(), {"Authorization": value}) == 'Bearer realm="webhook"'
    headers = {"Authorization": None, "X-Api-Key": value}
    assert turned_away(caplog, app_k("X-Api-Key"), headers) == 'ApiKey realm="webhook"'


@pytest.mark.parametrize("value", [SECRET, NEXT_SECRET])
def test_a050_current_and_next_secret(value: str) -> None:
    assert post(Counted(app_k()), headers={"Authorization": value}).status == 200
    assert (
        post(Counted(BasicAuth("cx", [SECRET, NEXT_SECRET])), headers={"Authorization": basic(f"cx:{value}")}).status
        == 200
    )


@pytest.mark.parametrize("name", ["X-Api-Key", "x-api-key", "X-API-KEY"])
def test_a051_the_name_in_another_case(name: str) -> None:
    assert post(Counted(app_k(name)), headers={"x-Api-kEY": SECRET}).status == 200
    http = HttpRequest.build(
        "POST", "/webhook", headers={"Content-Type": "application/json", "x-Api-kEY": SECRET}, body=body_of()
    )
    assert Counted(app_k(name)).handle(http).status == 200


def test_a052_a_secret_in_the_query(caplog: pytest.LogCaptureFixture) -> None:
    turned_away(caplog, app_k("X-Api-Key"), {"Authorization": None}, query=f"X-Api-Key={SECRET}&x-api-key={SECRET}")


@pytest.mark.parametrize("nothing", [None, "Basic", object(), BasicAuth, []])
def test_a118_no_policy_does_not_start(nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="authenticator"):
        Webhook(auth=nothing)
    with pytest.raises(TypeError, match="auth"):
        Webhook()  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [lambda value: BasicAuth("cx", value), lambda value: HeaderSecret("X-Key", value)])
@pytest.mark.parametrize("secret", ["changeme", "<YOUR_CREDENTIAL>", "8charact", "", " ", "\n", None, [], ["", SECRET]])
def test_a119_weak_secrets(kind: Any, secret: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        kind(secret)
    assert not secret or str(secret) not in str(raised.value) or not str(secret).strip()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a120_a_line_end_is_stripped_with_one_warning(caplog: pytest.LogCaptureFixture, end: str) -> None:
    webhook = Counted(HeaderSecret("Authorization", SECRET + end))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("cxfulfill", logging.WARNING)
    assert SECRET not in caplog.text
    assert post(webhook, headers={"Authorization": SECRET}).status == 200


MUTE = Unavailable(reason="keys_missing")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((app_b(), app_k("X-Key")), 200), ((STRANGER, app_b()), 200), ((Finds(MUTE), app_b()), 200),
        ((app_k("X-Key"), STRANGER), 403), ((STRANGER, Finds(MUTE)), 503), ((Finds(MUTE), app_k("X-Key")), 503),
    ],
)  # fmt: skip
def test_any_of(parts: tuple[Authenticator, ...], status: int) -> None:
    webhook = Counted(AnyOf(*parts))
    assert post(webhook).status == status
    assert webhook.runs == ["count"] * (status == 200)


def test_any_of_asks_for_every_credential_once(caplog: pytest.LogCaptureFixture) -> None:
    auth = AnyOf(app_b(), app_k("X-Key"), BasicAuth("other", SECRET))
    assert turned_away(caplog, auth, {"Authorization": None}) == f'{BASIC_CHALLENGE}, ApiKey realm="webhook"'


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((app_b(), Finds(MEMBER)), 200), ((app_b(), app_k("X-Key")), 401), ((STRANGER, app_b()), 403),
        ((app_b(), STRANGER), 403), ((app_b(), Finds(MUTE)), 503),
    ],
)  # fmt: skip
def test_all_of(parts: tuple[Authenticator, ...], status: int) -> None:
    webhook = Counted(AllOf(*parts))
    assert post(webhook, stream=None if status == 200 else Unreadable()).status == status
    assert webhook.runs == ["count"] * (status == 200)


def test_all_of_names_every_principal() -> None:
    webhook = Counted(AllOf(app_b(), AllOf(Finds(MEMBER), Finds(Principal("third", "own")))))
    found: list[Principal] = []
    webhook.add_handler("who", lambda ctx: found.append(ctx.principal))
    assert post(webhook, body_of("who")).status == 200
    [principal] = found
    assert (principal.name, principal.method) == ("cx", "basic")
    names = {other.name for other in principal.others} | {
        inner.name for other in principal.others for inner in other.others
    }
    assert names == {"member", "third"}


class Asynchronous:
    async def authenticate(self, http: HttpRequest) -> Principal:
        raise Unauthorized("Own")


@pytest.mark.parametrize("rubbish", [None, False, "cx"])
@pytest.mark.parametrize("around", [lambda part: part, AnyOf, lambda part: AllOf(app_b(), part), AllOf])
def test_what_is_no_principal_lets_nobody_in(rubbish: object, around: Any, caplog: pytest.LogCaptureFixture) -> None:
    refused(Counted(around(Finds(rubbish))), caplog, 500, level=logging.INFO, stream=Unreadable())


@pytest.mark.parametrize("part", [None, BasicAuth, "Basic", Asynchronous(), AllowUnauthenticated()])
@pytest.mark.parametrize("kind", [AnyOf, AllOf])
def test_a064_what_is_no_authenticator_is_refused_at_import(kind: Any, part: Any) -> None:
    with pytest.raises(ConfigurationError):
        kind(app_b(), part)
    with pytest.raises(ConfigurationError):
        kind()


@pytest.mark.parametrize("auth", [AnyOf(app_b(), app_k("X-Key")), AllOf(app_k("X-Key"), app_b()), app_k("X-Key")])
def test_credentials_are_shown_nowhere(auth: Authenticator, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(auth)
    seen: list[str] = []

    def look(ctx: Context) -> None:
        headers = ctx.http.headers
        seen.extend([repr(ctx), repr(ctx.http), repr(headers), repr(dict(headers)), repr(list(headers.items()))])
        seen.extend([repr(ctx.principal), headers["x-key"], headers["X-KEY"], headers.get("X-Key") or ""])
        ctx.log.info("looked at %r", ctx)

    webhook.add_handler("look", look)
    sent = {"X-Key": SECRET, "Cookie": CANARY, "Proxy-Authorization": CANARY, "X-Serverless-Authorization": CANARY}
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        result = post(webhook, body_of("look"), headers=sent)
    assert result.status == 200
    shown = "\n".join([*seen, caplog.text, repr(result), repr(auth)])
    for secret in (SECRET, SECRET[7:], CANARY, GOOD[6:], "pä:ss"):
        assert secret not in shown
    assert "[redacted]" in shown


def test_a_blocking_authenticator_of_the_users() -> None:
    webhook = Counted(Finds(MEMBER, blocking=True))
    assert (post(webhook).status, webhook.runs) == (200, ["count"])


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(
    "around", [lambda part: part, lambda part: AnyOf(part, app_b()), lambda part: AllOf(app_b(), part)]
)
def test_an_authenticator_that_breaks(blocking: bool, around: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(around(Finds(RuntimeError(CANARY), blocking=blocking)))
    result = refused(webhook, caplog, 500, level=logging.INFO, stream=Unreadable())
    assert result.reason == "internal"
    assert "error=RuntimeError" in caplog.text
    assert CANARY not in caplog.text + result.body.decode()


@pytest.mark.parametrize("error", [Unauthorized(reason="expired"), Unauthorized()])
def test_a_401_always_has_a_challenge(error: Unauthorized, caplog: pytest.LogCaptureFixture) -> None:
    refused(Counted(Finds(error)), caplog, 401, stream=Unreadable())


@pytest.mark.parametrize(("error", "status"), [(Unauthorized("Own"), 401), (Forbidden(), 403), (MUTE, 503)])
def test_nothing_is_read_before_the_caller_is_known(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    refused(Counted(Finds(error)), caplog, status, stream=Unreadable())
