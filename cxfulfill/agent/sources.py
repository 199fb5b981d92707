"""The source of an application's handlers: what their replies name and set, as far as it stands there."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_SYNTAX: Final = (OSError, SyntaxError, UnicodeDecodeError, ValueError)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """A part of a module.

    Attributes:
        node: The module or function.
        names: What the module's names mean.
        file: The module's file.
    """

    node: ast.AST
    names: Mapping[str, Any]
    file: str

    def text(self, given: ast.expr | None) -> str | None:
        """Find the text that an expression means, without running it.

        Args:
            given: A constant, or a name of the module, perhaps with dots.

        Returns:
            The text; None where it cannot be told.
        """
        if isinstance(given, ast.Constant):
            return given.value if isinstance(given.value, str) else None
        value = self._value(given)
        return value if isinstance(value, str) else None

    def _value(self, given: ast.expr | None) -> Any:
        if isinstance(given, ast.Name):
            return self.names.get(given.id)
        if isinstance(given, ast.Attribute):
            held = self._value(given.value)
            if isinstance(held, ModuleType | type):
                return inspect.getattr_static(held, given.attr, None)
        return None

    def calls(self) -> Iterator[ast.Call]:
        """List the calls in it.

        Yields:
            Them.
        """
        yield from (node for node in ast.walk(self.node) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """Give the last name of what is called.

    Args:
        call: The call.

    Returns:
        The name; empty where it has none.
    """
    return str(getattr(call.func, "id", None) or getattr(call.func, "attr", ""))


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """Find an argument.

    Args:
        call: The call.
        name: Its keyword.
        position: Its place among the positional ones; None where it has none.

    Returns:
        The expression; None where it is not given.
    """
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and position < len(call.args) else None


def file_and_line(function: Callable[..., Any]) -> tuple[str, int]:
    """Tell where a function is defined.

    Args:
        function: The function.

    Returns:
        File and line; empty and 0 where that is not known.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def module_of(function: Callable[..., Any]) -> Source | None:
    """Read the module of a function.

    Args:
        function: The function.

    Returns:
        Its source; None where there is none.
    """
    file, _ = file_and_line(function)
    tree = _tree(file)
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return None if tree is None else Source(tree, names, file)


def source_of(function: Callable[..., Any]) -> Source | None:
    """Read a function.

    Args:
        function: The function.

    Returns:
        Its source; None where there is none.
    """
    module = module_of(function)
    if module is None:
        return None
    _, line = file_and_line(function)
    name = inspect.unwrap(function).__code__.co_name
    for node in ast.walk(module.node):
        if isinstance(node, Function) and node.name == name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == line:
                return Source(node, module.names, module.file)
    return None


def names_of(module: str) -> Iterator[tuple[str, str]]:
    """List the texts that a module of names holds, on whatever level of classes.

    Args:
        module: An imported module.

    Yields:
        The name with dots, and the text.
    """
    pending: list[tuple[str, object]] = [("", sys.modules[module])]
    for where, held in pending:  # grows as it goes
        for name, value in vars(held).items():
            if name.startswith("_"):
                continue
            told = f"{where}{name}"
            if isinstance(value, str):
                yield told, value
            elif isinstance(value, type) and value.__module__ == module:
                pending.append((f"{told}.", value))
            elif isinstance(value, Mapping):
                yield from ((f"{told}[{key!r}]", each) for key, each in value.items() if isinstance(each, str))


@lru_cache(maxsize=256)
def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse(Path(file).read_bytes())
    except _SYNTAX:
        return None
