"""Every snippet of the pages about operation runs, and figures are those of the code."""

import logging
import re
from collections.abc import Iterator

import pytest

from cxfulfill import lifecycle, readiness
from cxfulfill.serving import close_all
from cxfulfill.settings.server import read_server
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import basic, body_of, post

PAGES = {path.name: path for path in sorted((ROOT / "docs/operate").glob("*.md"))}
START = PAGES["start-stop-overload.md"]


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CX_PASSWORD", "a-long-random-password")
    log = logging.getLogger("cxfulfill")
    before = log.level
    yield
    log.setLevel(before)  # a page sets it
    close_all()


@pytest.mark.parametrize("name", [name for name in PAGES if name != "monitoring.md"])  # see test_monitoring_data.py
def test_the_snippets_run(name: str) -> None:
    snippets(PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", PAGES[name].read_text(encoding="utf-8")):
        assert (PAGES[name].parent / target).exists(), target


def test_the_page_s_webhook_starts_and_answers() -> None:
    webhook = snippets(START)["webhook"]
    credential = {"Authorization": basic("cx-agent:a-long-random-password")}
    assert post(webhook, body_of("rate"), headers=credential).said == "It is 1.0."
    ready = post(webhook, method="GET", path="/ready").json
    assert ready == {"status": "ready", "parts": {"handlers": True, "startup": True, "store": True}}


def test_the_figures_of_start_stop_and_overload_are_those_of_the_code() -> None:
    text = START.read_text(encoding="utf-8")
    assert f"waits {lifecycle.START_LIMIT:g} seconds before it takes calls" in text
    assert lifecycle.RETRY == readiness.FRESH == 1.0
    assert f"after {readiness.PATIENCE:g} seconds its last answer counts" in text
    assert f"({read_server({'CXFULFILL_MAX_IN_FLIGHT': '8'}).threads} for 8)" in text
    gunicorn = (ROOT / "cxfulfill/server/gunicorn.py").read_text(encoding="utf-8")
    found = re.search(r"graceful_timeout = (\d+) if .* else (\d+)", gunicorn)
    assert found
    assert f"It has {found[2]} seconds for that, on Cloud Run {found[1]}." in text
