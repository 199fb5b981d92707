"""Lines of a plan for a shell: every value is quoted, and what a command found out goes into later ones."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxfulfill.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Found:
    """The value of a shell variable that an earlier line of the plan has set.

    Attributes:
        name: The variable.
    """

    name: str


_MARKS: Final = ",|;#@~"

Word = str | Found | tuple[str | Found, ...]
"""A word of a command line: text, a variable's value, or both side by side."""
Flags = dict[str, Word | list[str] | bool | None]
"""Values of flags by their names without hyphens: True for one without a value, a list for one that is repeated, and
None or False for one that is left out.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done at once, and why.

    Attributes:
        title: What is done.
        why: What it is for, and what happens without it.
        commands: The commands; none where something is done elsewhere.
    """

    title: str
    why: str
    commands: tuple[str, ...] = ()


def word(given: Word) -> str:
    """Write a word.

    Args:
        given: The word.

    Returns:
        It, quoted.
    """
    parts = given if isinstance(given, tuple) else (given,)
    return "".join(f'"${each.name}"' if isinstance(each, Found) else shlex.quote(each) for each in parts)


def command(line: str, *names: Word, flags: Flags) -> str:
    """Write a command.

    Args:
        line: The program and what of it is run, such as ``gcloud run deploy``.
        names: What it is about.
        flags: Its flags.

    Returns:
        The command, a flag a line.
    """
    written = [each for name, value in flags.items() for each in _flag(name, value)]
    return " \\\n    ".join([" ".join([line, *map(word, names)]), *written])


def found(name: str, made: str) -> str:
    """Write a line that keeps what a command prints.

    Args:
        name: The variable.
        made: The command.

    Returns:
        The line.
    """
    return f'{name}="$({made})"'


def piped(text: str, into: str) -> str:
    """Write a line that hands text to a command.

    Args:
        text: The command that prints it.
        into: The command that reads it.

    Returns:
        The line.
    """
    return f"{text} | {into}"


def pairs(given: Mapping[str, Word]) -> Word | None:
    """Write gcloud's list of names with values.

    Args:
        given: Values by name.

    Returns:
        The list; None for an empty one. Where a value has a comma, another mark stands between (``gcloud topic
        escaping``).

    Raises:
        ConfigurationError: Its values have all marks that may stand between.
    """
    texts = "".join(part for value in given.values() for part in _parts(value) if isinstance(part, str))
    mark = next((each for each in _MARKS if each not in texts), None)
    if mark is None:
        raise ConfigurationError(f"the values of variables have all of {_MARKS}, one of which must stand between them")
    made: list[str | Found] = ["" if mark == "," else f"^{mark}^"]
    for name, value in given.items():
        made += [mark if len(made) > 1 else "", f"{name}=", *_parts(value)]
    return _joined(made) if given else None


def _flag(name: str, value: Word | list[str] | bool | None) -> list[str]:
    if value is None or isinstance(value, bool):
        return [f"--{name}"] if value else []
    values = value if isinstance(value, list) else [value]
    return [word(_joined([f"--{name}=", *_parts(each)])) for each in values]


def _parts(given: Word) -> tuple[str | Found, ...]:
    return given if isinstance(given, tuple) else (given,)


def _joined(parts: list[str | Found]) -> tuple[str | Found, ...]:
    """Join texts that stand side by side, so that they are quoted as one."""
    made: list[str | Found] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        else:
            made.append(part)
    return tuple(part for part in made if part != "")
