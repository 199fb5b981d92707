"""A large agent is read and checked; and the tools that do it load nothing that they do not need."""

import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

from cxfulfill.agent.check import check_agent
from cxfulfill.agent.export import read_export
from cxfulfill.agent.flows import Fulfillment, Page
from cxfulfill.agent.types import Given
from cxfulfill.agent.ways import Key, Ways
from tests.agent.agents import FLOW, Bench, Files, call, handler, parameter, route, small

PAGES = 10_000
UNWANTED = ("flask", "werkzeug", "marshmallow", "redis", "google", "click", "rich", "grpc", "requests", "opentelemetry")


def large() -> Files:
    files = small()
    for at in range(PAGES):
        onward = f"Page {at + 1}" if at + 1 < PAGES else "Start Page"
        files[f"flows/Long/pages/Page {at}.json"] = {
            "name": str(at), "displayName": f"Page {at}", "entryFulfillment": call("hello"),
            "form": {"parameters": [parameter("arrival", "@sys.date")]},
            "transitionRoutes": [route({}, condition="true", targetPage=onward), route({}, targetPage="Previous Page")],
        }  # fmt: skip
    files["flows/Long/Long.json"] = {
        "name": "long", "displayName": "Long", "eventHandlers": [handler("webhook.error")],
        "transitionRoutes": [route({}, condition="true", targetPage="Page 0"), route(call("hello"), intent="greet")],
    }  # fmt: skip
    files[f"flows/Long/pages/Page {PAGES - 1}.json"]["transitionRoutes"].append(route(call("book"), condition="x"))
    files[FLOW]["transitionRoutes"].append(route({}, condition="long", targetFlow="Long"))
    return files


def test_ten_thousand_pages_are_checked(bench: Bench, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    agent = read_export(large().zip(tmp_path / "large.zip"), lambda done, total: told.append((done, total)))
    found = check_agent(agent, bench.app())

    assert len(list(agent.pages())) == PAGES + 4
    assert told[-1] == (len(told), len(told))
    # The room is set on no way to the last page, however long it is; the date on each of the pages before.
    assert [(each.code, each.about) for each in found] == [("CX301", "book room")]


def test_nothing_else_is_loaded() -> None:
    modules = "check, export, formats, baseline, svg, mermaid"
    loaded = f"[name for name in {UNWANTED} if name in sys.modules]"
    code = f"import sys\nfrom cxfulfill.agent import {modules}\nprint({loaded})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_flow_of_many_pages_that_leads_to_many_flows_is_checked(bench: Bench, tmp_path: Path) -> None:
    files = small()
    for at in range(500):
        files[f"flows/f{at}/f{at}.json"] = {"displayName": f"f{at}"}
        files[FLOW]["transitionRoutes"].append(route({}, intent="hello", targetFlow=f"f{at}"))
    for at in range(1500):
        files[f"flows/Booking/pages/p{at}.json"] = {"displayName": f"p{at}"}
    agent = read_export(files.zip(tmp_path / "agent.zip"))
    made = []

    def answers(fulfillment: Fulfillment, page: Page) -> tuple[Iterable[Given], bool, Iterable[Key]]:
        made.append(fulfillment)
        return (), False, ()

    tracemalloc.start()
    Ways(agent, answers, ["arrival"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert made
    assert peak < 30_000_000
