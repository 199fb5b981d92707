"""References to session parameters in URLs, headers and bodies."""

import json
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.simulator.substitution import substituted

PARAMETERS: dict[str, Any] = {
    "fruit": "Äpfel & Birnen/50%", "size": 3.0, "half": -2.5, "huge": 1e300, "exact": 17, "yes": True, "none": None,
    "tags": ["ä", 1], "guest-name": {"name": "Ada", "original": "ada", "age": {"years": 36.0}}, "a_b": "x",
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "header", "url"),
    [
        ("$session.params.fruit", "Äpfel & Birnen/50%", "%C3%84pfel%20%26%20Birnen%2F50%25"),
        ("Size: $session.params.size", "Size: 3", "Size: 3"),
        ("$session.params.half $session.params.exact", "-2.5 17", "-2.5 17"),
        ("$session.params.huge", "1e+300", "1e%2B300"),
        ("$session.params.yes/$session.params.none", "true/null", "true/null"),
        ("$session.params.tags", '["ä", 1]', "%5B%22%C3%A4%22%2C%201%5D"),
        ("$session.params.guest-name.original", "ada", "ada"),
        ("$session.params.guest-name.age.years", "36", "36"),
        ("$session.params.guest-name.age.months", "$session.params.guest-name.age.months", None),
        ("$session.params.guest-name.", json.dumps(PARAMETERS["guest-name"]) + ".", None),
        ("/files/$session.params.a_b.json", "/files/x.json", "/files/x.json"),
        ("$session.params.a_b$session.params.a_b", "xx", "xx"),
        ("$session.params.missing?x", "$session.params.missing?x", "$session.params.missing?x"),
        ("$session.param.size $sys.func.RAND()", "$session.param.size $sys.func.RAND()", None),
    ],
)
def test_text(template: str, header: str, url: str | None) -> None:
    assert substituted(template, PARAMETERS, "header") == header
    if url is not None:
        assert substituted(template, PARAMETERS, "url") == url


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("$session.params.fruit", "Äpfel & Birnen/50%"),
        ("$session.params.size", 3.0),
        ("$session.params.tags", ["ä", 1]),
        ("$session.params.guest-name", PARAMETERS["guest-name"]),
        ("$session.params.guest-name.age", {"years": 36.0}),
        ("$session.params.none", None),
        ("$session.params.missing", "$session.params.missing"),
        ("$session.params.guest-name.missing", "$session.params.guest-name.missing"),
        ("$session.params.size.x", "3.x"),
        ("Size: $session.params.size", "Size: 3"),
        ('"$session.params.fruit"', '"Äpfel & Birnen/50%"'),
        ([{"deep": "$session.params.exact"}, 5, None, True], [{"deep": 17}, 5, None, True]),
    ],
)
def test_a_body(member: Any, expected: Any) -> None:
    template = json.dumps({"$session.params.size": member})
    assert json.loads(substituted(template, PARAMETERS, "body")) == {"$session.params.size": expected}


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(ConfigurationError, match="the template of a body must be JSON, with each reference in quotes"):
        substituted('{"a": $session.params.size}', PARAMETERS, "body")


def test_a_template_that_is_too_deep_is_told() -> None:
    with pytest.raises(ConfigurationError, match="the template of a body must be JSON"):
        substituted("[" * 50_000 + "]" * 50_000, {}, "body")
