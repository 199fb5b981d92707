"""A large agent is read and checked; and the tools that do it load nothing that they do not need."""

import subprocess
import sys
from pathlib import Path

from cxfulfill.agent.check import check_agent
from cxfulfill.agent.export import read_export
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
