"""Structures: classes of named values that nobody compares or prints.

A process makes some fifty of them before its first answer. Type checkers hold them to be frozen; that they are not so
at run time, and compare by identity, makes each of them in an eighth of a frozen dataclass's time.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def structure(cls: type[T]) -> type[T]:
    """Make a structure of a class with annotations; see `dataclasses.dataclass`."""
    return dataclass(eq=False, repr=False)(cls)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def keyword_structure(cls: type[T]) -> type[T]:
    """Make a structure whose values are given by keyword alone."""
    return dataclass(eq=False, repr=False, kw_only=True)(cls)
