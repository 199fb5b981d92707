"""A Python module that is added to: what is there stays as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from cxfulfill.agent.identifiers import unique
from cxfulfill.agent.stub_imports import with_import
from cxfulfill.errors import ConfigurationError


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
        self._has_returns = "\r\n" in text and text.count("\n") == text.count("\r\n")
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
        if not self._blocks:
            return self._text
        begin = "\ufeff" if self._text.startswith("\ufeff") else ""
        text = self._text.removeprefix("\ufeff")
        text = text.replace("\r\n", "\n") if self._has_returns else text
        for module, names in self._imports.items():
            plain = [name for name, used in names.items() if name == used]
            renamed = [[f"{name} as {used}"] for name, used in names.items() if name and name != used]
            for statement in ([plain] if plain or "" in names else []) + renamed:
                text = with_import(text, module, statement)
        text = text if text.endswith("\n") else f"{text}\n"
        first, *others = self._blocks
        # Behind imports alone, sorters want one line before a statement.
        gap = "\n" if self._is_bare() and not first.startswith(("@", "class ", "def ")) else "\n\n"
        text += "".join([f"{gap}{first}\n", *(f"\n\n{each}\n" for each in others)])
        return begin + (text.replace("\n", "\r\n") if self._has_returns else text)

    def _is_bare(self) -> bool:
        return all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in self.tree.body)


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
    except OSError as error:
        raise ConfigurationError(f"the file that is there cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError("the file that is there is not UTF-8") from None
    return Module(text, title)
