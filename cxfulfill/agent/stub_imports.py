"""Imports that are added to a module: each where sorters look for it, or to the statement that is there for it."""

import ast
import sys
from collections.abc import Collection, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from typing import Final

_ROW: Final = 88  # columns: what fits there is one line for every sorter
_Import = ast.Import | ast.ImportFrom
_Order = tuple[int, bool, str]


def with_import(text: str, module: str, names: Collection[str]) -> str:
    """Add an import to a module.

    Args:
        text: The module's source.
        module: What is imported from.
        names: The names, perhaps with ``as``; none for the module itself.

    Returns:
        The source. Nothing but a statement that imports from there already is changed.
    """
    rows = text.split("\n")
    tree = ast.parse(text)
    imports, behind = _leading(tree)
    is_plain = any(names) and not any(" as " in name for name in names)
    same = next((each for each in imports if is_plain and _is_plain(each, module, rows, tree)), None)
    if same is not None:
        known = {each.name for each in same.names}
        rows[same.lineno - 1 : same.end_lineno] = _statement(module, known.union(names))
    else:
        at, lines = _place(imports, behind, _order(module, is_from=bool(names)), list(_statement(module, names)))
        rows[at:at] = lines
    return "\n".join(rows)


def _leading(tree: ast.Module) -> tuple[list[_Import], int]:
    """List the imports that a module begins with, and the line behind them, or behind its docstring."""
    body = tree.body
    first = 1 if ast.get_docstring(tree, clean=False) is not None else 0
    imports: list[_Import] = []
    for node in body[first:]:
        if not isinstance(node, _Import):
            break
        imports.append(node)
    behind = max([0, *(node.end_lineno or 0 for node in body[: first + len(imports)])])
    for node in body[first + len(imports) :]:
        if node.lineno <= behind:  # on the same line, behind a semicolon
            behind = node.end_lineno or behind
    return imports, behind


def _is_plain(node: _Import, module: str, rows: list[str], tree: ast.Module) -> bool:
    if not isinstance(node, ast.ImportFrom) or node.module != module or node.level:
        return False
    own = rows[node.lineno - 1 : node.end_lineno]
    if any(each.asname for each in node.names):  # stands alone, for most sorters
        return False
    is_alone = all(each is node or each.lineno > (node.end_lineno or 0) or (each.end_lineno or 0) < node.lineno
                   for each in tree.body)  # fmt: skip
    return is_alone and not any("#" in row or "*" in row or "\\" in row for row in own)


def _place(imports: list[_Import], behind: int, order: _Order, lines: list[str]) -> tuple[int, list[str]]:
    """Choose the row for a new import, and whether a section begins with it."""
    before = [each for each in imports if _order_of(each) <= order]
    later = imports[len(before) :] if before == imports[: len(before)] else []
    if later:
        if _order_of(later[0])[0] == order[0]:
            return later[0].lineno - 1, lines
        if before and _order_of(before[-1])[0] == order[0]:
            return before[-1].end_lineno or 0, lines
        return later[0].lineno - 1, [*lines, ""]
    if imports and _order_of(imports[-1])[0] == order[0]:
        return behind, lines
    return behind, ["", *lines] if behind else [*lines, ""]


def _order_of(node: _Import) -> _Order:
    if isinstance(node, ast.Import):
        return _order(node.names[0].name, is_from=False)
    return (4, True, "") if node.level else _order(node.module or "", is_from=True)


def _order(module: str, *, is_from: bool) -> _Order:
    first = module.partition(".")[0]
    if first == "__future__":
        section = 0
    elif first in sys.stdlib_module_names:
        section = 1
    else:
        section = 2 if first in _installed() else 3
    return section, is_from, module


@cache
def _installed() -> frozenset[str]:
    return frozenset({*packages_distributions(), "cxfulfill", "pytest"})  # the latter may be installed later


def _statement(module: str, names: Collection[str]) -> Iterator[str]:
    if not names:
        yield f"import {module}"
        return
    ordered = sorted(names, key=_order_of_name)
    whole = f"from {module} import {', '.join(ordered)}"
    if len(whole) <= _ROW:
        yield whole
    else:
        yield f"from {module} import ("
        yield from (f"    {name}," for name in ordered)
        yield ")"


def _order_of_name(name: str) -> tuple[int, str]:
    """Sort constants first, then classes, then the others."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name
