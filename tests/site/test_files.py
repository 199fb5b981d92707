"""The files of the site: what they link to is there, what they load is their own, and no public name is missing."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from typing_extensions import override

from cxfulfill.cli.commands import AGENT_COMMANDS, COMMANDS
from cxfulfill.settings.table import PREFIX, SETTINGS
from tests.docs.pages import ROOT

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "video": "src", "audio": "src"}
"""Elements that load something by themselves, and by what; for ``link`` it depends."""


class Content(HTMLParser):
    """Links, ids and loaded addresses of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        if tag in LOADS and LOADS[tag] in found:
            self.loaded.add(found[LOADS[tag]])
        if tag == "link" and found.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.add(found["href"])


@cache
def content(page: Path) -> Content:
    return Content(page)


def pages(site: Path) -> Iterator[Path]:
    return (page for page in site.rglob("*.html") if page.name != "404.html")  # that one is for a server's root


def test_every_link_leads_somewhere(site: Path) -> None:
    dead = []
    for page in pages(site):
        for link in content(page).links | content(page).loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            there = target.is_file() and (not anchor or target.suffix != ".html" or anchor in content(target).ids)
            if not there:
                dead.append(f"{page.relative_to(site)}: {link}")
    assert dead == []


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in pages(site):
        assert [url for url in content(page).loaded if urlsplit(url).netloc] == [], page
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8"))
        assert found == [], sheet


def test_no_link_leads_from_the_text_of_a_page_to_a_source_file_as_a_download(site: Path) -> None:
    for page in pages(site):
        assert [link for link in content(page).links if link.endswith((".md", ".py"))] == [], page


@pytest.mark.parametrize("page", ["auth/basic", "simulate/console", "reference/command-line", "project/CHANGELOG"])
def test_the_navigation_has_every_kind_of_page(site: Path, page: str) -> None:
    home = site / "index.html"
    assert f"{page}.html" in content(home).links


def test_files_outside_docs_have_a_page(site: Path) -> None:
    for page in ("example_app/main.py", "example_app/requests", "docs/operate/monitoring", "ARCHITECTURE"):
        assert (site / f"project/{page}.html").is_file()
    assert "../project/example_app/tests/conftest.py.html" in content(site / "simulate/testing.html").links


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """Those of the snapshot: under a heading of its own, or in the list of its class."""
    text = "".join(page.read_text(encoding="utf-8") for page in (site / "reference/python").iterdir())
    there = set(re.findall(r'<(?:h\d id|b><code><span title)="cxfulfill\.([^"]+)"', text))
    missing = []
    for line in (ROOT / "tests/data/public_api.txt").read_text(encoding="utf-8").splitlines():
        name = re.sub(r"^Cx\.call\((\w+)=\)$", r"Options.\1", line).partition("(")[0].removeprefix("cxfulfill.")
        if there.isdisjoint(room + name for room in ("", "testing.", "server.flask.", "simulator.cx_options.")):
            missing.append(line)
    assert missing == []


def test_every_command_is_in_the_reference(site: Path) -> None:
    ids = content(site / "reference/command-line.html").ids
    assert {f"cxfulfill-{name}" for name in COMMANDS} | {f"cxfulfill-agent-{name}" for name in AGENT_COMMANDS} <= ids


def test_every_setting_is_in_the_reference(site: Path) -> None:
    text = (site / "auth/settings.html").read_text(encoding="utf-8")
    assert [each.name for each in SETTINGS if f"<code>{PREFIX}{each.name}</code>" not in text] == []


def test_the_files_of_others_are_those_that_were_published(site: Path) -> None:
    folder = site / "assets/javascripts"
    sums = re.findall(
        r"(?m)^(\S+\.js) (?:.*\n)+?.*sha256 (\w{64})", (folder / "LICENSES.txt").read_text(encoding="utf-8")
    )
    assert [name for name, _ in sums] == ["mermaid.tiny.js", "iframe-worker.js"]
    for name, expected in sums:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
