"""Markdown becomes a tree in which nothing is HTML and no scheme but the web's is a link."""

import sys
from typing import Any

import pytest

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator import markdown
from cxfulfill.simulator.markdown import tree


def text(value: str) -> dict[str, str]:
    return {"text": value}


def tag(name: str, *children: Any, **members: Any) -> dict[str, Any]:
    return {"tag": name, "children": list(children)} | members


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        ("", []),
        ("Hello", [tag("p", text("Hello"))]),
        ("a\n\nb", [tag("p", text("a")), tag("p", text("b"))]),
        ("a\nb", [tag("p", text("a"), tag("br"), text("b"))]),
        ("a  \nb", [tag("p", text("a"), tag("br"), text("b"))]),
        ("## Head", [tag("heading", text("Head"))]),
        ("**a** *b* ~~c~~", [
            tag("p", tag("strong", text("a")), text(" "), tag("em", text("b")), text(" "), tag("s", text("c")))
        ]),
        ("- a\n- b", [tag("ul", tag("li", tag("p", text("a"))), tag("li", tag("p", text("b"))))]),
        ("3. c", [tag("ol", tag("li", tag("p", text("c"))), start=3)]),
        ("> q", [tag("blockquote", tag("p", text("q")))]),
        ("---", [tag("hr")]),
        ("`x`", [tag("p", tag("code", text("x")))]),
        ("```\nx\n```", [tag("pre", text("x\n"))]),
        ("    x", [tag("pre", text("x\n"))]),
        ("[a](https://a.example/?b=1)", [tag("p", tag("a", text("a"), href="https://a.example/?b=1"))]),
        ("![alt *text*](https://a.example/i.png)", [
            tag("p", tag("img", alt="alt *text*", href="https://a.example/i.png"))
        ]),
        ("|a|\n|-|\n|b|", [
            tag("table", tag("thead", tag("tr", tag("th", text("a")))), tag("tbody", tag("tr", tag("td", text("b")))))
        ]),
        ("<b>x</b>", [tag("p", text("<b>x</b>"))]),
        ("<script>alert(1)</script>", [tag("p", text("<script>alert(1)</script>"))]),
        ("[x](javascript:alert(1))", [tag("p", text("[x](javascript:alert(1))"))]),
    ],
)  # fmt: skip
def test_a_text_becomes_a_tree(source: str, blocks: list[Any]) -> None:
    assert list(tree(source)) == blocks


def test_nesting_is_bounded() -> None:
    depth, nodes = 0, list(tree(">" * 5000 + "deep"))
    while nodes:
        depth += 1
        nodes = [child for node in nodes for child in node.get("children", ())]
    assert depth < 50


@pytest.mark.parametrize("source", ["*a " * 9_000 + "a* " * 9_000, "**a *b " * 5_000 + " b* a**" * 5_000])
def test_emphasis_in_emphasis_is_bounded_too(source: str) -> None:
    assert tree(source) == (tag("p", text(source)),)


def test_emphasis_that_is_nested_as_people_do_is_shown() -> None:
    assert tree("***a** b*") == (tag("p", tag("em", tag("strong", text("a")), text(" b"))),)


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    monkeypatch.setattr(markdown, "_parser", markdown._parser.__wrapped__)
    with pytest.raises(ConfigurationError, match=r"cxfulfill\[tools\]"):
        tree("a text that nobody asked for before")
