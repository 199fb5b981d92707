"""The site as a person has it: in a real Chromium, light and dark, on a desk and on a phone, without a server too."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import faults
from tests.site.conftest import Opened
from tests.site.test_files import content

PHONE = {"width": 360, "height": 740}
LOOKED_AT = (
    "index.html", "auth/settings.html", "idempotency/retries.html", "simulate/console.html",
    "reference/python/index.html", "reference/python/cxfulfill.server.flask.html",
    "project/example_app/main.py.html",
)  # fmt: skip
"""One page of each kind; large ones of the reference take axe long, and are made as the small ones."""
WIDEST = "document.documentElement.scrollWidth"


@pytest.fixture(scope="session")
def drawn(site: Path) -> dict[str, int]:
    """The pages that have diagrams, with how many."""
    counts = {page: page.read_text(encoding="utf-8").count('<pre class="mermaid">') for page in site.rglob("*.html")}
    return {page.relative_to(site).as_posix(): count for page, count in counts.items() if count}


def test_the_navigation_leads_from_the_home_page_to_a_guide_and_on_to_the_next(opened: Opened) -> None:
    with opened("index.html") as page:
        page.get_by_role("navigation", name="Tabs").get_by_role("link", name="How-to").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Who may call")
        page.get_by_role("navigation", name="Navigation").get_by_role("link", name="The console").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("The console")
        picture = page.get_by_role("img", name="A conversation in the console")
        assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
        page.get_by_role("link", name="Next: Record calls and replay them").click()
        expect(page).to_have_title(re.compile("^Record calls"))


def test_a_link_of_the_readme_leads_to_the_page_and_one_to_a_source_file_shows_it(opened: Opened) -> None:
    with opened("index.html") as page:
        page.get_by_role("link", name="example app").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("example_app/main.py")
        expect(page.locator(".highlight").first).to_contain_text("webhook")


@pytest.mark.parametrize("served", [True, False], ids=["from-a-server", "from-a-folder"])
def test_the_search_finds_a_setting_and_a_class(opened: Opened, address: str, site: Path, served: bool) -> None:
    with opened("agent/map.html", address if served else site.as_uri()) as page:
        field = page.get_by_role("textbox", name="Search")
        for words, title in (("IdempotencyStore", "IdempotencyStore"), ("client certificate", "Client certificates")):
            field.fill(words)
            field.press("End")  # the theme listens to keys
            expect(page.locator(".md-search-result__link").filter(has_text=title).first).to_be_visible()
        page.locator(".md-search-result__link").filter(has_text="Client certificates").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Client certificates")


def test_light_and_dark_follow_the_system_or_are_chosen_and_kept(opened: Opened) -> None:
    with opened("index.html", color_scheme="dark") as page:
        body = page.locator("body")
        expect(body).to_have_attribute("data-md-color-scheme", "slate")
        page.get_by_title("Switch to light mode").click()
        expect(body).to_have_attribute("data-md-color-scheme", "default")
        page.get_by_title("Switch to dark mode").click()
        expect(body).to_have_attribute("data-md-color-scheme", "slate")
        page.emulate_media(color_scheme="light")
        page.reload()
        expect(body).to_have_attribute("data-md-color-scheme", "slate")
        page.get_by_title("Follow the system").click()
        expect(body).to_have_attribute("data-md-color-scheme", "default")


def test_on_a_phone_nothing_runs_out_of_the_screen(opened: Opened, drawn: dict[str, int], address: str) -> None:
    with opened("index.html", viewport=PHONE) as page:
        for name in {*LOOKED_AT, *drawn, "reference/command-line.html", "reference/python/webhooks.html"}:
            page.goto(f"{address}/{name}")
            expect(page.locator("pre.mermaid")).to_have_count(0)
            assert page.evaluate(WIDEST) <= PHONE["width"], name


def test_on_a_phone_the_drawer_leads_to_a_guide(opened: Opened) -> None:
    with opened("index.html", viewport=PHONE) as page:
        page.locator("label.md-header__button[for=__drawer]").click()
        for title in ("How-to", "Retries"):
            page.locator("nav.md-nav label.md-nav__link:visible").filter(has_text=title).first.click()
        page.get_by_role("link", name="Choosing a store", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Choosing a store")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_diagram_is_drawn(opened: Opened, drawn: dict[str, int], address: str, scheme: str) -> None:
    assert drawn
    with opened("index.html", color_scheme=scheme) as page:
        for name, count in drawn.items():
            page.goto(f"{address}/{name}")
            pictures = page.locator("div.mermaid svg")
            expect(pictures).to_have_count(count)
            assert all(box["height"] > 50 and box["width"] > 100 for box in boxes(page)), name
            assert pictures.locator("[aria-roledescription=error]").count() == 0, name


def boxes(page: Page) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.locator("div.mermaid svg").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().toJSON())"
    )
    return found


def test_arrows_of_a_diagram_have_the_colour_of_their_lines_in_the_dark(opened: Opened) -> None:
    with opened("idempotency/retries.html", color_scheme="dark") as page:
        picture = page.locator("div.mermaid svg").first
        line = picture.locator(".messageLine0").first.evaluate("one => getComputedStyle(one).stroke")
        head = picture.locator("[id$=-arrowhead] path").first.evaluate("one => getComputedStyle(one).fill")
        assert head == line != "rgb(0, 0, 0)"


def test_on_a_phone_the_letters_of_a_diagram_keep_three_quarters_of_their_size(opened: Opened) -> None:
    with opened("idempotency/retries.html", viewport=PHONE) as page:
        page.locator("div.mermaid svg").first.wait_for()
        shrunk = "one => one.getBoundingClientRect().width / one.viewBox.baseVal.width"
        assert page.locator("div.mermaid svg").first.evaluate(shrunk) >= 0.74
        box = page.get_by_role("group", name="Diagram").first
        box.focus()
        page.keyboard.press("ArrowRight")
        expect(box).to_be_focused()
        page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_the_large_script_of_the_diagrams_is_loaded_by_their_pages_alone(site: Path, drawn: dict[str, int]) -> None:
    loading = {
        page.relative_to(site).as_posix()
        for page in site.rglob("*.html")
        if any("mermaid" in url for url in content(page).loaded)
    }
    assert loading == set(drawn)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_page(opened: Opened, address: str, scheme: str) -> None:
    with opened("index.html", color_scheme=scheme) as page:
        for name in LOOKED_AT:
            page.goto(f"{address}/{name}")
            expect(page.locator("pre.mermaid")).to_have_count(0)
            assert faults(page) == [], name
