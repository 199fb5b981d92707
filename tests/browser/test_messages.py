"""Every kind of message and of rich content on screen, and what a click on it sends."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import play
from tests.simulator.page_fake import FakeBackend, call, say


def turn_of(page: Page, tag: str) -> Locator:
    play(page, tag)
    return page.get_by_role("article").last


def target(link: Locator) -> tuple[str | None, str | None, str | None]:
    return link.get_attribute("href"), link.get_attribute("target"), link.get_attribute("rel")


def test_every_kind_of_rich_content_is_shown(page: Page) -> None:
    turn = turn_of(page, "rich")
    for words in (
        "Info title", "Info subtitle", "Description title", "Second line", "Link button", "icon chevron_right",
        "Event button", "event book-now", "Script button", "a click is for scripts of the page", "List one",
        "List two", "A quiet room", "pictures.example/room.png", "A tour", "videos.example/tour", "Accordion title",
        "Yes please", "Web chip", "House rules", "terms.pdf", "HTML source", "template seat-map",
    ):  # fmt: skip
        expect(turn.get_by_text(words, exact=False).first).to_be_visible()
    expect(turn.get_by_role("separator")).to_have_count(1)
    expect(turn.get_by_role("region", name="HTML source")).to_have_text("<img src=x onerror=alert(1)><b>HTML item</b>")
    expect(turn.get_by_role("region", name="Payload of the template")).to_contain_text('"rows": 3')
    assert turn.locator("img, video, audio, iframe").count() == 0


def test_links_lead_to_the_web_alone_and_show_where(page: Page) -> None:
    turn = turn_of(page, "rich")
    href = "https://hotel.example/rooms/5?from=chat"
    info = turn.get_by_role("link", name="Info title")
    assert target(info) == (href, "_blank", "noopener noreferrer")
    expect(info).to_contain_text("hotel.example/rooms/5?from=chat")
    links = turn.get_by_role("link")
    for index in range(links.count()):
        found, where, rel = target(links.nth(index))
        assert (found or "").startswith("https://")
        assert (where, rel) == ("_blank", "noopener noreferrer")
    expect(turn.get_by_text("not a web address: javascript:alert(1)")).to_be_visible()


def test_an_accordion_shows_its_text_as_it_is(page: Page) -> None:
    turn = turn_of(page, "rich")
    text = turn.get_by_text("<b>Accordion text</b>")
    expect(text).to_be_hidden()
    turn.get_by_text("Accordion title").click()
    expect(text).to_be_visible()


def test_a_click_sends_its_text_or_event_and_leaves_the_draft(page: Page, backend: FakeBackend) -> None:
    turn_of(page, "rich")
    rich = page.get_by_role("article", name="Turn 1")
    page.get_by_role("textbox", name="Input").fill("a draft")
    for count, (name, kind, value) in enumerate(
        (
            ("Yes please", "text", "Yes please"),
            ("By event", "event", "chip-event"),
            ("Pictured", "text", "Pictured"),
            ("Event button", "event", "book-now"),
            ("List one", "event", "list-one"),
        )
    ):
        rich.get_by_role("button", name=name).click()
        page.get_by_role("article").nth(count + 1).wait_for()
        assert backend.asked[-1].model_dump() == {
            "input": {"kind": kind, "value": value}, "tag": "rich", "parameters": None, "mode": "once",
        }  # fmt: skip
    expect(page.get_by_role("textbox", name="Input")).to_have_value("a draft")


def test_older_spellings_are_read_and_unknown_kinds_are_shown_as_json(page: Page, backend: FakeBackend) -> None:
    turn = turn_of(page, "legacy")
    assert turn.get_by_role("link", name="Legacy info").get_attribute("href") == "https://old.example/info"
    assert turn.get_by_role("link", name="Picture").get_attribute("href") == "https://old.example/a.png"
    assert turn.get_by_role("link", name="Legacy link").get_attribute("href") == "https://old.example/button"
    assert turn.get_by_role("link", name="Legacy chip").get_attribute("href") == "https://old.example/chip"
    expect(turn.get_by_text("unknown kind: carousel")).to_be_visible()
    expect(turn.get_by_text("item without a type")).to_be_visible()
    expect(turn.get_by_text('"wrong"')).to_be_visible()
    turn.get_by_role("button", name="Legacy event").click()
    page.get_by_role("article", name="Turn 2").wait_for()
    assert backend.asked[-1].input.value == "OLD_EVENT"


def test_what_is_of_a_wrong_form_is_shown_as_json(page: Page, backend: FakeBackend) -> None:
    wrong: list[dict[str, Any]] = [{"mixedAudio": {"segments": 5}}, {"channel": 7, "responseType": [], "playAudio": []}]
    cards: list[Any] = [
        [None, 5, "text", [], {"type": "toString"}, {"type": "info", "title": {"toString": 1}}],
        [{"type": "chips", "options": "no list"}, {"type": "chips", "options": [None, {"text": {"toString": 1}}]}],
        [{"type": "list", "title": None, "image": None, "anchor": 5, "event": {"event": None}}],
    ]
    backend.calls["wrong"] = call(*wrong, {"payload": {"richContent": cards}}, say("And on it goes"))
    turn = turn_of(page, "wrong")
    expect(turn.get_by_text("A message that cannot be shown")).to_have_count(1)
    expect(turn.get_by_text("cannot be shown", exact=True)).to_have_count(2)
    expect(turn.get_by_text("unknown kind: toString")).to_be_visible()
    expect(turn.get_by_text("And on it goes")).to_be_visible()


def test_a_text_is_shown_as_markdown(page: Page) -> None:
    turn = turn_of(page, "markdown")
    expect(turn.locator("strong", has_text="5")).to_be_visible()
    expect(turn.locator("em", has_text="reserved")).to_be_visible()
    expect(turn.locator("ol > li")).to_have_count(2)
    expect(turn.locator("code", has_text="late")).to_be_visible()
    expect(turn.get_by_role("cell", name="90")).to_be_visible()
    expect(turn.get_by_text("<b>not bold</b>")).to_be_visible()
    expect(turn.get_by_text("pictures.example/m.png")).to_be_visible()
    assert target(turn.get_by_role("link", name="terms")) == (
        "https://hotel.example/terms", "_blank", "noopener noreferrer",
    )  # fmt: skip
    assert turn.locator("a[href^='javascript']").count() == 0


def test_the_other_variants_of_a_text_can_be_looked_at(page: Page) -> None:
    turn = turn_of(page, "changes")
    expect(turn.get_by_text("variant 1 of 3")).to_be_visible()
    expect(turn.get_by_text("CX picks one")).to_be_visible()
    turn.get_by_role("button", name="Next variant").click()
    expect(turn.get_by_text("All done: 3 nights.")).to_be_visible()
    turn.get_by_role("button", name="Previous variant").click()
    turn.get_by_role("button", name="Previous variant").click()
    expect(turn.get_by_text("Three nights it is.")).to_be_visible()
    expect(turn.get_by_text("variant 3 of 3")).to_be_visible()


def test_what_is_for_voice_and_for_the_platform_is_shown(page: Page) -> None:
    turn = turn_of(page, "voice")
    for words in (
        "only on channel TELEPHONY", "Plain speech", "spoken, SSML", "Hello there, Tom & Ada!", "entry prompt",
        "Plays a recording", "sounds.example/jingle.wav", "Mixed audio", "audio, within the message",
        "Transfers the call to +12125550123", "Hands over to a person", '"night"', "Conversation succeeded",
        "Knowledge card", "Calls a tool", '"look-up"', "Custom payload", "With more", "More of the payload",
        "A message without a kind", '"not a list"', "A text without a variant", "The interaction ends",
    ):  # fmt: skip
        expect(turn.get_by_text(words).first).to_be_visible()
    turn.get_by_text("SSML source").click()
    expect(turn.get_by_role("region", name="SSML source")).to_have_text(
        "<speak>Hello<break time='1s'/>there, <emphasis>Tom &amp; Ada</emphasis>&#33;</speak>"
    )


def test_an_agent_that_says_nothing_is_told(page: Page) -> None:
    expect(turn_of(page, "silent")).to_contain_text("The agent says nothing.")
