"""Answers that were made to harm the page: it stays as it is, and quick enough to be used."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import play
from tests.simulator.page_fake import FakeBackend, call, say

MARKUP = "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"
SCRIPT = {"href": "javascript:window.harmed=1"}
DATA = {"href": "data:text/html,<script>top.harmed=1</script>"}
KINDS = [
    "info", "description", "image", "video", "button", "list", "accordion", "chips", "match_citations", "files",
    "html", "custom_template", "divider", "__proto__", "constructor", "toString", MARKUP,
]  # fmt: skip


def items(anchor: dict[str, str]) -> list[dict[str, Any]]:
    href = anchor["href"]
    parts: dict[str, Any] = {
        "title": MARKUP, "subtitle": MARKUP, "text": MARKUP, "rawUrl": href, "image": {"rawUrl": href},
        "anchor": anchor, "actionLink": href, "link": href, "options": [{"text": MARKUP, "anchor": anchor}],
        "citations": [{"title": MARKUP, "anchor": anchor}], "files": [{"name": MARKUP, "anchor": anchor}],
        "html": MARKUP, "name": MARKUP, "payload": json.loads('{"__proto__": {"harmed": 1}}'),
        "accessibilityText": MARKUP, "icon": {"type": MARKUP}, "source": {"type": MARKUP, "anchor": anchor},
    }  # fmt: skip
    return [{"type": kind, **parts} for kind in KINDS]


HOSTILE = call(
    {"payload": {"richContent": [items(SCRIPT), items(DATA)]}},
    say(MARKUP, f"[a]({SCRIPT['href']}) <javascript:harmed> ![b]({DATA['href']}) {MARKUP}"),
    {"playAudio": {"audioUri": SCRIPT["href"]}},
    {"mixedAudio": {"segments": [{"uri": DATA["href"]}]}},
    {"outputAudioText": {"ssml": MARKUP}},
    {"telephonyTransferCall": {"phoneNumber": MARKUP}},
    {"liveAgentHandoff": {"metadata": json.loads('{"__proto__": {"harmed": 1}}') | {MARKUP: MARKUP}}},
    {"toolCall": {"tool": MARKUP}, "channel": MARKUP, "responseType": MARKUP},
    json.loads('{"__proto__": {"harmed": 1}, "constructor": {"prototype": {"harmed": 1}}, "text": {"text": ["a"]}}'),
    changes=[
        {"name": name, "kind": "set", "before": None, "after": json.loads('{"__proto__": {"harmed": 1}}')}
        for name in (MARKUP, "__proto__")
    ],
    findings=[{"severity": "error", "place": MARKUP, "problem": MARKUP}], sentence=MARKUP, event=MARKUP,
    page_change={"from": MARKUP, "to": MARKUP}, reprompt=[MARKUP],
)  # fmt: skip


def test_nothing_of_an_answer_runs_or_becomes_a_part_of_the_page(page: Page, backend: FakeBackend) -> None:
    backend.calls["hostile"] = HOSTILE
    before = page.evaluate("document.querySelectorAll('img, script, iframe').length")
    play(page, "hostile")
    assert page.evaluate("[window.harmed, ({}).harmed]") == [None, None]
    assert page.evaluate("document.querySelectorAll('img, script, iframe').length") == before
    assert page.evaluate("[...document.links].filter((link) => !/^https?:/.test(link.href)).length") == 0


@pytest.mark.parametrize("depth", [102, 30_000])
def test_json_that_is_too_deep_to_be_laid_out_is_shown_as_it_came(page: Page, backend: FakeBackend, depth: int) -> None:
    body = "[" * depth + "]" * depth
    backend.calls["deep"] = call(answer={"headers": {}, "body": body})
    play(page, "deep")
    assert page.get_by_role("region", name="Answer body").text_content() == body


def test_more_messages_than_anybody_reads_are_counted(page: Page, backend: FakeBackend) -> None:
    backend.calls["many"] = call(*[say("Many words")] * 2_000)
    play(page, "many")
    expect(page.get_by_text("And 1800 messages more")).to_be_visible()
    assert page.locator(".bubble").get_by_text("Many words").count() == 200


def test_texts_on_which_patterns_could_be_slow_are_shown(page: Page, backend: FakeBackend) -> None:
    spaces = " " * 60_000
    change = {"name": "x", "kind": "set", "before": None, "after": f"{spaces}end"}
    backend.calls["slow"] = call({"outputAudioText": {"ssml": "<" * 60_000}}, changes=[change])
    play(page, "slow")
    assert (page.locator("ul.changes code.value").text_content() or "").endswith('end"')
