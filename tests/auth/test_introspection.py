"""Access tokens that their issuer is asked about: the attack cases A030-A043 against a real endpoint."""

import logging
import math
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxfulfill import ConfigurationError, Forbidden, NeedsIO, Unauthorized, Unavailable
from cxfulfill.auth import fetched, introspection, outbound
from cxfulfill.auth.asked import FAILURE_SECONDS
from cxfulfill.auth.introspection import INACTIVE_SECONDS, OAuthIntrospection
from cxfulfill.auth.sources import FILE_MAX_AGE, EnvironmentSecret, FileSecret
from tests.auth.oauth_support import (
    ANY_HEADER,
    API,
    CLIENT,
    INVALID,
    ISSUER,
    NO_TOKEN,
    OWN_CLIENT,
    OWN_SECRET,
    Endpoint,
    Times,
    accepted,
    active,
    app_i,
    certificate,
    claims,
    hides,
    invalid,
    lacks_scope,
    mutated,
    serving,
    shown_by,
    thumbprint,
    token,
    turned_away,
)
from tests.auth.tokens_support import NOW, bearing, settled
from tests.pipeline.support import LIMIT, Counted, Result, Unreadable, basic, post, refused

OPAQUE = "5b1c9d-opaque.of~the/provider+1=="
JWT = token()
EXPIRED = claims(exp=int(NOW) - 100)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as made:
        made.answers[OPAQUE] = active()
        yield made


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def auth(endpoint: Endpoint, times: Times) -> OAuthIntrospection:
    return app_i(endpoint, times)


@pytest.fixture
def webhook(auth: OAuthIntrospection) -> Counted:
    return Counted(auth)


def unavailable(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str = OPAQUE) -> str:
    """The refusal of A043; gives its log lines."""
    caplog.clear()
    result: Result = post(webhook, headers={"Authorization": f"Bearer {value}"}, stream=Unreadable())
    assert (result.status, result.reason, webhook.runs) == (503, "introspection_unavailable", [])
    assert result.headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in result.headers
    line = caplog.records[-1].getMessage()
    assert "client_secret=" in line
    assert "reason=introspection_unavailable" in line
    hides(caplog, result, value)
    return caplog.text


def test_a_token_is_asked_about_once(webhook: Counted, endpoint: Endpoint) -> None:
    for _ in range(3):
        accepted(webhook, OPAQUE)
    assert endpoint.asked == [OPAQUE]


def test_the_principal_is_the_client(auth: OAuthIntrospection) -> None:
    principal = settled(auth, bearing(f"Bearer {OPAQUE}"))
    assert (principal.name, principal.method) == (CLIENT, "oauth-introspection")


@pytest.mark.parametrize("value", [JWT, token(claims(iss=...)), f"{'A' * 8}.b.c", "a.b.c.d.e", "x", "ey.J"])
def test_what_may_be_the_issuer_s_is_asked_about(webhook: Counted, endpoint: Endpoint, value: str) -> None:
    endpoint.answers[value] = active()
    accepted(webhook, value)
    assert endpoint.asked == [value]


@pytest.mark.parametrize("scheme", ["bEaReR", "bearer", "Bearer  "])
def test_a030_the_scheme_in_any_case(webhook: Counted, scheme: str) -> None:
    accepted(webhook, OPAQUE, scheme)


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer "])
def test_a031_no_credentials(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, value: str | None
) -> None:
    result = turned_away(webhook, caplog, value)
    assert (result.reason, result.headers["WWW-Authenticate"]) == ("no_credentials", NO_TOKEN)
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "value",
    ["Bearer a b", "Bearer a,b", f"Bearer\t{OPAQUE}", f"Bearer {OPAQUE},Bearer {OPAQUE}", "Bearer é", "Bearer a=b",
     "Bearer " + "a" * 8_191, "Bearer a\x00b", "Bearer %41", "Bearer a&token=b"],
)  # fmt: skip
def test_a032_a_malformed_token_is_not_sent(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    result = turned_away(webhook, caplog, value)
    assert (result.reason, result.headers["WWW-Authenticate"]) == ("malformed_token", INVALID)
    assert endpoint.asked == []


def test_a033_a_token_in_the_query_or_in_a_form(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    query = f"access_token={OPAQUE}"
    assert turned_away(webhook, caplog, None, query=query).reason == "no_credentials"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": None}
    assert refused(webhook, caplog, 401, headers=form, body=query.encode()).reason == "no_credentials"
    assert endpoint.asked == []


@pytest.mark.parametrize("value", [basic("cx:secret-of-cx"), f"DPoP {OPAQUE}", OPAQUE])
def test_a034_another_scheme(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    assert turned_away(webhook, caplog, value).headers["WWW-Authenticate"] == NO_TOKEN
    assert endpoint.asked == []


@pytest.mark.parametrize("scope", ["other", "", "webhook.caller", ..., None, 5, ["other"], {}])
def test_a035_a_scope_is_missing(endpoint: Endpoint, caplog: pytest.LogCaptureFixture, scope: Any) -> None:
    webhook = Counted(app_i(endpoint, scopes=["webhook.call"]))
    accepted(webhook, OPAQUE)
    endpoint.answers["lesser"] = active(scope=scope)
    lacks_scope(webhook, caplog, "lesser", "webhook.call")


@pytest.mark.parametrize("audience", [API, [API], ["https://other.example", API]])
def test_a036_the_audience_is_ours(webhook: Counted, endpoint: Endpoint, audience: Any) -> None:
    endpoint.answers[OPAQUE] = active(aud=audience)
    accepted(webhook, OPAQUE)


def test_a037_the_type_in_a_token_s_header_is_the_issuer_s_business(webhook: Counted, endpoint: Endpoint) -> None:
    value = token(typ="JWT")
    endpoint.answers[value] = active()
    accepted(webhook, value)


def test_a038_an_id_token_is_not_active(webhook: Counted, caplog: pytest.LogCaptureFixture) -> None:
    assert invalid(webhook, caplog, token(claims(aud=CLIENT, nonce="n"), typ="JWT")) == "token_inactive"


def test_a039_no_end_is_told(webhook: Counted, endpoint: Endpoint) -> None:
    """RFC 7662 leaves ``exp`` out at will: the issuer decides, each time that it is asked."""
    endpoint.answers[OPAQUE] = active(exp=..., iat=...)
    accepted(webhook, OPAQUE)


def test_a040_a_symmetric_signature_is_the_issuer_s_business(
    webhook: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    assert invalid(webhook, caplog, token(key=b"secret", algorithm="HS256")) == "token_inactive"


@pytest.mark.parametrize("answer", [{"active": False}, {"active": False, "scope": "webhook.call", "client_id": CLIENT}])
def test_a041_not_active(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, answer: dict[str, Any]
) -> None:
    endpoint.answers[OPAQUE] = answer
    assert invalid(webhook, caplog, OPAQUE) == "token_inactive"
    assert invalid(webhook, caplog, OPAQUE) == "token_inactive"
    assert endpoint.asked == [OPAQUE]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"aud": "https://other.example"}, "audience_not_allowed"), ({"aud": []}, "audience_not_allowed"),
     ({"aud": None}, "audience_not_allowed"), ({"aud": ...}, "audience_missing"),
     ({"iss": "https://other.example"}, "issuer_not_allowed"), ({"iss": None}, "issuer_not_allowed"),
     ({"client_id": ...}, "client_missing"), ({"client_id": ""}, "client_missing"),
     ({"client_id": 5}, "client_missing"), ({"token_type": "DPoP"}, "token_type_not_allowed"),
     ({"token_type": None}, "token_type_not_allowed"), ({"token_type": "N_A"}, "token_type_not_allowed"),
     ({"exp": int(NOW)}, "token_expired"),
     ({"exp": NOW - 100}, "token_expired"), ({"exp": "soon"}, "bad_time_claim"), ({"exp": 10**400}, "bad_time_claim"),
     ({"exp": None}, "bad_time_claim"), ({"nbf": NOW + 31}, "token_not_yet_valid"), ({"nbf": True}, "bad_time_claim"),
     ({"cnf": {"jkt": "x"}}, "token_bound_otherwise"), ({"cnf": {"x5t#S256": "x"}}, "certificate_not_proved")],
)  # fmt: skip
def test_a042_an_active_token_that_is_not_for_us(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    endpoint.answers[OPAQUE] = {name: value for name, value in (active() | changes).items() if value is not ...}
    assert invalid(webhook, caplog, OPAQUE) == reason
    assert invalid(webhook, caplog, OPAQUE) == reason
    assert endpoint.asked == [OPAQUE]


def test_a042_another_client(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_i(endpoint, client_ids=CLIENT))
    accepted(webhook, OPAQUE)
    endpoint.answers["opaque-2"] = active(client_id="another")
    assert turned_away(webhook, caplog, "Bearer opaque-2", 403).reason == "caller_not_allowed"
    assert "issued to another" in caplog.text


@pytest.mark.parametrize("changes", [{"iss": ...}, {"token_type": ...}, {"token_type": "bearer"}, {"nbf": NOW + 30},
                                     {"sub": ...}, {"jti": ...}, {"extra": [1]}])  # fmt: skip
def test_what_an_answer_may_lack_or_have(webhook: Counted, endpoint: Endpoint, changes: dict[str, Any]) -> None:
    endpoint.answers[OPAQUE] = {name: value for name, value in (active() | changes).items() if value is not ...}
    accepted(webhook, OPAQUE)


def test_clients_in_place_of_an_audience(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(app_i(endpoint, audience=(), client_ids=[CLIENT]))
    endpoint.answers[OPAQUE] = active(aud=...)
    accepted(webhook, OPAQUE)
    endpoint.answers["opaque-2"] = active(aud=..., client_id="another")
    assert turned_away(webhook, caplog, "Bearer opaque-2", 403).reason == "caller_not_allowed"


FAILURES: list[tuple[int, dict[str, str], bytes]] = [
    (500, {}, b"canary: stack trace"), (503, {}, b""), (400, {}, b'{"error":"invalid_request"}'), (401, {}, b"{}"),
    (200, {"Content-Type": "text/html"}, b"<html>canary</html>"), (200, {}, b""), (200, {}, b"[]"), (200, {}, b"null"),
    (200, {}, b'{"active":"true"}'), (200, {}, b'{"active":1}'), (200, {}, b'{"active":null}'), (200, {}, b"{}"),
    (200, {}, b'{"active":false,"active":true}'), (200, {}, b'{"active":true'), (200, {}, b'\xff{"active":true}'),
    (200, {"Content-Encoding": "gzip"}, b'{"active":true}'), (204, {}, b""), (201, {}, b'{"active":true}'),
    (200, {}, b'{"active":true,"pad":"' + b"a" * outbound.MAX_BYTES + b'"}'),
    (302, {"Location": "/elsewhere"}, b""), (307, {"Location": "/elsewhere"}, b""), (301, {"Location": "/"}, b""),
]  # fmt: skip


@pytest.mark.parametrize("reply", FAILURES, ids=range(len(FAILURES)))
def test_a043_no_usable_answer(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, reply: tuple[int, dict[str, str], bytes]
) -> None:
    endpoint.reply = reply
    unavailable(webhook, caplog)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert endpoint.asked == [OPAQUE], "not repeated, not redirected"


def test_a043_wrong_credentials_of_ours(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    auth = app_i(endpoint, client_secret="canary of another client")
    assert "status 401" in unavailable(Counted(auth), caplog)
    assert endpoint.asked == []
    assert endpoint.faults == ["credentials"]
    endpoint.faults.clear()


def test_a043_nobody_answers(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as gone:
        pass
    assert "(connection refused)" in unavailable(Counted(app_i(gone)), caplog)


def test_a043_the_request_takes_too_long(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "TIME_LIMIT", 0.05)
    monkeypatch.setattr(fetched, "TIME_LIMIT", LIMIT)
    endpoint.gate.clear()
    assert re.search(r"took too long|too slow", unavailable(webhook, caplog))


def await_fetches() -> None:
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-fetch":
            thread.join(LIMIT)


def test_a043_the_endpoint_hangs(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "TIME_LIMIT", LIMIT)
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.05)
    endpoint.gate.clear()
    assert "took too long" in unavailable(webhook, caplog)
    unavailable(webhook, caplog)
    assert endpoint.asked == [OPAQUE], "a failure is remembered"
    endpoint.gate.set()
    await_fetches()
    accepted(webhook, OPAQUE)
    assert endpoint.asked == [OPAQUE], "the answer that came late is good all the same"


@pytest.mark.wsgi_alone
def test_no_thread_can_be_started(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        unavailable(webhook, caplog)
    assert endpoint.asked == []


def test_a_failure_is_remembered_for_a_second(
    webhook: Counted, endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.reply = (500, {}, b"")
    unavailable(webhook, caplog)
    times.move(FAILURE_SECONDS - 0.1)
    unavailable(webhook, caplog)
    assert endpoint.asked == [OPAQUE]
    endpoint.reply = None
    times.move(0.2)
    accepted(webhook, OPAQUE)
    assert endpoint.asked == [OPAQUE] * 2


def test_a_kept_answer_outlives_the_endpoint(
    webhook: Counted, endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    accepted(webhook, OPAQUE)
    endpoint.reply = (500, {}, b"")
    times.move(29.9)
    accepted(webhook, OPAQUE)
    times.move(0.1)
    unavailable(webhook, caplog)


@pytest.mark.parametrize("seconds", [1, 30, 300])
def test_a_good_token_is_asked_about_again(
    endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    webhook = Counted(app_i(endpoint, times, cache_seconds=seconds))
    accepted(webhook, OPAQUE)
    endpoint.answers[OPAQUE] = {"active": False}
    times.move(seconds - 0.1)
    accepted(webhook, OPAQUE)
    times.move(0.1)
    assert invalid(webhook, caplog, OPAQUE) == "token_inactive"
    assert endpoint.asked == [OPAQUE] * 2


@pytest.mark.parametrize(("seconds", "kept"), [(30, INACTIVE_SECONDS), (2, 2)])
def test_a_bad_token_is_asked_about_again(
    endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture, seconds: float, kept: float
) -> None:
    webhook = Counted(app_i(endpoint, times, cache_seconds=seconds))
    endpoint.answers[OPAQUE] = {"active": False}
    assert invalid(webhook, caplog, OPAQUE) == "token_inactive"
    endpoint.answers[OPAQUE] = active()
    times.move(kept - 0.1)
    assert invalid(webhook, caplog, OPAQUE) == "token_inactive"
    times.move(0.1)
    accepted(webhook, OPAQUE)


@pytest.mark.parametrize("life", [0.5, 10, 29])
def test_an_answer_opens_nothing_past_the_token_s_end(
    webhook: Counted, endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture, life: float
) -> None:
    endpoint.answers[OPAQUE] = active(exp=NOW + life)
    accepted(webhook, OPAQUE)
    times.move(life - 0.25)
    accepted(webhook, OPAQUE)
    times.move(0.25)
    assert invalid(webhook, caplog, OPAQUE) == "token_expired"
    times.move(1)
    assert invalid(webhook, caplog, OPAQUE) == "token_expired"
    endpoint.answers[OPAQUE] = active(exp=NOW + 60)
    times.move(1)
    accepted(webhook, OPAQUE)


@pytest.mark.parametrize("jump", [40.0, -40.0])
def test_the_wall_clock_may_jump(webhook: Counted, endpoint: Endpoint, times: Times, jump: float) -> None:
    accepted(webhook, OPAQUE)
    times.now.seconds += jump
    accepted(webhook, OPAQUE)
    assert endpoint.asked == [OPAQUE]


@pytest.mark.parametrize(
    "value",
    [token(claims(iss="https://accounts.google.com")), token(claims(iss=None)), token(claims(iss=[ISSUER])),
     token(claims(iss=f"{ISSUER}/"), signature="AAAA")],
    ids=range(4),
)  # fmt: skip
def test_another_issuer_s_token_is_not_sent(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    assert invalid(webhook, caplog, value) == "issuer_not_allowed"
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [("ya29.c.canary-0123456789", "google_access_token"), (f"{JWT}=", "malformed_token"), (JWT[:-1], "malformed_token"),
     (f"ey{JWT}", "malformed_token"), ("eyJhbGciOiJub25lIn0.e30.", "malformed_token"),
     (f"{JWT.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE", "signature_removed_by_platform")],
    ids=range(6),
)  # fmt: skip
def test_what_cannot_be_the_issuer_s_is_not_sent(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, value: str, reason: str
) -> None:
    assert invalid(webhook, caplog, value) == reason
    assert endpoint.asked == []


def test_a_token_bound_to_the_connection_s_certificate(auth: OAuthIntrospection, endpoint: Endpoint) -> None:
    own, other = certificate(), certificate()
    endpoint.answers[OPAQUE] = active(cnf={"x5t#S256": thumbprint(own)})
    assert settled(auth, shown_by(own, OPAQUE)).name == CLIENT
    for shown in (other, None):
        with pytest.raises(Unauthorized) as refusal:
            settled(auth, shown_by(shown, OPAQUE))
        assert refusal.value.reason == "certificate_not_proved"
    assert settled(auth, shown_by(own, OPAQUE)).name == CLIENT
    assert endpoint.asked == [OPAQUE], "the certificate is looked at with each request, whatever is kept"


def test_parallel_first_sights_are_one_request(endpoint: Endpoint) -> None:
    count = 20
    for attempt in range(5):
        auth, value = app_i(endpoint), f"parallel-{attempt}"
        endpoint.answers[value] = active()
        begin = threading.Barrier(count, timeout=LIMIT)

        def call(auth: OAuthIntrospection = auth, value: str = value, begin: threading.Barrier = begin) -> str:
            begin.wait()
            return settled(auth, bearing(f"Bearer {value}")).name

        with ThreadPoolExecutor(count) as pool:
            assert [each.result(LIMIT) for each in [pool.submit(call) for _ in range(count)]] == [CLIENT] * count
    assert endpoint.asked == [f"parallel-{attempt}" for attempt in range(5)]


def need(auth: OAuthIntrospection, value: str = OPAQUE) -> NeedsIO:
    with pytest.raises(NeedsIO) as raised:
        auth.authenticate(bearing(f"Bearer {value}"))
    return raised.value


@pytest.mark.parametrize("reply", [None, (500, {}, b"")])
def test_a_fetch_that_comes_late_asks_nothing(auth: OAuthIntrospection, endpoint: Endpoint, reply: Any) -> None:
    endpoint.reply = reply
    first, second = need(auth), need(auth)
    first.fetch()
    second.fetch()
    # One that had looked for the answer just before it came would begin a flight of its own.
    question = second.fetch.__self__  # type: ignore[attr-defined]
    question._flight.fetch()
    assert endpoint.asked == [OPAQUE]


def test_a_request_that_waits_holds_no_other_up(
    auth: OAuthIntrospection, endpoint: Endpoint, times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    known = Counted(auth)
    accepted(known, OPAQUE)
    endpoint.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(settled, auth, bearing("Bearer another"))
        for _ in range(3):
            accepted(known, OPAQUE)
        assert turned_away(known, caplog, "Bearer a b").reason == "malformed_token"
        endpoint.gate.set()
        with pytest.raises(Unauthorized):
            waiting.result(LIMIT)


def test_the_number_of_kept_answers_is_bounded(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "MAX_TOKENS", 3)
    auth = app_i(endpoint)
    webhook = Counted(auth)
    accepted(webhook, OPAQUE)
    for number in range(10):
        post(webhook, headers={"Authorization": f"Bearer flood-{number}"})
        accepted(webhook, OPAQUE)
    assert endpoint.asked.count(OPAQUE) == 1, "what is in use is not forgotten for a flood of others"
    assert len(auth._questions) == 3


@pytest.mark.parametrize(
    "other",
    [OPAQUE[:-1], OPAQUE[:-2], f"{OPAQUE}=", OPAQUE.upper(), OPAQUE[1:], f"x{OPAQUE}", f"{OPAQUE[:-3]}2=="],
)
def test_two_tokens_never_share_an_answer(
    webhook: Counted, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, other: str
) -> None:
    accepted(webhook, OPAQUE)
    assert invalid(webhook, caplog, other) == "token_inactive"
    accepted(webhook, OPAQUE)
    assert endpoint.asked == [OPAQUE, other]


def test_a_kept_answer_does_not_hold_the_token(auth: OAuthIntrospection) -> None:
    settled(auth, bearing(f"Bearer {OPAQUE}"))
    [(key, question)] = auth._questions.items()
    assert OPAQUE.encode() not in key
    assert OPAQUE not in vars(question).values()


def test_the_secret_is_shown_nowhere(
    auth: OAuthIntrospection, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        settled(auth, bearing(f"Bearer {OPAQUE}"))
        endpoint.reply = (401, {}, OWN_SECRET.encode())
        with pytest.raises(Unavailable) as refusal:
            settled(auth, bearing("Bearer another"))
    shown = caplog.text + repr(auth) + str(auth) + repr(refusal.value) + str(refusal.value.note)
    assert "canary" not in shown
    assert OPAQUE not in shown
    assert "client_secret=[redacted]" in repr(auth)


SETTINGS: dict[str, Any] = {
    "endpoint": "https://idp.example/introspect", "client_id": OWN_CLIENT, "client_secret": OWN_SECRET,
    "issuer": ISSUER, "audience": API,
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "word"),
    [({"endpoint": "http://idp.example/introspect"}, "endpoint"), ({"endpoint": "idp.example"}, "endpoint"),
     ({"endpoint": "https://user:canary@idp.example/"}, "endpoint"), ({"endpoint": ""}, "endpoint"),
     ({"endpoint": None}, "endpoint"), ({"endpoint": "https://idp.example/#a"}, "endpoint"),
     ({"endpoint": "http://127.0.0.1.idp.example/"}, "endpoint"), ({"client_id": ""}, "client_id"),
     ({"client_id": None}, "client_id"), ({"client_secret": None}, "client_secret"),
     ({"client_secret": [OWN_SECRET, OWN_SECRET]}, "client_secret"), ({"client_secret": ""}, "client_secret"),
     ({"client_secret": []}, "client_secret"), ({"client_secret": 5}, "client_secret"),
     ({"client_secret": {"canary": OWN_SECRET}}, "client_secret"), ({"client_secret": FileSecret}, "client_secret"),
     ({"client_secret": [{}]}, "client_secret"), ({"client_secret": b"canary-canary-canary"}, "client_secret"),
     ({"client_secret": "changeme-changeme"}, "client_secret"), ({"client_secret": "canary1"}, "client_secret"),
     ({"client_secret": "<canary-canary-canary>"}, "client_secret"), ({"issuer": ""}, "issuer"),
     ({"issuer": None}, "issuer"), ({"audience": ()}, "audience"), ({"audience": ""}, "audience"),
     ({"scopes": ["a b"]}, "scopes"), ({"client_ids": [""]}, "client_ids"), ({"cache_seconds": 0.9}, "cache_seconds"),
     ({"cache_seconds": 301}, "cache_seconds"), ({"cache_seconds": math.nan}, "cache_seconds")],
)  # fmt: skip
def test_a_wrong_setting_does_not_start(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as raised:
        OAuthIntrospection(**(SETTINGS | options))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("name", ["endpoint", "client_id", "client_secret", "issuer"])
def test_a122_a_setting_is_missing(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        OAuthIntrospection(**{key: value for key, value in SETTINGS.items() if key != name})


@pytest.mark.parametrize("endpoint", ["http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:8080/x"])
def test_http_to_this_machine(endpoint: str) -> None:
    assert OAuthIntrospection(**(SETTINGS | {"endpoint": endpoint})).endpoint == endpoint


def test_a_weak_secret_for_a_trial() -> None:
    OAuthIntrospection(**(SETTINGS | {"client_secret": "secret"}), allow_weak=True)


def test_a_line_end_is_stripped_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    OAuthIntrospection(**(SETTINGS | {"client_secret": f"{OWN_SECRET}\n"}))
    [record] = caplog.records
    assert "client_secret" in record.getMessage()
    assert OWN_SECRET not in caplog.text


def test_a_secret_in_a_variable(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", OWN_SECRET)
    auth = app_i(endpoint, client_secret=[EnvironmentSecret("CLIENT_SECRET")])
    accepted(Counted(auth), OPAQUE)
    assert "client_secret=EnvironmentSecret('CLIENT_SECRET')" in repr(auth)
    monkeypatch.setenv("CLIENT_SECRET", "changeme")
    with pytest.raises(ConfigurationError, match="CLIENT_SECRET"):
        app_i(endpoint, client_secret=EnvironmentSecret("CLIENT_SECRET"))


def test_a_secret_in_a_file_that_is_replaced(
    endpoint: Endpoint, times: Times, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret"
    path.write_text("canary of the day before", encoding="utf-8")
    webhook = Counted(app_i(endpoint, times, client_secret=FileSecret(path, clock=times.clock)))
    assert "status 401" in unavailable(webhook, caplog)
    endpoint.faults.clear()
    path.write_text(f"{OWN_SECRET}\n", encoding="utf-8")
    times.move(FILE_MAX_AGE)
    accepted(webhook, OPAQUE)
    path.unlink()
    times.move(FILE_MAX_AGE)
    assert "client_secret could not be had" in unavailable(webhook, caplog)


def test_a_source_that_turns_weak(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    class Own:
        def get(self) -> str:
            return "changeme"

    assert "ConfigurationError" in unavailable(Counted(app_i(endpoint, client_secret=Own())), caplog)
    assert endpoint.asked == []


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cachetools", None)
    with pytest.raises(ConfigurationError, match=r"cxfulfill\[oauth\]"):
        OAuthIntrospection(**SETTINGS)


COLD = OAuthIntrospection(**SETTINGS)
WELL_FORMED = re.compile(r"bearer +[A-Za-z0-9._~+/-]+=* *", re.IGNORECASE)


@given(ANY_HEADER | mutated(JWT).map("Bearer ".__add__) | mutated(OPAQUE).map("Bearer ".__add__))
def test_any_header_is_refused_or_asked_about_and_never_an_error(value: str) -> None:
    try:
        COLD.authenticate(bearing(value))
    except NeedsIO:
        assert WELL_FORMED.fullmatch(value)
    except Unauthorized:
        return
    else:
        raise AssertionError("nobody was asked")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ["active", "iss", "aud", "client_id", "scope", "token_type", "exp", "nbf", "cnf", "sub"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.dictionaries(st.sampled_from(MEMBERS), JSON) | JSON)
def test_any_answer_is_judged_and_never_an_error(endpoint: Endpoint, answer: Any) -> None:
    endpoint.answers[OPAQUE] = active() | answer if isinstance(answer, dict) else answer
    try:
        principal = settled(app_i(endpoint, scopes="webhook.call"), bearing(f"Bearer {OPAQUE}"))
    except (Unauthorized, Forbidden, Unavailable):
        return
    assert principal.name
    assert "cnf" not in answer
