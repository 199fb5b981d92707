"""Errors of constructors in the words of the environment: which variable a keyword came from."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cxfulfill.errors import ConfigurationError

_KEYWORD: Final = re.compile(r"\b([a-z_]+)(?==|:|'|\b(?= must | takes | is | and ))")
"""Where an error speaks of a keyword: ``audience=``, ``audience must be ...``."""
_PHRASES: Final = {"distinguished name": "subjects", "DNS name": "sans"}
"""Keywords of errors that do not name theirs."""


@contextmanager
def naming(variable_of: Callable[[str], str | None], start: str = "") -> Iterator[None]:
    """Let errors of a block name variables beside keywords.

    Args:
        variable_of: Gives the variable of a keyword; None where it has none.
        start: What stands in front of the errors.

    Yields:
        Nothing.

    Raises:
        ConfigurationError: One was raised in the block.
    """
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{start}{error}{_variables(str(error), variable_of)}") from None


def _variables(message: str, variable_of: Callable[[str], str | None]) -> str:
    keywords = [*_KEYWORD.findall(message), *(keyword for phrase, keyword in _PHRASES.items() if phrase in message)]
    named = ((keyword, variable_of(keyword)) for keyword in dict.fromkeys(keywords))
    told = [f"{keyword} is {variable}" for keyword, variable in named if variable and variable not in message]
    return f"; {', '.join(told)}" if told else ""
