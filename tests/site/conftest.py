"""The site as ``make docs`` builds it, once, on a server of 127.0.0.1; each page may ask that server alone."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from typing_extensions import override

from tests.browser.conftest import PATIENCE_MS, browser
from tests.docs.pages import ROOT

__all__ = ["browser"]

Opened = Callable[..., AbstractContextManager[Page]]
OPEN_SHADOWS = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }); };
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site; a warning of the build fails every test."""
    folder = tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment |= {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "WARNING" not in done.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing about each file."""

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(browser: Browser, address: str) -> Opened:
    @contextmanager
    def opened(path: str, base: str = address, **options: Any) -> Iterator[Page]:
        """Open a page; when it is closed, it must have asked for nothing from elsewhere, and logged nothing."""
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | options)
        context.add_init_script(OPEN_SHADOWS)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        asked: list[str] = []
        logged: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.goto(f"{base}/{path}")
        yield page
        context.close()
        origins = {urlsplit(url)[:2] for url in asked if not url.startswith(("data:", "blob:", "about:"))}
        assert origins == {urlsplit(base)[:2]}
        assert logged == []

    return opened
