"""The size gates: `make check` runs this. Module and function lengths, and circles are import-linter's.

Lengths are counted from ``ast`` over the package: docstrings and blank lines count as they stand.
"""

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "cxfulfill"
MAX_MODULE = 300
MAX_FUNCTION = 60
MAX_P95 = 25
LEEWAY = {"protocol/messages.py": 340, "protocol/messenger.py": 370}
"""Modules that are one concept and longer by their docstrings alone."""


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement behind the docstring to the last."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def main() -> int:
    faults, lengths = [], []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        text = path.read_text(encoding="utf-8")
        lines = len(text.splitlines())
        if lines > LEEWAY.get(name, MAX_MODULE):
            faults.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = body_length(node)
                lengths.append(length)
                if length > MAX_FUNCTION:
                    faults.append(f"{name}: {node.name} has {length} lines")
    lengths.sort()
    p95 = lengths[int(len(lengths) * 0.95)]
    if p95 > MAX_P95:
        faults.append(f"functions: p95 is {p95} lines")
    sys.stdout.write("\n".join([*faults, f"{len(lengths)} functions, p95 {p95}, longest {lengths[-1]} lines"]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
