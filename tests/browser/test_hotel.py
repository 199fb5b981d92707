"""A whole conversation with the example app, by the real command in a real browser; the pictures of the docs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened, play
from tests.browser.test_looks import faults
from tests.docs.pages import ROOT

IMAGES = ROOT / "docs/simulate/images"
HOTEL = {"HOTEL_USERNAME": "cx-agent", "HOTEL_PASSWORD": "local-development-only"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CXFULFILL_")} | HOTEL
STAY = """{"check-in": {"year": 2030, "month": 6, "day": 14}, "nights": 3, "guests": 2, "room-type": "double",
"guest-name": {"name": "Ada", "original": "ada"}, "offer": {"code": "QUAY10"}}"""


@pytest.fixture
def hotel() -> Iterator[Any]:
    """The command, with the example app."""
    command = [sys.executable, "-m", "cxfulfill.cli", "console", "--app", "example_app.main:webhook", "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        url = process.stdout.readline().strip()
        yield SimpleNamespace(url=url, port=int(url.partition("/#")[0].rpartition(":")[2]))
        process.terminate()
        assert process.wait(60) == 0


def turn(page: Page, number: int) -> Any:
    return page.get_by_role("article", name=f"Turn {number}", exact=True)


def deliver(page: Page, how: str, number: int) -> Any:
    """Send what stands in the fields in another way."""
    page.get_by_role("textbox", name="Input").fill("yes, please")
    page.get_by_role("button", name=how, exact=True).click()
    turn(page, number).wait_for()
    return turn(page, number)


def with_parameters(page: Page, text: str) -> None:
    field = page.get_by_label("Session parameters as a JSON object")
    if not field.is_visible():
        page.get_by_text("Set parameters before the call").click()
    field.fill(text)


def greeted(page: Page) -> None:
    play(page, "welcome", "hi, I'd like a room")
    expect(turn(page, 1)).to_contain_text("Welcome to Harbour Hotel!")
    expect(turn(page, 1)).to_contain_text("A room with a view of the harbour")
    page.get_by_role("button", name="Book a room").click()
    turn(page, 2).wait_for()


def booked(page: Page) -> None:
    with_parameters(page, STAY)
    play(page, "book-room", "yes, that's right")
    expect(turn(page, 3)).to_contain_text("Booked, Ada! Your reference is HH-07800; the stay is 387 euros.")
    state = page.locator("#session-pane")
    expect(state).to_contain_text("HH-07800")


def on_bad_days(page: Page) -> None:
    """The same booking again, as it may arrive."""
    assert deliver(page, "Retry", 4).count() == 1
    expect(page.get_by_role("img", name=re.compile("2 attempts"))).to_be_visible()
    deliver(page, "Double at once", 5)
    expect(page.locator("#call-pane")).to_contain_text("replayed")
    expect(deliver(page, "Timeout", 6)).to_contain_text("webhook.error.timeout")
    expect(deliver(page, "Bad credential", 7)).to_contain_text("webhook.error.rejected")


def on_the_phone(page: Page) -> None:
    with_parameters(page, "")
    play(page, "phone-greeting", "good day")
    expect(turn(page, 8)).to_contain_text("SSML")
    page.get_by_label("Kind of input").select_option("Digits")
    play(page, "keypad-menu", "2")
    expect(turn(page, 9)).to_contain_text("+14155550100")
    page.get_by_label("Kind of input").select_option("Text")
    play(page, "human", "a person, please")
    expect(turn(page, 10)).to_contain_text("front-desk")


def exported(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Export pytest").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def picture(page: Page, name: str) -> None:
    """Make a picture of the docs where that is asked for; it must be there in any case."""
    path = IMAGES / name
    if os.environ.get("CXFULFILL_UPDATE_DOCS"):
        path.parent.mkdir(exist_ok=True)
        page.screenshot(path=path)
    assert path.exists(), f"CXFULFILL_UPDATE_DOCS=1 pytest {__name__}"


def test_a_whole_conversation_with_the_example_app(browser: Browser, hotel: Any, tmp_path: Path) -> None:
    with opened(browser, hotel, bypass_csp=True) as page:
        greeted(page)
        booked(page)
        picture(page, "console.png")
        on_bad_days(page)
        on_the_phone(page)
        assert faults(page) == []
        page.emulate_media(color_scheme="dark")
        picture(page, "console-dark.png")
        test = exported(page, tmp_path)
    assert HOTEL["HOTEL_PASSWORD"] not in test.read_text()
    plugins = ["-p", "no:cxfulfill", "-p", "cxfulfill.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, str(test)],
        cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + test.read_text()
