"""The table of settings in the documentation is the one in the code; CXFULFILL_UPDATE_DOCS=1 writes it anew."""

import os
import re
from pathlib import Path

from cxfulfill.settings.policies import POLICIES
from cxfulfill.settings.table import PREFIX, SETTINGS

PAGE = Path(__file__).parents[2] / "docs/auth/settings.md"
MARK = "<!-- settings -->\n"


def table() -> str:
    rows = [f"| `{PREFIX}{each.name}` | {each.readers} | {each.text} |" for each in SETTINGS]
    return "\n".join(["| variable | read by | meaning |", "|---|---|---|", *rows]) + "\n"


def test_the_page_has_every_setting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, mark, rest = text.partition(MARK)
    assert mark
    after = re.sub(r"\A\n*(?:\|.*\n)*\n*", "", rest)
    expected = f"{before}{MARK}\n{table()}\n{after}"
    if os.environ.get("CXFULFILL_UPDATE_DOCS"):
        PAGE.write_text(expected, encoding="utf-8")
    assert text == expected or os.environ.get("CXFULFILL_UPDATE_DOCS")


def test_the_page_has_every_policy() -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", PAGE.read_text(encoding="utf-8").partition("## Secrets")[0]))
    assert set(POLICIES) <= named
