"""Recording: what is kept of a call, what never is, and files that hold against several writers."""

import json
import logging
import multiprocessing
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from cxfulfill import BasicAuth, ConfigurationError, Context, Forbidden, Reply, Webhook
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.recording import MAX_BYTES, Recording
from cxfulfill.redaction import Redaction, is_private
from cxfulfill.settings.reading import build
from cxfulfill.settings.server import without_effect
from tests.clock import Clock
from tests.pipeline.support import basic, post
from tests.simulator.recorded import CANARIES, CANARY, NUMBER, SESSION, request
from tests.simulator.writers import a_call, write_many

PASSWORD = "qn4XvT8dLr2kWc7yBz5m"
CREDENTIAL = {"Authorization": basic(f"cx-agent:{PASSWORD}")}
NOW = datetime(2030, 6, 14, 9, 30, tzinfo=UTC)
DIGEST = sha256(SESSION.encode()).hexdigest()[:12]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CXFULFILL_") or name == "K_SERVICE"]:
        monkeypatch.delenv(name)
    for name, value in (("AUTH", "basic"), ("BASIC_USERNAME", "cx-agent"), ("BASIC_PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"CXFULFILL_{name}", value)


def add_handlers(webhook: Webhook) -> None:
    @webhook.handler("book")
    def book(ctx: Context) -> Reply:
        return Reply(f"Booked for {ctx.parameters.get('email', 'you')}.", parameters={"nights": 3})

    @webhook.handler("echo")
    def echo(ctx: Context) -> Reply:
        return Reply(ctx.text or "nothing", parameters=ctx.parameters, payload=ctx.payload or {})

    @webhook.handler("refuse")
    def refuse(ctx: Context) -> Reply:
        raise Forbidden

    @webhook.handler("fail")
    def fail(ctx: Context) -> Reply:
        raise RuntimeError(CANARY)

    @webhook.flexible("/orders/<email>", methods=["GET", "POST"])
    def order(ctx: FlexibleContext) -> dict[str, Any]:
        return {"total": 40, "email": ctx.path["email"], "body": ctx.body}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recorded"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Webhook]:
    monkeypatch.setenv("CXFULFILL_RECORD", str(folder))
    with closing(Webhook.from_env()) as made:
        add_handlers(made)
        yield made


def lines(folder: Path, name: str = f"{DIGEST}.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def call(webhook: Webhook, tag: str = "book", **changes: Any) -> Any:
    return post(webhook, json.dumps(request(tag, **changes)).encode(), headers=CREDENTIAL)


# What is kept.


def test_a_call_and_its_answer_are_a_line_of_their_session_s_file(webhook: Webhook, folder: Path) -> None:
    sent = request("book", nights=2.0)
    answer = call(webhook, nights=2.0)
    [line] = lines(folder)
    at, ms = line.pop("at"), line.pop("ms")
    assert datetime.fromisoformat(at).tzinfo == UTC
    assert ms >= 0
    assert line == {
        "cxfulfill_recording": 1, "method": "POST", "path": "/webhook", "query": "", "tag": "book", "request": sent,
        "status": 200, "answer": answer.json, "replayed": False,
    }  # fmt: skip


def test_a_retry_is_told(webhook: Webhook, folder: Path) -> None:
    call(webhook)
    call(webhook)
    assert [line["replayed"] for line in lines(folder)] == [False, True]


def test_failures_are_kept_with_the_problem_that_was_sent(webhook: Webhook, folder: Path) -> None:
    call(webhook, "fail")
    call(webhook, "unknown")
    assert [(line["status"], line["answer"]["reason"]) for line in lines(folder)] == [
        (500, "internal"), (404, "unknown_tag"),
    ]  # fmt: skip
    assert CANARY not in (folder / f"{DIGEST}.jsonl").read_text()


def test_a_call_without_a_session_has_a_file_too(webhook: Webhook, folder: Path) -> None:
    post(webhook, json.dumps({"fulfillmentInfo": {"tag": "book"}}).encode(), headers=CREDENTIAL)
    assert [line["tag"] for line in lines(folder, "no-session.jsonl")] == ["book"]


def test_flexible_calls_have_one_file(webhook: Webhook, folder: Path) -> None:
    post(webhook, b"", method="GET", path="/orders/17", query="size=3", headers={**CREDENTIAL, "Idempotency-Key": "k"})
    post(webhook, b'{"a": [1]}', path="/orders/18", headers=CREDENTIAL)
    first, second = lines(folder, "flexible.jsonl")
    assert (first["method"], first["query"], first["tag"], first["request"]) == ("GET", "size=3", "", None)
    assert first["idempotency_key"] == sha256(b"k").hexdigest()[:12]
    assert (second["method"], second["request"]) == ("POST", {"a": [1]})
    assert "idempotency_key" not in second


# What never is.


@pytest.mark.parametrize(
    "headers", [{"Authorization": basic("cx-agent:wrong-password")}, {"Authorization": None}], ids=["wrong", "none"]
)
def test_a_caller_that_is_refused_is_not_kept(webhook: Webhook, folder: Path, headers: Any) -> None:
    assert post(webhook, json.dumps(request("book")).encode(), headers=headers).status == 401
    assert post(webhook, b"", method="GET", path="/orders/17", headers=headers).status == 401
    assert list(folder.iterdir()) == []


def test_nor_is_one_whose_agent_is_refused_or_whom_a_handler_refuses(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("CXFULFILL_RECORD", str(folder))
    other = "projects/p/locations/l/agents/other"
    with closing(Webhook.from_env(allowed_agents=[other])) as webhook:
        webhook.add_handler("book", lambda ctx: "Booked.")
        assert call(webhook).status == 403
    with closing(Webhook.from_env()) as webhook:
        add_handlers(webhook)
        assert call(webhook, "refuse").status == 403
    assert list(folder.iterdir()) == []


def test_nor_is_what_cannot_be_read(webhook: Webhook, folder: Path) -> None:
    assert post(webhook, b"{", headers=CREDENTIAL).status == 400
    assert post(webhook, b"", method="GET", headers=CREDENTIAL).status == 405
    assert post(webhook, b"", method="GET", path="/health").status == 200
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", CANARIES, ids=list(CANARIES))
def test_what_is_private_is_in_no_file(webhook: Webhook, folder: Path, place: str) -> None:
    body = CANARIES[place]("echo")
    assert CANARY in json.dumps(body) or NUMBER in json.dumps(body)
    answered = post(webhook, json.dumps(body).encode(), headers={**CREDENTIAL, "X-Api-Key": CANARY})
    assert answered.status in (200, 500)
    [file] = folder.iterdir()
    kept = file.read_text() + file.name
    assert CANARY not in kept
    assert NUMBER not in kept
    assert PASSWORD not in kept
    assert basic(f"cx-agent:{PASSWORD}") not in kept


def test_nor_is_it_of_flexible_calls(webhook: Webhook, folder: Path) -> None:
    query = urlencode({"access_token": CANARY, "to": f"{CANARY}@b.example", "n": NUMBER})
    body = json.dumps({"card": {"number": 17, "name": CANARY}, "note": f"ring {NUMBER}"}).encode()
    headers = {**CREDENTIAL, "Idempotency-Key": CANARY}
    post(webhook, body, path=f"/orders/{CANARY}", query=query, headers=headers)
    post(webhook, b"", method="GET", path=f"/orders/{NUMBER}", headers=headers)
    kept = (folder / "flexible.jsonl").read_text()
    assert CANARY not in kept
    assert NUMBER not in kept
    first, second = lines(folder, "flexible.jsonl")
    assert first["request"] == {"card": {"number": 0, "name": "[redacted]"}, "note": "ring [redacted]"}
    assert first["query"] == "access_token=%5Bredacted%5D&to=%5Bredacted%5D&n=%5Bredacted%5D"
    assert first["path"] == second["path"] == "/orders/[redacted]"


# What is private.


@pytest.mark.parametrize(
    "name",
    ["password", "userPassword", "PASSWORD", "api-secret", "accessToken", "pin", "pin_code", "PINs", "PINNo", "myPIN",
     "cvv", "CVC2", "card", "cardNumber", "credit cards", "iban", "SSN", "passportNo", "e-mail", "email", "phone",
     "phoneNumber", "telephone", "caller_id", "callerId", "address", "home-address", "birthdate", "date-of-birth",
     "otp", "pwd", "dbPwd", "Authorization", "auth", "basic-auth", "bearer", "sessionCookie", "jwt", "private_key",
     "AWSAccessKey", "securityCode", "socialSecurityNumber", "bank_account", "accountNumber", "mail", "mobile",
     "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44"],
)  # fmt: skip
def test_a_private_name(name: str) -> None:
    assert is_private(name)


@pytest.mark.parametrize("name", ["", "nights", "shopping", "spin", "discard", "reference", "room-type", "écran", "17",
                                  "author", "key", "name", "account"])  # fmt: skip
def test_a_name_that_is_not(name: str) -> None:
    assert not is_private(name)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to jane.doe+x@mail.example, please", "write to [redacted], please"),
        ("<jane@mail.example>;joe@mail.example", "<[redacted]>;[redacted]"),
        ("a" * 200 + "@mail.example", "[redacted]"),
        ("2030-06-14@mail.example", "[redacted]"),
        ("call +1 (415) 555-0100 now", "call [redacted] now"),
        ("4111 1111 1111 1111", "[redacted]"),
        ("it is 4155550", "it is [redacted]"),
        ("٤١٥٥٥٥٠", "[redacted]"),
        ("415\n555_0100", "[redacted]"),
        ("4\u00b71\u00b75\u00b75\u00b75\u00b75\u00b70", "[redacted]"),
        ("4155\u200b550", "[redacted]"),
        ("https://a.example/?n=1&access_token=ab%20c&x=2", "https://a.example/?n=1&access_token=[redacted]&x=2"),
        ('{"user": "u", "password": "hunter"}', '{"user": "u", "password": "[redacted]"}'),
        (r'"{\"pin\":\"47\"}"', r'"{\"pin\":\"[redacted]\"}"'),
        ("pwd=a name=b", "pwd=[redacted] name=b"),
        ("room 415555, 3 nights", "room 415555, 3 nights"),
        ("from 2030-06-14 to 2030-06-17T10:00:00+02:00", "from 2030-06-14 to 2030-06-17T10:00:00+02:00"),
        ("2030-06-14 4155550100", "2030-06-14 [redacted]"),
        ("2030-06-1455550100", "[redacted]"),
        ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("projects/123456789/locations/l/agents/a/flows/00000000-0000-0000-0000-000000000000/pages/p", None),
        ("projects/123456789/locations/l/agents/a/sessions/1f2e", None),
        ("projects/123456789/locations/l/agents/a/sessions/123e4567-e89b-12d3-a456-426614174000", None),
    ],
)
def test_a_text(text: str, kept: str | None) -> None:
    assert Redaction().text(text) == (text if kept is None else kept)
    assert Redaction().text(Redaction().text(text)) == Redaction().text(text)


def test_a_session_s_id_that_is_somebody_s_number_is_another_one_and_always_the_same() -> None:
    parent = "projects/123456789/locations/l/agents/a/environments/e/sessions/"
    first, again, other = (Redaction().text(f"{parent}{own}") for own in ("+4155550100", "+4155550100", "a@b.example"))
    assert first == again != other
    assert first.startswith(f"{parent}recorded-")


def test_types_stay_as_they_are() -> None:
    value = {
        "address": {"street": "a", "zip": 8.5, "rooms": [1, "b", None, True, ""], "more": {"x": "c"}},
        "text": "kept", "amount": 12.5, "ok": False, "no": None, "account": 4155550, "below": 999_999,
        "list": ["a@b.example", {"pin": "1234"}], "a@b.example": 1,
    }  # fmt: skip
    assert Redaction().value(value) == {
        "address": {"street": "[redacted]", "zip": 0, "rooms": [0, "[redacted]", None, True, ""],
                    "more": {"x": "[redacted]"}},
        "text": "kept", "amount": 12.5, "ok": False, "no": None, "account": 0, "below": 999_999,
        "list": ["[redacted]", {"pin": "[redacted]"}], "[redacted]": 1,
    }  # fmt: skip


def test_a_form_s_parameter_is_taken_for_what_its_display_name_says() -> None:
    forms = [
        {"displayName": "pin", "value": "1234", "state": "FILLED"},
        {"display_name": "email", "value": {"a": "b"}},
        {"displayName": "nights", "value": 3.0},
        {"displayName": 17, "value": 3.0},
    ]
    assert [form["value"] for form in Redaction().value(forms)] == ["[redacted]", {"a": "[redacted]"}, 3.0, 3.0]
    assert Redaction().value(forms)[0]["state"] == "FILLED"


def test_a_pair_of_a_name_and_a_value_is_taken_for_what_the_name_says() -> None:
    pairs = [{"name": "password", "value": "x"}, {"key": "pin", "value": [1]}, {"displayName": "Field", "name": "cvv",
             "value": "y"}, {"name": "nights", "value": 3}]  # fmt: skip
    assert [pair["value"] for pair in Redaction().value(pairs)] == ["[redacted]", [0], "[redacted]", 3]


@pytest.mark.parametrize("code", ["123", 123, 123.0])
def test_a_card_s_code_is_taken_out_of_other_texts_though_it_is_short(code: Any) -> None:
    assert Redaction({"cvv": code}).text("it is 123, for 1234 rooms") == "it is [redacted], for 1234 rooms"


def test_a_private_value_that_is_a_member_s_name_costs_no_call() -> None:
    sent = {"fulfillmentInfo": {"tag": "t"}, "sessionInfo": {"parameters": {"address": "fulfillmentInfo"}}}
    assert Redaction(sent).request(sent)["fulfillmentInfo"] == {"tag": "t"}


def test_a_long_private_value_is_looked_for_in_one_go() -> None:
    secret = "- " * 20_000 + "x"
    hides = Redaction({"address": secret})
    assert hides.text("- " * 100_000) == "- " * 100_000
    assert hides.text(f"it is {secret}!") == "it is [redacted]!"


@pytest.mark.parametrize(("digits", "kept"), [("1", "1"), ("12", "00"), ("12345678#", "00000000#"), (17, 17)])
def test_keys_of_a_telephone(digits: Any, kept: Any) -> None:
    assert Redaction().value({"dtmfDigits": digits}) == {"dtmfDigits": kept}
    assert Redaction().value({"pin": {"dtmfDigits": "12"}}) == {"pin": {"dtmfDigits": "[redacted]"}}


def test_a_tag_and_the_id_of_a_call_are_kept() -> None:
    sent = {"detectIntentResponseId": "1234567890", "fulfillmentInfo": {"tag": "v1234567890"}, "text": "1234567890"}
    assert Redaction().request(sent) == {**sent, "text": "[redacted]"}
    assert Redaction().request({"fulfillmentInfo": None}) == {"fulfillmentInfo": None}
    assert Redaction().request(["a@b.example"]) == ["[redacted]"]


def test_what_is_private_by_its_name_is_taken_out_of_all_other_texts_too() -> None:
    sent = request(
        "book", pin="4711x", phone=415555, card={"name": "Jane Doe", "ok": True}, address=" Main St 5 ", cvv="12"
    )
    sent["text"] = "I am JANE DOE, Main St 5; my pin is 4711x (not 4711xy), my phone 415555, and 12 nights"
    hides = Redaction(sent)
    assert hides.request(sent)["text"] == (
        "I am [redacted], [redacted]; my pin is [redacted] (not 4711xy), my phone [redacted], and 12 nights"
    )
    assert hides.value({"say": ["Thank you, Jane Doe!"]}) == {"say": ["Thank you, [redacted]!"]}
    assert hides.request(sent)["sessionInfo"]["session"] == SESSION
    assert Redaction({"pin": "a+b(c"}).text("it is a+b(c.") == "it is [redacted]."


def test_a_query_without_anything_private_is_kept_as_it_was() -> None:
    assert Redaction().query("b=%20&a=+&a=") == "b=%20&a=+&a="
    assert Redaction().query("a=&token=x") == "a=&token=%5Bredacted%5D"


def test_a_long_text_is_read_in_one_go() -> None:
    for piece in ("a", "1 ", "1", "a.", "(", "12345-", "2030-06-14T", "@", "a-", 'a":', "a=", '"', "_"):
        Redaction().text(piece * (200_000 // len(piece)))


# Files.


class Made(NamedTuple):
    recording: Recording
    clock: Clock


@pytest.fixture
def make(folder: Path) -> Callable[..., Made]:
    def one(**options: Any) -> Made:
        clock = Clock(0.0)
        return Made(Recording(folder, clock=clock, now=lambda: NOW, **options), clock)

    return one


def test_folder_and_files_are_for_this_user_alone(webhook: Webhook, folder: Path) -> None:
    call(webhook)
    [file] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    call(webhook)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_that_others_may_open_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o750)
    with pytest.raises(ConfigurationError, match="mode 0700"):
        Recording(folder)


def test_a_link_or_a_file_is_refused_in_its_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="no link"):
        Recording(folder)
    file = tmp_path / "file"
    file.touch(mode=0o600)
    with pytest.raises(ConfigurationError, match="a folder of this user"):
        Recording(file)
    with pytest.raises(ConfigurationError, match=r"cannot be made \(ENOTDIR\)"):
        Recording(file / "below")


def test_its_repr_names_the_folder(folder: Path) -> None:
    assert repr(Recording(folder)) == f"Recording('{folder}')"


@pytest.mark.parametrize("kind", ["link", "pipe", "read pipe"])
def test_a_link_or_pipe_in_place_of_a_file_is_not_followed(
    webhook: Webhook, folder: Path, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    place, target = folder / f"{DIGEST}.jsonl", tmp_path / "target"
    reader = None
    if kind == "link":
        target.touch()
        place.symlink_to(target)
    else:
        os.mkfifo(place)
        reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK) if kind == "read pipe" else None
    with caplog.at_level(logging.WARNING, "cxfulfill"):
        assert call(webhook).said == "Booked for you."
    code = {"link": "ELOOP", "pipe": "ENXIO", "read pipe": "EINVAL"}[kind]
    assert [record.getMessage() for record in caplog.records] == [f"a call could not be recorded: {code}"]
    if kind == "link":
        assert target.read_bytes() == b""
    if reader is not None:
        os.close(reader)


def test_a_failure_loses_no_answer_and_is_told_once_a_minute(
    webhook: Webhook, folder: Path, make: Callable[..., Made], caplog: pytest.LogCaptureFixture
) -> None:
    recording, clock = make()
    webhook.recording = recording
    folder.rmdir()
    with caplog.at_level(logging.WARNING, "cxfulfill"):
        for expected in (1, 1, 2):
            assert call(webhook).status == 200
            assert len(caplog.records) == expected
            clock.seconds += 30.0
    assert {record.getMessage() for record in caplog.records} == {"a call could not be recorded: ENOENT"}


def test_any_other_failure_is_told_by_its_class(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Redaction, "value", lambda self, value: 1 / 0)
    with caplog.at_level(logging.WARNING, "cxfulfill"):
        assert call(webhook).status == 200
    assert [record.getMessage() for record in caplog.records] == ["a call could not be recorded: ZeroDivisionError"]


def test_a_line_that_is_written_in_part_is_a_failure(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda file, data: len(data) - 1)
    with pytest.raises(OSError, match="written in part"):
        make().recording.write("a.jsonl", a_call())


def test_a_full_folder_ends_it_with_one_warning(
    webhook: Webhook, folder: Path, make: Callable[..., Made], caplog: pytest.LogCaptureFixture
) -> None:
    size = len(a_call().line())
    recording, _ = make(max_bytes=3 * size)
    webhook.recording = recording
    (folder / "of-before.jsonl").write_bytes(a_call().line())
    (folder / "of-others.txt").write_bytes(b"x" * 5 * size)
    with caplog.at_level(logging.WARNING, "cxfulfill"):
        for _ in range(4):
            recording.write("a.jsonl", a_call())
        call(webhook)
    assert (folder / "a.jsonl").read_bytes() == 2 * a_call().line()
    assert [record.getMessage() for record in caplog.records] == [
        f"the recorded calls fill their folder: no more are recorded ({3 * size} bytes)"
    ]
    assert MAX_BYTES == 100 * 1024 * 1024


def test_what_other_processes_write_counts_too(folder: Path, make: Callable[..., Made]) -> None:
    recording, _ = make(max_bytes=4 * 1024 * 1024)
    half = a_call("x" * 600_000)
    recording.write("a.jsonl", half)
    (folder / "of-others.jsonl").write_bytes(b"x" * 3 * 1024 * 1024)
    recording.write("a.jsonl", half)  # a mebibyte is full, so the next one looks
    recording.write("a.jsonl", half)
    assert (folder / "a.jsonl").stat().st_size == 2 * len(half.line())


def test_lines_of_several_processes_and_threads_never_mix(folder: Path) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=write_many, args=(folder, who)) for who in "ab"]
    for process in processes:
        process.start()
    with ThreadPoolExecutor() as threads:
        list(threads.map(write_many, [folder] * 2, "cd"))
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = [line["request"].rpartition("-")[0] for line in lines(folder, "a.jsonl")]
    for who in "abcd":
        assert [text for text in found if text.startswith(who)] == [f"{who}-{number}" for number in range(100)]


# The setting.


def test_nothing_is_recorded_where_it_is_not_set() -> None:
    with closing(Webhook.from_env()) as webhook:
        assert webhook.recording is None
        assert webhook.pipeline().recording is None


def test_only_from_env_reads_it(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("CXFULFILL_RECORD", str(folder))
    webhook = Webhook(auth=BasicAuth("a", PASSWORD))
    assert webhook.recording is None
    assert not folder.exists()
    [told] = without_effect(None, 8, is_from_env=False)
    assert told.startswith("CXFULFILL_RECORD,")


def test_it_is_refused_on_cloud_run_unless_it_is_forced(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("CXFULFILL_RECORD", str(folder))
    monkeypatch.setenv("K_SERVICE", "webhook")
    with pytest.raises(ConfigurationError, match="CXFULFILL_RECORD_ON_CLOUD_RUN=1"):
        Webhook.from_env()
    assert not folder.exists()
    monkeypatch.setenv("CXFULFILL_RECORD_ON_CLOUD_RUN", "1")
    with closing(Webhook.from_env()) as webhook:
        assert webhook.recording is not None


def test_a_folder_that_cannot_be_one_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("CXFULFILL_RECORD", str(tmp_path))
    with pytest.raises(ConfigurationError, match="CXFULFILL_RECORD must name a folder"):
        build(Webhook, {})
