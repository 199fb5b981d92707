"""Deprecations: each names what goes, when, and its successor, at the line that uses it, and goes when it said."""

import warnings
from pathlib import Path
from typing import Any

import pytest

import cxfulfill
from tests.docs.pages import snippets
from tests.release.deprecations import Deprecation, deprecations

ROOT = Path(__file__).parents[2]
HOLD = "hold_room is deprecated and goes away in 2.0: use reserve_room."
DAYS = "The parameter days of reserve_room is deprecated and goes away in 2.0: use nights."
CHANGELOG = """
## [1.4.0]

### Added
- stay

### Deprecated
- hold_room

### Removed
- leave
"""


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return snippets(ROOT / "docs/release/policy.md")


def test_the_pages_examples_warn_at_the_line_that_uses_them_and_work_as_before(page: dict[str, Any]) -> None:
    with pytest.warns(DeprecationWarning, match="hold_room") as of_a_function:
        assert page["hold_room"](2) == "2 guests, 1 nights"
    with pytest.warns(DeprecationWarning, match="days") as of_a_parameter:
        assert page["reserve_room"](2, days=1) == "2 guests, 1 nights"
    told = [(str(warning.message), warning.filename) for warning in [*of_a_function, *of_a_parameter]]
    assert told == [(HOLD, __file__), (DAYS, __file__)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert page["reserve_room"](2) == "2 guests, 1 nights"


def test_nothing_in_the_package_is_deprecated_in_another_way_or_past_its_time() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    found = deprecations(ROOT / "cxfulfill")
    assert [fault for each in found for fault in each.faults(cxfulfill.__version__, changelog, tests)] == []


def test_a_deprecation_is_found_in_each_of_its_forms(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "module.py").write_text(
        "@typing_extensions.deprecated('one')\ndef f(): ...\n"
        "warnings.warn('two', category=DeprecationWarning, stacklevel=2)\n"
        "warn('three', DeprecationWarning, 2)\n"
        "click.option('--old', deprecated='four')\n"
        "warnings.warn('a warning of another kind', RuntimeWarning)\n"
        "warnings.warn(made_elsewhere, DeprecationWarning)\n"
    )
    found = [(each.place.rpartition(":")[2], each.sentence) for each in deprecations(package)]
    assert sorted(found) == [("1", "one"), ("3", "two"), ("4", "three"), ("5", "four"), ("7", "")]


@pytest.mark.parametrize(
    ("sentence", "version", "fault"),
    [
        ("hold_room is deprecated.", "1.4.0", "not of the form"),
        ("", "1.4.0", "not of the form"),
        (HOLD, "2.0.0", "was to go in 2.0"),
        (HOLD.replace("hold_room", "leave"), "1.4.0", "does not list leave under Deprecated"),
        (HOLD.replace("reserve_room", "stay"), "1.4.0", "no test expects the sentence about hold_room"),
    ],
)
def test_what_is_wrong_with_a_deprecation_is_told_by_its_place(sentence: str, version: str, fault: str) -> None:
    tests = HOLD + HOLD.replace("hold_room", "leave")
    [told] = Deprecation("package/module.py:1", sentence).faults(version, CHANGELOG, tests)
    assert told.startswith("package/module.py:1: ")
    assert fault in told


def test_a_deprecation_that_is_as_it_should_be_has_no_fault() -> None:
    assert list(Deprecation("package/module.py:1", HOLD).faults("1.9.3", CHANGELOG, HOLD)) == []
