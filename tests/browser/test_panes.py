"""The session beside the conversation, and the call that is looked at."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import play
from tests.simulator.page_fake import FakeBackend, attempt, call, say


def test_what_the_last_answer_changed_is_marked_in_words(page: Page) -> None:
    play(page, "changes")
    table = page.get_by_role("table", name="Session parameters")
    expect(table.get_by_role("row", name="nights")).to_contain_text("changed")
    expect(table.get_by_role("row", name="nights")).to_contain_text("was 2")
    expect(table.get_by_role("row", name="reference")).to_contain_text("new")
    expect(table.get_by_role("row", name="offer")).to_contain_text("deleted")
    expect(table.get_by_role("row", name="guest")).to_contain_text("unchanged")
    play(page, "hello")
    expect(table.get_by_role("row", name="nights")).to_contain_text("unchanged")
    expect(table.get_by_role("row", name="offer")).to_have_count(0)


def test_the_form_shows_what_is_asked_again(page: Page, backend: FakeBackend) -> None:
    backend.page["form"] = [
        {"name": "nights", "state": "INVALID", "value": None, "required": True},
        {"name": "guest", "state": "FILLED", "value": "Ada", "required": False},
    ]
    play(page, "changes")
    row = page.get_by_role("table", name="Form of the page").get_by_role("row", name="nights")
    for words in ("required", "invalid", "changed", "asked again"):
        expect(row).to_contain_text(words)
    turn = page.get_by_role("article", name="Turn 1")
    expect(turn).to_contain_text("Start Page → Confirm")
    expect(turn).to_contain_text("CX asks again for nights")


def test_an_empty_session_says_so(page: Page, backend: FakeBackend) -> None:
    backend.session["parameters"] = {}
    page.reload()
    expect(page.get_by_text("The session has no parameters.")).to_be_visible()


def test_a_call_shows_what_was_sent_what_came_back_and_what_is_to_be_said(page: Page) -> None:
    play(page, "changes")
    pane = page.get_by_role("region", name="Turn 1, call 1")
    for words in (
        "CX takes the answer.", "fulfillmentResponse.messages[0].source", "is larger than 64 KiB",
        "http://127.0.0.1:8080/webhook", "HTTP 200", "Page: Start Page → Confirm", "CX asks again for nights.",
    ):  # fmt: skip
        expect(pane.get_by_text(words).first).to_be_visible()
    request = pane.get_by_role("region", name="Request body")
    expect(request).to_contain_text('"nights": 2.0')
    pane.get_by_role("button", name="As sent").first.click()
    expect(request).to_contain_text('"nights":2.0')
    pane.get_by_role("button", name="As sent").first.click()
    expect(request).to_contain_text('"nights": 2.0')
    pane.get_by_text("2 headers").click()
    expect(pane.get_by_role("table", name="Request headers").get_by_role("row", name="Authorization")).to_contain_text(
        "[redacted]"
    )


def test_the_times_are_a_picture_and_a_table(page: Page) -> None:
    play(page, "changes")
    pane = page.get_by_role("region", name="Turn 1, call 1")
    picture = pane.get_by_role("img", name="Time line: 2 attempts in 640 ms")
    expect(picture).to_be_visible()
    bars = picture.locator("rect")
    assert bars.evaluate_all("all => all.map((one) => one.getAttribute('class'))") == [
        "bar stage-queue", "bar stage-auth", "bar stage-store", "bar stage-handler", "bar stage-rest",
        "bar stage-queue", "bar stage-auth", "bar stage-store", "bar stage-rest",
    ]  # fmt: skip
    assert bars.nth(5).get_attribute("x") == "93.750%"
    expect(picture).to_contain_text("Attempt 2: 200, 40 ms, replayed")
    expect(picture).to_contain_text("812 B in, 240 B out, replayed")
    pane.get_by_text("Times as a table").click()
    rows = pane.get_by_role("table", name="Times of the attempts").get_by_role("row")
    assert rows.nth(1).inner_text().split("\t") == [
        "1", "0 ms", "200", "300 ms", "4 ms", "9 ms", "18 ms", "260 ms", "812 B", "240 B", "ok",
    ]  # fmt: skip


def test_a_call_without_an_answer_tells_the_event_and_when_it_is_silent(page: Page) -> None:
    play(page, "timeout")
    expect(page.get_by_role("article", name="Turn 1")).to_contain_text("Silent where the route that called")
    pane = page.get_by_role("region", name="Turn 1, call 1")
    for words in (
        "webhook.error.timeout", "the event is hidden: the failure is silent", "There is no answer to judge.",
        "No answer came.", "DEADLINE_EXCEEDED",
    ):  # fmt: skip
        expect(pane.get_by_text(words).first).to_be_visible()
    expect(pane.get_by_role("img")).to_contain_text("Attempt 1: timeout, 5 s")


def test_a_refused_call_with_its_event_raised_all_the_same(page: Page, backend: FakeBackend) -> None:
    backend.calls["refused"] = call(
        status=403, ok=False, event="webhook.error.rejected", sentence="The webhook refused the call.",
        attempts=[attempt(status=403, record=None, ms=0.4)],
    )  # fmt: skip
    play(page, "refused")
    pane = page.get_by_role("region", name="Turn 1, call 1")
    expect(pane.get_by_text("the event is raised all the same")).to_be_visible()
    expect(pane.get_by_text("whole call")).to_be_visible()
    expect(pane.get_by_text("HTTP 403")).to_be_visible()


def test_an_answer_that_is_no_json_is_shown_as_it_is(page: Page) -> None:
    play(page, "silent")
    expect(page.get_by_role("region", name="Answer body")).to_have_text("<h1>not JSON</h1>")


def test_an_earlier_call_can_be_looked_at(page: Page) -> None:
    play(page, "timeout")
    play(page, "hello")
    expect(page.get_by_role("heading", name="Turn 2, call 1")).to_be_visible()
    strip = page.get_by_role("button", name="Look at turn 1, call 1")
    strip.click()
    expect(page.get_by_role("heading", name="Turn 1, call 1")).to_be_focused()
    expect(strip).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Look at turn 2, call 1")).to_have_attribute("aria-pressed", "false")


def test_a_turn_may_have_several_calls(page: Page, backend: FakeBackend) -> None:
    play(page, "hello")
    backend.turns[0]["calls"].append(call(say("And another")))
    page.reload()
    expect(page.get_by_role("heading", name="Turn 1, call 2")).to_be_visible()
    expect(page.get_by_role("button", name="Look at turn 1, call 2")).to_have_attribute("aria-pressed", "true")


def test_numbers_and_repeated_members_stay_as_they_were_sent(page: Page, backend: FakeBackend) -> None:
    body = '{"a":12345678901234567890,"a":1.50,"b":[],"c":{},"d":[[]],"e":"\\u003c\\"]"}'
    sent = call()
    sent["request"]["body"] = body
    backend.calls["numbers"] = sent
    play(page, "numbers")
    assert page.get_by_role("region", name="Request body").inner_text().split("\n") == [
        "{", '  "a": 12345678901234567890,', '  "a": 1.50,', '  "b": [],', '  "c": {},', '  "d": [', "    []", "  ],",
        '  "e": "\\u003c\\"]"', "}",
    ]  # fmt: skip


def test_a_large_body_is_shown_whole(page: Page, backend: FakeBackend) -> None:
    sent = call()
    sent["request"]["body"] = '{"long":[' + ",".join(["1"] * 20_000) + "]}"
    backend.calls["large"] = sent
    play(page, "large")
    region = page.get_by_role("region", name="Request body")
    assert region.inner_text().count("1") == 20_000
    assert region.locator("span").count() == 0
