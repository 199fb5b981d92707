"""A Python module that is added to: what is there stays as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from cxfulfill.agent.identifiers import LINE, unique
from cxfulfill.errors import ConfigurationError

_STANDARD = frozenset({"typing"})


class Module:
    """A module and what is added to it.

    Args:
        text: Its source; empty for a new one.
        title: The docstring of a new one.

    Raises:
        ConfigurationError: It is no Python.
    """

    def __init__(self, text: str, title: str) -> None:
        self._text = text or f'"""{title}"""\n'
        self._newline = "\r\n" if "\r\n" in text else "\n"
        try:
            self.tree = ast.parse(self._text.removeprefix("\ufeff"))
        except (SyntaxError, ValueError):
            raise ConfigurationError("the file that is there cannot be read as Python") from None
        self.is_new = not text
        self.names = set(_bound(self.tree))
        self._imports: dict[str, dict[str, str]] = {}
        self._blocks: list[str] = []

    def imported(self, module: str, name: str) -> str:
        """Import a name, if that has not been done.

        Args:
            module: Where it is.
            name: The name; empty for the module itself, which has no dots.

        Returns:
            What it is called in this module.
        """
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == module and not node.level:
                for alias in node.names:
                    if alias.name == name:
                        return alias.asname or name
        known = self._imports.setdefault(module, {})
        if name not in known:
            known[name] = self.named(name or module, module)
        return known[name]

    def named(self, name: str, otherwise: str) -> str:
        """Choose a name for something new; see `cxfulfill.agent.identifiers.unique`.

        Args:
            name: The name.
            otherwise: What it is called where that is no name.

        Returns:
            The name, which is taken by that.
        """
        found = unique(name, otherwise, self.names)
        self.names.add(found)
        return found

    def append(self, block: str) -> None:
        """Add to its end.

        Args:
            block: Statements, without the newline at the end.
        """
        self._blocks.append(block)

    def source(self) -> str:
        """Write it.

        Returns:
            Its source, with what has been added.
        """
        blocks = "".join(f"\n\n{each}\n" for each in self._blocks)
        lines = list(self._import_lines())
        if not blocks and not lines:
            return self._text
        text = self._text if self._text.endswith("\n") else f"{self._text}{self._newline}"
        at = self._import_place()
        rows = text.split("\n")
        before, after = "\n".join(rows[:at]), "\n".join(rows[at:])
        added = "".join(f"{line}\n" for line in lines).replace("\n", self._newline)
        gap = self._newline if lines and not self._has_imports() else ""
        head = f"{before}\n" if at else ""
        return f"{head}{gap if at else ''}{added}{'' if at else gap}{after}{blocks.replace(chr(10), self._newline)}"

    def _import_lines(self) -> Iterator[str]:
        last = None
        for module in sorted((name for name, names in self._imports.items() if names), key=_order):
            if last is not None and last != _order(module)[0]:
                yield ""
            last = _order(module)[0]
            if "" in self._imports[module]:
                yield f"import {module}"
                continue
            names = [name if name == used else f"{name} as {used}" for name, used in self._imports[module].items()]
            whole = f"from {module} import {', '.join(sorted(names))}"
            if len(whole) <= LINE:
                yield whole
            else:
                yield f"from {module} import ("
                yield from (f"    {name}," for name in sorted(names))
                yield ")"

    def _has_imports(self) -> bool:
        return any(isinstance(node, ast.Import | ast.ImportFrom) for node in self.tree.body[: _leading(self.tree)])

    def _import_place(self) -> int:
        """Find the line behind the imports that the module begins with, or behind its docstring."""
        leading = _leading(self.tree)
        end = self.tree.body[leading - 1].end_lineno or 0 if leading else 0
        for node in self.tree.body[leading:]:
            if node.lineno > end:
                break
            end = node.end_lineno or end
        return end


def _leading(tree: ast.Module) -> int:
    """Count the statements up to the last of the imports at the beginning."""
    body, count = tree.body, 0
    if body and ast.get_docstring(tree, clean=False) is not None:
        count = 1
    while count < len(body) and isinstance(body[count], ast.Import | ast.ImportFrom):
        count += 1
    return count


def _order(module: str) -> tuple[int, str]:
    third = module.partition(".")[0] in ("cxfulfill", "pydantic", "pytest")
    return (0 if module in _STANDARD else 1 if third else 2), module


def _bound(tree: ast.Module) -> Iterator[str]:
    """List the names of a module, wherever they are used in it."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]


def read_module(path: Path, title: str) -> Module:
    """Read a module.

    Args:
        path: Its file, which need not be there.
        title: The docstring of a new one.

    Returns:
        The module.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError("the file that is there cannot be read") from None
    return Module(text, title)
