"""A real Chromium on a real server; each test has a page of its own, which must ask nobody but that server."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from cxfulfill.simulator.page_server import PageServer
from tests.browser.page_content import CALLS
from tests.servers.debian import binary
from tests.simulator.page_fake import FakeBackend

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000
"""For a machine that has much else to do; nothing waits so long where all is well."""
REFUSED = "Failed to load resource: the server responded with a status of 400 (BAD REQUEST)"


@pytest.fixture(scope="package")  # no longer: while it is there, asyncio.run() does not work in this thread
def browser() -> Iterator[Browser]:
    chromium = binary("chromium", "chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend(CALLS)


@pytest.fixture
def server(backend: FakeBackend) -> Iterator[PageServer]:
    with PageServer(backend) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def opened(browser: Browser, server: PageServer, *, refused: int = 0, **options: Any) -> Iterator[Page]:
    """Open the page; when it is closed, it must have asked for nothing from elsewhere, and logged nothing.

    The browser itself logs each request that is refused with 400: so many there have to be.
    """
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    logged: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: _note(message, logged))
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.goto(server.url)
    page.get_by_text("main:webhook").wait_for()
    yield page
    origins = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    context.close()
    assert origins == {f"127.0.0.1:{server.port}"}
    assert logged == [REFUSED] * refused


def _note(message: ConsoleMessage, logged: list[str]) -> None:
    if message.type in ("error", "warning"):
        logged.append(message.text)


@pytest.fixture
def page(browser: Browser, server: PageServer) -> Iterator[Page]:
    with opened(browser, server) as page:
        yield page


def play(page: Page, tag: str, text: str = "hi") -> None:
    """Send a turn by the fields, and wait until it is shown."""
    before = page.get_by_role("article").count()
    page.get_by_label("Tag", exact=True).fill(tag)
    page.get_by_role("textbox", name="Input").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("article").nth(before).wait_for()
