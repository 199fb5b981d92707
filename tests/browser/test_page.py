"""The console's page in a real browser: a conversation, and what is shown of it."""

import json
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, Page, expect

from cxfulfill.simulator.page_inputs import TurnRequest
from cxfulfill.simulator.page_server import PageServer
from tests.browser.conftest import opened, play
from tests.simulator.page_fake import FakeBackend


def log_of(page: Page) -> str:
    return page.get_by_role("log").inner_text()


def send(page: Page, how: str = "Send") -> None:
    page.get_by_role("button", name=how, exact=True).click()


def test_the_token_leaves_the_address_and_stays_through_a_reload(page: Page, server: PageServer) -> None:
    assert page.url == f"http://127.0.0.1:{server.port}/"
    page.reload()
    expect(page.get_by_text("main:webhook")).to_be_visible()


def test_a_page_opened_without_the_token_says_what_to_do(browser: Browser, server: PageServer) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.get_by_role("alert")).to_contain_text("Open the console by the address that the command printed")
    context.close()


def test_a_turn_is_sent_as_it_is_written(page: Page, backend: FakeBackend) -> None:
    page.get_by_label("Kind of input").select_option("Digits")
    page.get_by_text("Set parameters before the call").click()
    page.get_by_label("Session parameters as a JSON object").fill('{"nights": 3, "offer": null}')
    play(page, "hello", "42")
    (asked,) = backend.asked
    assert asked == TurnRequest.model_validate(
        {"input": {"kind": "dtmf", "value": "42"}, "tag": "hello", "parameters": {"nights": 3, "offer": None}}
    )
    turn = page.get_by_role("article", name="Turn 1")
    expect(turn).to_contain_text("digits")
    expect(turn).to_contain_text("sets 2 parameters")
    expect(page.get_by_role("textbox", name="Input")).to_have_value("")


def test_a_turn_can_be_delivered_otherwise(page: Page, backend: FakeBackend) -> None:
    for count, name in enumerate(("Retry", "Double", "Double at once", "Timeout", "Bad credential")):
        page.get_by_role("textbox", name="Input").fill("hi")
        send(page, name)
        page.get_by_role("article").nth(count).wait_for()
    assert [asked.mode for asked in backend.asked] == [
        "retry", "twice", "twice-concurrently", "timeout", "bad-credential",
    ]  # fmt: skip


def test_no_input_is_sent_without_a_value(page: Page, backend: FakeBackend) -> None:
    page.get_by_role("textbox", name="Input").fill("draft")
    page.get_by_label("Kind of input").select_option("No input")
    expect(page.get_by_role("textbox", name="Input")).to_have_value("")
    send(page)
    expect(page.get_by_role("article")).to_contain_text("no input")
    assert backend.asked[0].input.kind == "none"


def test_tags_are_offered_and_the_first_is_chosen(page: Page) -> None:
    expect(page.get_by_label("Tag", exact=True)).to_have_value("book-room")
    offered = page.locator("#tags option").evaluate_all("all => all.map((one) => [one.value, one.label])")
    assert ["hello", "hello (page Start Page)"] in offered


def test_parameters_that_are_no_object_are_not_sent(page: Page, backend: FakeBackend) -> None:
    page.get_by_text("Set parameters before the call").click()
    field = page.get_by_label("Session parameters as a JSON object")
    for text in ("{", "[1]", "null", '"text"'):
        field.fill(text)
        send(page)
        expect(page.get_by_role("alert")).to_contain_text("Parameters must be a JSON object")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        page.get_by_role("button", name="Dismiss").click()
        expect(page.locator("#problem")).to_be_hidden()
    assert backend.asked == []


def test_a_conversation_by_keyboard_alone(page: Page, backend: FakeBackend) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message field")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Good evening")
    page.keyboard.press("Enter")
    page.get_by_role("article").wait_for()
    assert backend.asked[0].input.value == "Good evening"
    expect(page.get_by_role("textbox", name="Input")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Tag", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("rich")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Show me")
    page.keyboard.press("Enter")
    page.get_by_role("article", name="Turn 2").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    strip = page.get_by_role("button", name="Look at turn 2, call 1")
    expect(strip).to_be_focused()
    outline = strip.evaluate("one => getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth")
    assert outline == "solid2px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Turn 2, call 1")).to_be_focused()


def test_a_turn_is_edited_and_sent_again(page: Page, backend: FakeBackend) -> None:
    for text in ("one", "two", "three"):
        play(page, "hello", text)
    page.get_by_role("button", name="Edit turn 2").click()
    expect(page.get_by_text("Editing turn 2")).to_be_visible()
    value = page.get_by_role("textbox", name="Input")
    expect(value).to_be_focused()
    expect(value).to_have_value("two")
    value.fill("deux")
    send(page)
    expect(page.get_by_role("article")).to_have_count(2)
    assert "You said deux" in log_of(page)
    assert "three" not in log_of(page)
    expect(page.get_by_text("Editing turn 2")).to_be_hidden()
    assert len(backend.turns) == 2


def test_editing_can_be_left(page: Page, backend: FakeBackend) -> None:
    play(page, "hello", "one")
    page.get_by_role("button", name="Edit turn 1").click()
    page.get_by_role("button", name="Cancel").click()
    play(page, "hello", "two")
    assert [turn["input"]["value"] for turn in backend.turns] == ["one", "two"]


def test_only_what_is_new_is_put_into_the_log(page: Page) -> None:
    play(page, "hello", "one")
    page.get_by_role("article", name="Turn 1").evaluate("one => { one.dataset.kept = 'yes'; }")
    play(page, "hello", "two")
    expect(page.get_by_role("article", name="Turn 1")).to_have_attribute("data-kept", "yes")
    log = page.get_by_role("log")
    assert log.evaluate("one => one.scrollTop + one.clientHeight + 1 >= one.scrollHeight")


def test_a_problem_is_told_and_what_was_written_stays(browser: Browser, server: PageServer) -> None:
    with opened(browser, server, refused=1) as page:
        page.get_by_role("textbox", name="Input").fill("fail")
        send(page)
        expect(page.get_by_role("alert")).to_contain_text("The webhook cannot be called.")
        expect(page.get_by_role("textbox", name="Input")).to_have_value("fail")


def test_while_the_webhook_runs_nothing_else_is_sent(
    page: Page, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go, play_on = Event(), backend.turn

    def slowly(turn: TurnRequest) -> None:
        assert may_go.wait(10)
        play_on(turn)

    monkeypatch.setattr(backend, "turn", slowly)
    page.get_by_role("textbox", name="Input").fill("hi")
    send(page)
    expect(page.get_by_text("Waiting for the webhook")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_attribute("aria-disabled", "true")
    page.get_by_role("textbox", name="Input").press("Enter")
    may_go.set()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_text("Waiting for the webhook")).to_be_hidden()
    assert len(backend.turns) == 1


def test_an_ended_session_takes_no_turn_but_can_be_edited(page: Page, backend: FakeBackend) -> None:
    backend.ended = True
    play(page, "voice")
    expect(page.get_by_text("The session has ended.")).to_be_visible()
    page.get_by_role("textbox", name="Input").fill("more")
    page.get_by_role("textbox", name="Input").press("Enter")
    page.get_by_role("button", name="Edit turn 1").click()
    expect(page.get_by_text("The session has ended.")).to_be_hidden()
    send(page)
    expect(page.get_by_role("textbox", name="Input")).to_have_value("")
    assert len(backend.asked) == 2
    assert len(backend.turns) == 1


def test_a_conversation_is_saved_dropped_and_loaded(page: Page, tmp_path: Path) -> None:
    play(page, "hello", "remember me")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    expect(page.get_by_role("status")).to_contain_text("saved as conversation.jsonl")
    assert json.loads(saved.read_text())["tag"] == "hello"
    page.get_by_role("button", name="Start over…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Start over…").click()
    page.get_by_role("button", name="Start over", exact=True).click()
    expect(page.get_by_text("No turns yet")).to_be_visible()
    page.locator("#file").set_input_files(saved)
    expect(page.get_by_role("article")).to_contain_text("You said remember me")


def test_a_file_that_is_too_large_is_not_loaded(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jsonl"
    large.write_text(" " * 1_000_000)
    page.locator("#file").set_input_files(large)
    expect(page.get_by_role("alert")).to_contain_text("too large")


@pytest.mark.parametrize(
    ("name", "filename"), [("Export pytest", "conversation.py"), ("Export curl", "conversation.sh")]
)
def test_a_conversation_is_exported(page: Page, name: str, filename: str) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    assert download.value.suggested_filename == filename


def test_the_page_and_its_form_are_changed(page: Page, backend: FakeBackend) -> None:
    page.get_by_text("Change page and form").click()
    expect(page.get_by_role("textbox", name="Page", exact=True)).to_have_value("Start Page")
    page.get_by_role("textbox", name="Page", exact=True).fill("Booking")
    page.get_by_role("textbox", name="Form as a JSON object").fill('{"nights": null, "guest": "Ada"}')
    page.get_by_role("button", name="Change page").click()
    form = page.get_by_role("table", name="Form of the page")
    expect(form.get_by_role("row", name="nights")).to_contain_text("empty")
    expect(form.get_by_role("row", name="guest")).to_contain_text('"Ada"')
    assert backend.page["display_name"] == "Booking"


def test_the_scheme_follows_the_system_or_the_choice(browser: Browser, server: PageServer) -> None:
    with opened(browser, server, color_scheme="dark") as page:
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        assert page.evaluate(ground) == "rgb(14, 17, 23)"
        page.get_by_label("Colour scheme").select_option("Light")
        assert page.evaluate(ground) == "rgb(243, 244, 248)"
        page.reload()
        assert page.evaluate(ground) == "rgb(243, 244, 248)"
        expect(page.get_by_label("Colour scheme")).to_have_value("light")
        page.get_by_label("Colour scheme").select_option("System colours")
        assert page.evaluate(ground) == "rgb(14, 17, 23)"
