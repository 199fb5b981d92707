"""Finds what the package deprecates, in its source, and what is wrong with how it says so."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

SENTENCE = re.compile(r"(?P<old>\S.*) is deprecated and goes away in (?P<version>\d+\.\d+): use \S.*\.")


@dataclass(frozen=True)
class Deprecation:
    """A sentence that the package says, and where."""

    place: str
    sentence: str

    def faults(self, version: str, changelog: str, tests: str) -> Iterator[str]:
        """Tell what is wrong with it.

        Args:
            version: The package's version.
            changelog: The text of the changelog.
            tests: The source of all tests.

        Yields:
            A sentence for each fault.
        """
        found = SENTENCE.fullmatch(self.sentence)
        if not found:
            yield f"{self.place}: not of the form 'X is deprecated and goes away in 2.0: use Y.'"
            return
        if Version(found["version"]) <= Version(version):
            yield f"{self.place}: {found['old']} was to go in {found['version']}"
        if found["old"] not in "".join(
            re.findall(r"^### Deprecated\n(.*?)(?=^#|\Z)", changelog, re.DOTALL | re.MULTILINE)
        ):
            yield f"{self.place}: the changelog does not list {found['old']} under Deprecated"
        if self.sentence not in tests:
            yield f"{self.place}: no test expects the sentence about {found['old']}"


def deprecations(package: Path) -> list[Deprecation]:
    """Find every deprecation of a package.

    Args:
        package: Its directory.

    Returns:
        What it says, by file and line; an empty sentence where it is not written out as one string.
    """
    return [
        Deprecation(f"{path.relative_to(package.parent)}:{node.lineno}", _text(sentence))
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for sentence in _sentences(node)
    ]


def _sentences(call: ast.Call) -> Iterator[ast.expr]:
    name = ast.unparse(call.func).rpartition(".")[2]
    warned = name == "warn" and "DeprecationWarning" in ast.unparse(call)
    if warned or name == "deprecated":
        yield call.args[0]
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "deprecated")


def _text(sentence: ast.expr) -> str:
    return sentence.value if isinstance(sentence, ast.Constant) and isinstance(sentence.value, str) else ""
