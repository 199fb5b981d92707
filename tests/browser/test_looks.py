"""The page for everyone: axe-core's rules in both schemes and all widths, and nothing that runs out of the screen."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cxfulfill.simulator.page_server import PageServer
from tests.browser.conftest import opened, play

WIDTHS = {"wide": 1600, "medium": 1024, "narrow": 360}


def faults(page: Page) -> list[str]:
    """Serious and critical findings, each with the elements."""
    results: Any = Axe().run(page).response
    return [
        f"{found['id']}: {[node['target'] for node in found['nodes']]}"
        for found in results["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, server: PageServer, scheme: str) -> None:
    with opened(browser, server, color_scheme=scheme, bypass_csp=True) as page:
        assert faults(page) == []
        for tag in ("rich", "legacy", "markdown", "voice", "changes", "timeout"):
            play(page, tag)
        page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        page.get_by_role("button", name="Edit turn 1").click()
        for name, width in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 800})
            assert faults(page) == [], name
        for pane in ("Session", "Call"):
            page.get_by_role("button", name=pane, exact=True).click()
            assert faults(page) == [], pane
        page.get_by_role("button", name="Menu").click()
        assert faults(page) == []
        page.get_by_role("button", name="Start over…").click()
        assert faults(page) == []


def test_nothing_runs_out_of_the_screen(page: Page) -> None:
    for tag in ("rich", "voice", "markdown", "changes"):
        play(page, tag, "a-very-long-word-" * 20)
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    for width in (360, 520, 521, 820, 821, 1180, 1181, 1319, 1320, 2200):
        page.set_viewport_size({"width": width, "height": 700})
        for selector in ("html", "#log", "#composer", ".scrolls", ".part", ".item", ".signal"):
            excess = page.locator(selector).evaluate_all("all => all.map((one) => one.scrollWidth - one.clientWidth)")
            assert max(excess) <= 0, (width, selector)


def test_on_a_narrow_screen_the_panes_are_behind_tabs(browser: Browser, server: PageServer) -> None:
    with opened(browser, server, viewport={"width": 360, "height": 700}) as page:
        play(page, "changes")
        expect(page.get_by_role("heading", name="Session", exact=True)).to_be_hidden()
        page.get_by_role("button", name="Session", exact=True).click()
        expect(page.get_by_role("heading", name="Session", exact=True)).to_be_visible()
        expect(page.get_by_role("log")).to_be_hidden()
        page.get_by_role("button", name="Conversation", exact=True).click()
        page.get_by_role("button", name="Look at turn 1, call 1").click()
        expect(page.get_by_role("heading", name="Turn 1, call 1")).to_be_focused()
        expect(page.get_by_role("button", name="Call", exact=True)).to_have_attribute("aria-pressed", "true")


def test_the_menu_opens_and_closes_by_keyboard(browser: Browser, server: PageServer) -> None:
    with opened(browser, server, viewport={"width": 800, "height": 700}) as page:
        menu = page.get_by_role("button", name="Menu")
        expect(page.get_by_role("button", name="Save")).to_be_hidden()
        menu.press("Enter")
        expect(page.get_by_role("button", name="Save")).to_be_visible()
        expect(menu).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(menu).to_be_focused()
        expect(page.get_by_role("button", name="Save")).to_be_hidden()


def test_nothing_jumps_when_an_answer_comes(page: Page) -> None:
    places = "[...document.querySelectorAll('.composer, .pane')].map((one) => one.getBoundingClientRect().top)"
    before = page.evaluate(places)
    play(page, "changes")
    assert page.evaluate(places) == before
