"""The picture of an agent shows flows, pages and tags, and whatever stands in a name stays text."""

import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from cxfulfill.agent.mermaid import as_mermaid
from cxfulfill.agent.picture import Picture, State, Tag, picture_of
from cxfulfill.agent.svg import as_svg
from cxfulfill.cli.commands import cli
from tests.agent.agents import COLLECT, DONE, FLOW, ORDERS, Bench, Files, call, handler, parameter, route, small

EVIL = '"]</text><script>alert(1)</script>&\n--> x[["\x1b\x00%%{init}%%'
NS = {"svg": "http://www.w3.org/2000/svg"}


def tags(picture: Picture) -> dict[str, tuple[str, ...]]:
    return {
        box.name: tuple(f"{tag.state.value}{tag.text}" for tag in box.tags)
        for boxes in picture.flows.values()
        for box in boxes
    }


def changed(files: Files) -> None:
    group = {"displayName": "G", "transitionRoutes": [route(call("grouped"), condition="true", targetPage="Done")]}
    files["flows/Booking/transitionRouteGroups/G.json"] = group
    files["agentTransitionRouteGroups/All.json"] = {"displayName": "All", "transitionRoutes": [route(call("book"))]}
    files["flows/Ask/Ask.json"] = {
        "name": "a", "displayName": "Ask", "transitionRoutes": [route({}, targetFlow="Booking")],
        "knowledgeConnectorSettings": {"targetPage": "Gone"},
    }  # fmt: skip
    asked = parameter("x", "@sys.any", fillBehavior={"repromptEventHandlers": [handler("e", targetFlow="Ask")]})
    files[COLLECT] |= {"transitionRouteGroups": ["G"], "eventHandlers": [handler("e", targetPage="End Flow")]}
    files[COLLECT]["form"]["parameters"].append(asked)
    files[COLLECT]["transitionRoutes"].append(route(call("book"), condition="x", targetPage="Collect"))
    files[FLOW]["transitionRoutes"] += [route(call("x", "Gone")), route({"webhook": "Hotel"})]
    files[DONE]["transitionRoutes"].append(route(call("pay")))
    files[DONE]["transitionRoutes"].append(route({}, intent="back", targetPage="Collect"))
    files[ORDERS]["genericWebService"]["uri"] = "https://hotel.example/nowhere"


def test_every_page_and_tag_is_in_it(bench: Bench) -> None:
    picture = picture_of(bench.agent(changed), bench.app())

    assert list(picture.flows) == ["Booking", "Ask", ""]
    assert tags(picture) == {
        "Start Page": (),  # of Ask, which is behind Booking
        "Collect": ("✓book",),
        "Done": ("✓done", "✗Orders", "✓Quotes", "✗pay"),
        "group G": ("✗grouped",),
        "group All": ("✓book",),
    }
    assert [f"{tag.state.value}{tag.text}" for tag in picture.flows["Booking"][0].tags] == ["✓hello", "•x", "•Hotel"]
    assert set(picture.ways) == {
        (("Booking", "Start Page"), ("Booking", "Collect")),
        (("Booking", "Collect"), ("Booking", "Done")),
        (("Booking", "Collect"), ("Ask", "Start Page")),
        (("Booking", "Done"), ("Booking", "Collect")),
        (("Ask", "Start Page"), ("Booking", "Start Page")),
    }
    assert picture.replies == ()  # the one to Done is there anyway


def test_where_a_reply_leads_is_shown_as_well(bench: Bench) -> None:
    picture = picture_of(bench.agent(), bench.app())

    assert picture.replies == ((("Booking", "Collect"), ("Booking", "Done")),)
    assert "  page1 -. reply .-> page2" in as_mermaid(picture).splitlines()
    assert as_svg(picture).count('class="way reply"') == 2  # and in the legend
    assert picture_of(bench.agent()).replies == ()


def test_without_an_application_nothing_is_judged(bench: Bench) -> None:
    picture = picture_of(bench.agent())

    assert {tag.state for boxes in picture.flows.values() for box in boxes for tag in box.tags} == {State.UNKNOWN}
    assert [state.word for state in State] == ["handled", "not handled", "not looked at"]


def test_the_svg_shows_it_and_signs_tell_what_colours_do(bench: Bench) -> None:
    root = ET.fromstring(as_svg(picture_of(bench.agent(changed), bench.app())))

    texts = {"".join(each.itertext()): each.get("style") for each in root.iterfind(".//svg:text", NS)}
    assert {"Booking", "Ask", "All flows", "Collect", "Done", "group G"} <= texts.keys()
    assert texts["✓ book"] == texts["✓ handled"] == "fill:#137333"
    assert texts["✗ pay"] == texts["✗ not handled"] == "fill:#b3261e"
    titles = {each.text for each in root.iterfind(".//svg:g/svg:title", NS)}
    assert "Collect. book: handled" in titles
    assert len(root.findall(".//svg:path[@class='way']", NS)) == 5


def test_boxes_of_a_column_do_not_overlap_and_all_is_within_the_frame(bench: Bench) -> None:
    root = ET.fromstring(as_svg(picture_of(bench.agent(changed), bench.app())))

    boxes = [
        [int(each.get(name, "")) for name in ("x", "y", "width", "height")]
        for each in root.iterfind(".//svg:rect[@class='box']", NS)
    ]
    assert len(boxes) == 6
    width, height = int(root.get("width", "")), int(root.get("height", ""))
    for at, (x, y, w, h) in enumerate(boxes):
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in boxes[at + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_the_mermaid_shows_it(bench: Bench) -> None:
    lines = as_mermaid(picture_of(bench.agent(changed), bench.app())).splitlines()

    assert lines[0] == "flowchart LR"
    assert '  subgraph flow0["Booking"]' in lines
    assert '  subgraph flow2["All flows"]' in lines
    assert '    page1t0(["✓ book"]):::handled' in lines
    assert "    page1 -.- page1t0" in lines
    assert "  page0 --> page1" in lines
    assert [line for line in lines if line.endswith(":::unhandled")] == [
        '    page2t1(["✗ Orders"]):::unhandled', '    page2t3(["✗ pay"]):::unhandled',
        '    page3t0(["✗ grouped"]):::unhandled',
    ]  # fmt: skip
    assert sum(line.startswith("  subgraph") for line in lines) == lines.count("  end")


def evil(files: Files) -> None:
    files["agent.json"]["displayName"] = EVIL
    files[DONE] |= {"displayName": EVIL, "entryFulfillment": call(EVIL)}
    files["flows/Evil/Evil.json"] = {"name": "e", "displayName": EVIL}


def test_whatever_stands_in_a_name_stays_text(bench: Bench) -> None:
    picture = picture_of(bench.agent(evil))

    drawn = as_svg(picture)
    assert "<script" not in drawn
    assert "\x1b" not in drawn
    assert {each.tag.rpartition("}")[2] for each in ET.fromstring(drawn).iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "rect", "text", "tspan", "g",
    }  # fmt: skip
    for line in as_mermaid(picture).splitlines():
        assert re.fullmatch(r'[^"]*(?:"[\w #;.,:()/✓✗•-]*"[^"]*)?', line), line


def test_long_names_are_cut_and_told_in_the_title(bench: Bench) -> None:
    name = "A page whose name is rather long, as they are"
    drawn = as_svg(picture_of(bench.agent(lambda files: files[DONE].update(displayName=name))))

    assert "A page whose name is rath…" in drawn
    assert f"<title>{name}. done: not looked at;" in drawn


def test_an_agent_without_flows_has_an_empty_picture() -> None:
    empty = Picture("Empty", {"Flow": ()}, ())

    assert ET.fromstring(as_svg(empty)).findall(".//svg:g", NS) == []
    assert "subgraph" in as_mermaid(empty)
    assert Tag("x", State.HANDLED).state.word == "handled"


@pytest.fixture
def where(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = ModuleType("app_of_a_test")
    vars(module)["webhook"] = bench.app()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(bench.folder)
    small().write(bench.folder / "agent")
    return bench.folder


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["agent", "map", "agent", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


def test_the_command_writes_the_picture(where: Path) -> None:
    assert run("--app", "app_of_a_test:webhook", "--out", "map.svg").output == "map.svg: 1 flow, 3 pages\n"
    run("--out", "map.mmd")

    assert "✓" in (where / "map.svg").read_text(encoding="utf-8")
    assert (where / "map.mmd").read_text(encoding="utf-8").startswith("flowchart LR\n")


def test_the_command_tells_what_it_cannot_do(where: Path) -> None:
    assert "the name ends in .svg or .mmd" in run("--out", "map.png", code=2).output
    assert "it cannot be written: No such file" in run("--out", "no/map.svg", code=2).output


def test_an_arrow_back_leaves_its_box_on_the_side_where_it_goes(bench: Bench) -> None:
    tree = ET.fromstring(as_svg(picture_of(bench.agent(changed), bench.app())))
    boxes = sorted({int(each.get("x", "")) for each in tree.iterfind(".//svg:rect[@class='box']", NS)})
    width = int(tree.find(".//svg:rect[@class='box']", NS).get("width"))  # type: ignore[union-attr, arg-type]

    paths = [re.findall(r"\d+", each.get("d", "")) for each in tree.iterfind(".//svg:path[@class='way']", NS)]

    back = [(int(path[0]), int(path[6])) for path in paths if int(path[6]) < int(path[0])]
    assert back
    assert all(start in boxes and end - width in boxes for start, end in back)
