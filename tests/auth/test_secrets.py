"""Shared secrets from elsewhere: sources of ours and of users', end to end, and what they refuse."""

import hmac
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import BasicAuth, ConfigurationError, Context, HeaderSecret, NeedsIO, Unavailable
from cxfulfill.auth import fetched
from cxfulfill.auth.accepted import Accepted
from cxfulfill.auth.fetched import PAUSE, STALE_FOR, Gone
from cxfulfill.auth.sources import FILE_MAX_AGE, MAX_BYTES, EnvironmentSecret, FetchedSecret, FileSecret, SecretSource
from tests.clock import Clock
from tests.pipeline.support import CANARY, LIMIT, NEXT_SECRET, SECRET, Counted, Result, Unreadable, basic, post

PASSWORD = "pä:ss-4f1d-9b07-a6c3"
CREDENTIALS = f"cx:{PASSWORD}"
VARIABLE = "CX_WEBHOOK_SECRET"


class Held:
    """A source of a user's that holds its value, or an error."""

    blocking = False

    def __init__(self, found: object) -> None:
        self.found = found
        self.asked = 0

    def get(self) -> str:
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Held({self.found!r})"  # as a dataclass would show it


class Vault(FetchedSecret):
    """A source of a user's that fetches."""

    def __init__(self, value: bytes | Exception, clock: Callable[[], float], name: str = "vault/cx") -> None:
        super().__init__(name, max_age=100, clock=clock)
        self.value = value
        self.fetches = 0

    def fetch(self) -> bytes:
        self.fetches += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.fixture
def clock() -> Clock:
    return Clock()


def key(auth: HeaderSecret, value: str | None, **request: Any) -> Result:
    return post(Counted(auth), headers={"Authorization": value}, **request)


def sign_in(auth: BasicAuth, text: str) -> Result:
    return post(Counted(auth), headers={"Authorization": basic(text)})


def replace(path: Path, text: str | bytes) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(text if isinstance(text, bytes) else text.encode())
    other.replace(path)


def background() -> None:
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-fetch":
            thread.join(LIMIT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cx-secret"
    path.write_text(SECRET)
    return path


@pytest.fixture(params=["text", "environment", "file", "own", "fetched"])
def given(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock
) -> Callable[[str], str | SecretSource]:
    """Turns a value into a secret from somewhere."""

    def give(value: str) -> str | SecretSource:
        if request.param == "environment":
            monkeypatch.setenv(VARIABLE, value)
            return EnvironmentSecret(VARIABLE)
        if request.param == "file":
            path = tmp_path / "given"
            path.write_text(value)
            return FileSecret(path, clock=clock)
        if request.param == "fetched":
            return Vault(value.encode(), clock)
        return value if request.param == "text" else Held(value)

    return give


def test_a_header_secret_from_anywhere(given: Any) -> None:
    auth = HeaderSecret("Authorization", given(SECRET))
    assert key(auth, SECRET).status == 200
    assert [key(auth, value, stream=Unreadable()).status for value in (NEXT_SECRET, SECRET[:-1], "", None)] == [401] * 4


def test_a_basic_password_from_anywhere(given: Any) -> None:
    auth = BasicAuth("cx", given(PASSWORD))
    assert auth.username == "cx"
    assert sign_in(auth, CREDENTIALS).status == 200
    assert [sign_in(auth, text).status for text in (f"cy:{PASSWORD}", f"cx:{PASSWORD}x", "cx:", ":")] == [401] * 4


def test_basic_credentials_as_cx_stores_them(given: Any) -> None:
    auth = BasicAuth.from_credentials(given(CREDENTIALS))
    webhook = Counted(auth)
    names: list[str] = []

    def who(ctx: Context) -> None:
        names.append(ctx.principal.name)

    webhook.add_handler("who", who)
    body = b'{"fulfillmentInfo":{"tag":"who"}}'
    assert post(webhook, body, headers={"Authorization": basic(CREDENTIALS)}).status == 200
    assert names == ["cx"]
    assert auth.username is None
    assert [sign_in(auth, text).status for text in (f"cy:{PASSWORD}", "cx:", f"cx:{CREDENTIALS}", "cx")] == [401] * 4


def test_credentials_of_two_users_name_the_caller() -> None:
    auth = BasicAuth.from_credentials([CREDENTIALS, f"next:{PASSWORD}"])
    webhook = Counted(auth)
    names: list[str] = []
    webhook.add_handler("who", lambda ctx: names.append(ctx.principal.name))
    for text in (CREDENTIALS, f"next:{PASSWORD}"):
        assert post(webhook, b'{"fulfillmentInfo":{"tag":"who"}}', headers={"Authorization": basic(text)}).status == 200
    assert names == ["cx", "next"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("no-colon-9f2c-1d77-4c60", "user:password"), (f":{PASSWORD}", "username"), ("cx:", "empty"),
        ("cx:short", "too short"), ("cx:changeme-changeme", "placeholder"), (f'"cx:{PASSWORD}"', "quotes"),
        (f'cx:"{PASSWORD}"', "quotes"), (f"cx:{PASSWORD}\r\nx", "newline"), ("", "empty"),
        ("Basic Y3g6cMOkOnNzLTRmMWQtOWIwNw==", "user:password"), (f"\ufeffcx:{PASSWORD}", "byte order mark"),
    ],
)  # fmt: skip
def test_a119_credentials_of_another_form(value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        BasicAuth.from_credentials(value)
    assert not value or value not in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_weak_credentials_for_a_trial() -> None:
    assert sign_in(BasicAuth.from_credentials("cx:short", allow_weak=True), "cx:short").status == 200


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (f" {SECRET}", "space"), (f"{SECRET} ", "space"), ("\udcff" + SECRET, "control"), ("\ufeff" + SECRET, "mark"),
        (f"'{SECRET}'", "quotes"), ("Bearer changeme-and-more", "placeholder"),
        ("Bearer aaaabbbbaaaabbbbaaaa", "too few"),
    ],
)  # fmt: skip
def test_a119_header_values_that_could_never_match(value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        HeaderSecret("Authorization", value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("name", ["", "c:x", "c\nx", "\udcff"])
def test_a119_user_names_that_cannot_be_sent(name: str) -> None:
    with pytest.raises(ConfigurationError, match="username"):
        BasicAuth(name, PASSWORD)


@pytest.mark.parametrize("name", ["", "X_Key", "X Key", "Host", "content-type", "X-Forwarded-For"])
def test_a119_headers_that_cannot_be_sent(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name must be a header that CX can send"):
        HeaderSecret(name, SECRET)


class Asynchronous:
    async def get(self) -> str:
        return SECRET


@pytest.mark.parametrize(
    "nothing", [None, 5, [], [None], b"bytes-9f2c-1d77-4c60", Held, [SECRET, Held], Asynchronous(), {SECRET: SECRET},
                object()]
)  # fmt: skip
def test_a119_what_is_neither_text_nor_a_source(nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="neither text nor a source"):
        HeaderSecret("Authorization", nothing)


# --- the environment -------------------------------------------------------------------------------------------------


def test_a_variable_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    auth = HeaderSecret("Authorization", EnvironmentSecret(VARIABLE))
    monkeypatch.setenv(VARIABLE, NEXT_SECRET)
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (200, 401)
    assert not auth.blocking


@pytest.mark.parametrize("name", ["CX_NOWHERE", "", "has space", f"{CANARY}-9f2c"])
def test_a_variable_that_is_not_there(name: str) -> None:
    with pytest.raises(ConfigurationError, match="variable") as raised:
        EnvironmentSecret(name)
    assert (name == "CX_NOWHERE") == ("CX_NOWHERE" in str(raised.value))
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize("value", ["", "changeme", f'"{SECRET}"', "shorty", "\udcff" * 20])
def test_a119_a_weak_variable(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigurationError, match=VARIABLE) as raised:
        HeaderSecret("Authorization", EnvironmentSecret(VARIABLE))
    assert not value or value not in str(raised.value)


def test_a050_rotation_by_two_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setenv("CX_NEXT", NEXT_SECRET)
    auth = HeaderSecret("Authorization", [EnvironmentSecret(VARIABLE), EnvironmentSecret("CX_NEXT")])
    assert [key(auth, value).status for value in (SECRET, NEXT_SECRET, "Bearer x")] == [200, 200, 401]


# --- files -----------------------------------------------------------------------------------------------------------


def test_a050_a_file_that_is_replaced(file: Path, clock: Clock) -> None:
    auth = HeaderSecret("Authorization", FileSecret(file, clock=clock))
    assert not auth.blocking
    replace(file, NEXT_SECRET)
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (200, 401)
    clock.seconds += FILE_MAX_AGE
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (401, 200)


def test_a_file_is_read_again_in_the_background(file: Path, clock: Clock) -> None:
    auth = HeaderSecret("Authorization", FileSecret(file, clock=clock))
    replace(file, NEXT_SECRET)
    clock.seconds += FILE_MAX_AGE * 0.9
    assert key(auth, SECRET).status == 200
    background()
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (401, 200)


def test_a050_rotation_by_two_files(file: Path, tmp_path: Path, clock: Clock) -> None:
    following = tmp_path / "next"
    following.write_text(NEXT_SECRET)
    auth = HeaderSecret("Authorization", [FileSecret(file, clock=clock), FileSecret(following, clock=clock)])
    assert [key(auth, value).status for value in (SECRET, NEXT_SECRET, "Bearer x")] == [200, 200, 401]


@pytest.mark.parametrize("content", [None, Path.mkdir, os.mkfifo, b"\xff" * 20, b"x" * (MAX_BYTES + 1)])
def test_a_file_that_is_no_secret_stops_the_start(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "cx-secret"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        content(path)
    with pytest.raises(ConfigurationError, match="cannot be read") as raised:
        FileSecret(str(path))
    assert str(path) in str(raised.value)


def test_a_file_that_cannot_be_looked_at_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OSError"):
        FileSecret(tmp_path / ("x" * 300))


@pytest.mark.parametrize("value", ["", "\n", "changeme", f"'{SECRET}'", f"{SECRET}\n\n", f"{CANARY}\x00{SECRET}"])
def test_a119_a_weak_file_stops_the_start(file: Path, value: str) -> None:
    file.write_text(value)
    with pytest.raises(ConfigurationError, match="cx-secret") as raised:
        HeaderSecret("Authorization", FileSecret(file))
    assert CANARY not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("value", ["", "changeme", f'"{SECRET}"', f"Bearer {CANARY}", f"{CANARY}\x01{SECRET}"])
def test_a119_a_weak_value_that_arrives_later(
    file: Path, clock: Clock, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = Counted(HeaderSecret("Authorization", FileSecret(file, clock=clock)))
    replace(file, value)
    clock.seconds += FILE_MAX_AGE
    for sent in (value, SECRET, value):
        result = post(webhook, headers={"Authorization": sent}, stream=Unreadable())
        assert (result.status, result.reason) == (503, "secret_refused")
        assert CANARY not in result.body.decode()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert caplog.text.count("note=") == 3
    assert caplog.text.count(str(file)) == 4
    assert CANARY not in caplog.text
    assert post(webhook, method="GET", path="/ready").status == 503
    replace(file, NEXT_SECRET)
    clock.seconds += FILE_MAX_AGE
    assert post(webhook, headers={"Authorization": NEXT_SECRET}).status == 200


@pytest.mark.parametrize("content", [None, b"\xff" * 20, b"x" * (MAX_BYTES + 1)])
def test_a_file_that_is_gone_or_no_text_any_more_opens_nothing(
    file: Path, clock: Clock, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = Counted(HeaderSecret("Authorization", FileSecret(file, clock=clock)))
    if content is None:
        file.unlink()
    else:
        replace(file, content)
    clock.seconds += FILE_MAX_AGE
    result = post(webhook, headers={"Authorization": SECRET}, stream=Unreadable())
    assert (result.status, result.reason) == (503, "secret_unavailable")
    assert result.headers["Retry-After"] == str(PAUSE)
    assert f"note=\"no secret from FileSecret('{file}'): " in caplog.text
    assert SECRET not in caplog.text
    file.write_text(NEXT_SECRET)
    clock.seconds += PAUSE
    assert post(webhook, headers={"Authorization": NEXT_SECRET}).status == 200


def test_a_file_that_cannot_be_read_for_now_goes_on(file: Path, clock: Clock) -> None:
    auth = HeaderSecret("Authorization", FileSecret(file, clock=clock))
    file.unlink()
    file.mkdir()
    clock.seconds += FILE_MAX_AGE
    assert key(auth, SECRET).status == 200
    clock.seconds += STALE_FOR
    assert key(auth, SECRET).status == 503


# --- a newline at the end --------------------------------------------------------------------------------------------


def newlines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "newline" in record.getMessage()]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a120_a_newline_is_warned_of_once_a_source(given: Any, end: str, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(HeaderSecret("Authorization", given(SECRET + end)))
    assert [post(webhook, headers={"Authorization": SECRET}).status for _ in range(3)] == [200] * 3
    assert len(newlines(caplog)) == 1
    assert SECRET not in caplog.text


def test_a120_nor_again_where_the_file_is_replaced(file: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text(SECRET + "\n")
    auth = HeaderSecret("Authorization", FileSecret(file, clock=clock))
    replace(file, NEXT_SECRET + "\n")
    clock.seconds += FILE_MAX_AGE
    assert key(auth, NEXT_SECRET).status == 200
    [line] = newlines(caplog)
    assert str(file) in line


def test_a120_credentials_with_a_newline(caplog: pytest.LogCaptureFixture) -> None:
    assert sign_in(BasicAuth.from_credentials(CREDENTIALS + "\n"), CREDENTIALS).status == 200
    assert len(newlines(caplog)) == 1


# --- sources of users ------------------------------------------------------------------------------------------------


class Plain:
    """The least that is a source."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get(self) -> str:
        return self.value


def test_a_source_of_ones_own_counts_as_blocking() -> None:
    source = Plain("short")
    auth = HeaderSecret("Authorization", source)  # not asked at construction: that could block
    assert auth.blocking
    assert key(auth, "short").status == 503
    source.value = SECRET
    assert key(auth, SECRET).status == 200
    assert auth.ready()


@pytest.mark.parametrize("value", ["short", None, 5, b"bytes"])
def test_a119_a_source_that_holds_its_value_is_checked_at_construction(value: object) -> None:
    with pytest.raises(ConfigurationError, match="from Held "):
        HeaderSecret("Authorization", Held(value))


@pytest.mark.parametrize(
    ("problem", "reason", "note"),
    [
        (RuntimeError(CANARY), "secret_unavailable", "HeaderSecret: value from Held failed with RuntimeError"),
        (Unavailable(), "unavailable", "HeaderSecret: value from Held is unavailable"),
        (Unavailable(reason="sealed", note="unseal the vault"), "sealed", "unseal the vault"),
        (None, "secret_refused", "HeaderSecret: value from Held is no text"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_had(problem: object, reason: str, note: str, caplog: pytest.LogCaptureFixture) -> None:
    source = Held(SECRET)
    auth = HeaderSecret("Authorization", [source, NEXT_SECRET])
    source.found = problem
    assert key(auth, NEXT_SECRET).status == 200
    result = key(auth, SECRET, stream=Unreadable())
    assert (result.status, result.reason) == (503, reason)
    assert f'note="{note}"' in caplog.text
    assert CANARY not in caplog.text + result.body.decode()


def test_a_caller_without_credentials_costs_no_look_at_the_source() -> None:
    source = Plain(SECRET)
    held = Held(SECRET)
    auth = HeaderSecret("Authorization", [source, held])
    assert key(auth, None).status == 401
    basic_auth = BasicAuth("cx", held)
    for header in (None, "", "Basic", "Basic %%%", "Bearer x", "Basic Y3g"):
        assert post(Counted(basic_auth), headers={"Authorization": header}).status == 401
    assert held.asked == 2  # both at construction


def test_a_source_that_is_down_serves_what_it_holds(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = Vault(SECRET.encode(), clock)
    auth = HeaderSecret("Authorization", source)
    assert source.fetches == 0
    assert key(auth, SECRET).status == 200
    source.value = OSError(CANARY)
    clock.seconds += 100
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (200, 401)
    assert source.fetches == 2
    source.value = Gone("revoked")
    clock.seconds += PAUSE
    result = key(auth, SECRET)
    assert (result.status, result.reason) == (503, "secret_unavailable")
    assert "note=\"no secret from Vault('vault/cx'): revoked\"" in caplog.text
    assert CANARY not in caplog.text


def test_a_source_that_is_down_from_the_start(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = Vault(OSError(CANARY), clock)
    result = key(HeaderSecret("Authorization", source), SECRET)
    assert (result.status, result.reason) == (503, "secret_unavailable")
    assert "no secret from Vault('vault/cx'): OSError" in caplog.text
    assert CANARY not in caplog.text


def test_a_source_that_hangs(clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    gate = threading.Event()

    class Hangs(Vault):
        def fetch(self) -> bytes:
            gate.wait(LIMIT)
            return super().fetch()

    auth = HeaderSecret("Authorization", [Hangs(SECRET.encode(), clock), NEXT_SECRET])
    assert key(auth, SECRET).status == 503
    assert "no secret from Hangs('vault/cx'): it took too long" in caplog.text
    assert key(auth, NEXT_SECRET).status == 200
    gate.set()
    background()


def test_sources_that_are_cold_are_fetched_at_the_same_time(clock: Clock) -> None:
    together = threading.Barrier(3)

    class Together(Vault):
        def fetch(self) -> bytes:
            together.wait(LIMIT)
            return super().fetch()

    values = (SECRET, NEXT_SECRET, "Bearer 77aa-1d77-4c60-b1ab")
    auth = HeaderSecret("Authorization", [Together(value.encode(), clock, value[-4:]) for value in values])
    assert key(auth, values[2]).status == 200
    assert [key(auth, value).status for value in values] == [200] * 3


def test_50_parallel_cold_calls_fetch_once_and_warn_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = Vault(f"{SECRET}\n".encode(), clock)
    webhook = Counted(HeaderSecret("Authorization", source))
    gate, statuses = threading.Barrier(50), []

    def call() -> None:
        gate.wait(LIMIT)
        statuses.append(post(webhook, headers={"Authorization": SECRET}).status)

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert statuses == [200] * 50
    assert source.fetches == 1
    assert len(newlines(caplog)) == 1


def test_a_value_is_judged_once(caplog: pytest.LogCaptureFixture) -> None:
    source = Held(SECRET)
    auth = HeaderSecret("Authorization", source)
    source.found = "short"
    [watched] = auth.secrets._sources
    assert watched._judge("short") is watched._judge("short")  # as two threads do that saw it arrive
    assert len(caplog.records) == 1


def test_every_candidate_is_compared(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    compared: list[bytes] = []

    def counting(given: bytes, accepted: bytes) -> bool:
        compared.append(accepted)
        return real(given, accepted)

    real = hmac.compare_digest
    auth = HeaderSecret("Authorization", [SECRET, Held(NEXT_SECRET), SECRET.lower()])
    monkeypatch.setattr(hmac, "compare_digest", counting)
    for sent in (SECRET, NEXT_SECRET, "Bearer x"):
        compared.clear()
        key(auth, sent)
        assert len(compared) == 3


# --- /ready and warm() -----------------------------------------------------------------------------------------------


def probe(auth: Any) -> Any:
    return post(Counted(auth), method="GET", path="/ready").json["parts"]


def test_secrets_in_the_settings_are_not_listed_by_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    for auth in (HeaderSecret("X-Key", [SECRET, EnvironmentSecret(VARIABLE)]), BasicAuth("cx", SECRET)):
        assert not hasattr(auth, "ready")
        assert not hasattr(auth, "warm")
        assert auth.blocking is False
        assert probe(auth) == {"handlers": True, "store": True}


def test_ready_starts_the_first_fetch(clock: Clock) -> None:
    gate = threading.Event()

    class Gated(Vault):
        def fetch(self) -> bytes:
            gate.wait(LIMIT)
            return super().fetch()

    source = Gated(SECRET.encode(), clock)
    auth = HeaderSecret("Authorization", source)
    assert probe(auth) == {"handlers": True, "store": True, "auth": False}
    gate.set()
    background()
    assert probe(auth) == {"handlers": True, "store": True, "auth": True}
    assert source.fetches == 1
    clock.seconds += 100  # past its age, and still held
    assert probe(auth) == {"handlers": True, "store": True, "auth": True}
    background()
    assert source.fetches == 2


def test_ready_says_no_where_the_value_is_refused_or_gone(clock: Clock) -> None:
    source = Vault(b"short", clock)
    auth = HeaderSecret("Authorization", source)
    auth.warm()
    assert not auth.ready()
    source.value = Gone("revoked")
    clock.seconds += 100
    auth.warm()
    assert not auth.ready()


def test_a_revoked_secret_beside_a_good_one_leaves_the_service_ready(clock: Clock) -> None:
    revoked, good = Vault(Gone("revoked"), clock), Vault(NEXT_SECRET.encode(), clock)
    auth = HeaderSecret("Authorization", [revoked, good])
    auth.warm()
    auth.warm()  # nothing to fetch now: the one is held, the other failed a moment ago
    assert (revoked.fetches, good.fetches) == (1, 1)
    assert auth.ready()
    assert (key(auth, NEXT_SECRET).status, key(auth, SECRET).status) == (200, 401)
    assert HeaderSecret("Authorization", [revoked, NEXT_SECRET]).ready()


def test_a_source_that_only_asks_for_a_fetch(clock: Clock) -> None:
    source = Held(SECRET)
    source.found = NeedsIO(lambda: setattr(source, "found", SECRET))
    auth = HeaderSecret("Authorization", source)
    assert auth.ready()  # it says nothing of it, and a service that is never ready is never asked
    assert key(auth, SECRET).status == 200


# --- nothing is shown ------------------------------------------------------------------------------------------------


def test_no_repr_shows_a_secret(monkeypatch: pytest.MonkeyPatch, file: Path, clock: Clock) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    file.write_text(SECRET)
    variable, mounted, own = EnvironmentSecret(VARIABLE), FileSecret(file, clock=clock), Held(SECRET)
    several: list[str | SecretSource] = [SECRET, variable, mounted, own, Vault(SECRET.encode(), clock)]
    auth = HeaderSecret("Authorization", several)
    assert key(auth, NEXT_SECRET).status == 401
    assert repr(variable) == f"EnvironmentSecret('{VARIABLE}')"
    assert repr(mounted) == f"FileSecret('{file}')"
    assert repr(auth) == (
        f"HeaderSecret('Authorization', value=[redacted] | EnvironmentSecret('{VARIABLE}') | FileSecret('{file}') "
        "| Held | Vault('vault/cx'))"
    )
    assert repr(BasicAuth("cx", [SECRET, NEXT_SECRET])) == "BasicAuth('cx', password=[redacted])"
    assert repr(BasicAuth.from_credentials(CREDENTIALS)) == "BasicAuth.from_credentials([redacted])"
    watched = auth.secrets._sources[1]
    assert SECRET not in repr(watched._judge(SECRET))


LONG_CANARY = f"{CANARY}-9f2c-1d77-4c60"


def test_a_canary_goes_through_every_refusal_unseen(
    given: Any, clock: Clock, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    sources: list[Any] = [given(LONG_CANARY)]
    for bad in (f"'{LONG_CANARY}'", f"{LONG_CANARY}\x00", f" {LONG_CANARY}\n", CANARY, f"{LONG_CANARY}\udcff"):
        sources += [bad, Plain(bad), [LONG_CANARY, Plain(bad)], Vault(bad.encode("utf-8", "replace"), clock)]
    sources.append(Vault(f"{LONG_CANARY}\xff".encode("latin-1"), clock))
    sources.append(Vault(LONG_CANARY.encode() * MAX_BYTES, clock))
    sources.append(Vault(RuntimeError(LONG_CANARY), clock))
    builders: list[Callable[[Any], Any]] = [
        lambda source: HeaderSecret("X-Key", source), lambda source: BasicAuth("cx", source), BasicAuth.from_credentials
    ]  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        for source in sources:
            for build in builders:
                try:
                    webhook = Counted(build(source))
                except ConfigurationError as error:
                    shown.append(f"{error} {error!r}")
                    continue
                for header in (None, SECRET, basic(f"cx:{SECRET}"), basic(f"cx:{CANARY}"), LONG_CANARY):
                    sent = {"Authorization": header, "X-Key": header and f"{header}x"}
                    result = post(webhook, headers=sent, stream=Unreadable())
                    assert result.status in (401, 503)
                    shown.append(f"{result.headers} {result.body.decode()} {webhook.auth!r}")
    assert len(shown) > 100
    assert CANARY not in caplog.text + "\n".join(shown)


def test_shared_secrets_load_no_library_of_googles() -> None:
    program = "import sys, cxfulfill.auth.secrets, cxfulfill.auth.secret_manager; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for module in ("google", "grpc", "google.protobuf", "proto", "requests"):
        assert f"'{module}'" not in done.stdout


def test_literals_cost_no_more_than_a_comparison() -> None:
    accepted = Accepted("x", [SECRET, NEXT_SECRET], lambda _, value: value.encode())
    assert not accepted.may_change
    assert "has" in vars(accepted)
    assert accepted.has.args == ((SECRET.encode(), NEXT_SECRET.encode()),)  # type: ignore[attr-defined]
