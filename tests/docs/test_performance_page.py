"""The page about performance: its sums are right, and its commands are there."""

import math
import re

import pytest

from tests.docs.pages import ROOT, dead_links

PAGE = ROOT / "docs/performance.md"
TEXT = PAGE.read_text(encoding="utf-8")
SAFETY = 1.5
CPU = 0.001


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the first table below a heading."""
    table = TEXT.partition(heading)[2].partition("\n|")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in f"|{table}".splitlines()[2:]]


def number(text: str) -> float:
    """Read the first number of a cell."""
    found = re.search(r"[\d,]+(?:\.\d+)?", text)
    assert found is not None
    return float(found[0].replace(",", ""))


@pytest.mark.parametrize("row", rows("With one processor, one worker"), ids=lambda row: row[0])
def test_instances_follow_from_the_formulas(row: list[str]) -> None:
    calls, *given = map(number, row)
    by_processor = calls * CPU * SAFETY
    for instances, (seconds, threads) in zip(given, [(0.05, 8), (0.3, 8), (1.0, 8), (1.0, 32)], strict=True):
        assert instances == math.ceil(max(calls * seconds * SAFETY / threads, by_processor))


def test_the_plan_for_a_million_conversations_adds_up() -> None:
    plan = {row[0]: number(row[2]) for row in rows("## A million conversations")}
    assert plan["turns"] == 1_000_000 / 20
    assert plan["webhook calls"] == pytest.approx(plan["turns"] / 3, rel=0.01)
    calls = plan["webhook calls"]
    assert plan["under way"] == pytest.approx(calls * 0.3, rel=0.01)
    assert plan["instances by concurrency"] == math.ceil(plan["under way"] * SAFETY / 32)
    assert plan["instances by processor"] == math.ceil(calls * CPU * SAFETY / 2)
    assert plan["Redis"] == calls * 2
    assert plan["its memory, `ttl=300`, answers of 1,000 bytes"] == pytest.approx(
        calls * 300 * 1_460 * 1.5 / 1e9, rel=0.05
    )
    assert plan["its connections, at most"] == plan["instances by concurrency"] * 2 * 16
    assert plan["minimum instances"] == math.ceil(plan["instances by concurrency"] * 2 / 3)
    assert plan["lines of the log"] == pytest.approx(calls * 600 / 1e6, rel=0.05)
    assert plan["duplicates"] == calls / 100


def test_the_parts_of_a_call_are_the_whole() -> None:
    assert sum(number(row[1]) for row in rows("Where the time of a call goes")) == 100


def test_its_links_lead_somewhere() -> None:
    assert not dead_links(PAGE)


def test_the_groups_of_benchmarks_are_there() -> None:
    from benchmarks.groups import GROUPS

    named = {name for line in re.findall(r'ARGS="([^"]+)"', TEXT) for name in line.split()}
    assert named <= set(GROUPS)
