"""The look-up of a call's handler.

A tag is matched exactly or by a pattern in which ``*`` stands for any characters. An exact tag wins over a
pattern, a pattern with more other characters over one with fewer, and among the handlers of one tag the one with
more narrowing.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final, Generic, TypeVar

from cxfulfill.context import Call, Context
from cxfulfill.deferral import Deferral
from cxfulfill.narrowing import Narrowing
from cxfulfill.registration import Registration
from cxfulfill.reply import encode_reply
from cxfulfill.structures import keyword_structure

T = TypeVar("T")
_ANY: Final = Narrowing.of()


@keyword_structure
class Entry(Registration):
    """A registered handler of standard calls.

    Attributes:
        tag: Exact tag or pattern.
        narrowing: Further conditions.
        reprompts: Whether the user is asked again for form parameters that do not fit.
        deferral: How it is deferred; None where it is not.
    """

    kind: ClassVar[type[Call]] = Context

    tag: str
    narrowing: Narrowing
    reprompts: bool
    deferral: Deferral | None

    @property
    def conditions(self) -> str:
        """See `Registration`."""
        return f"{self.tag} {self.narrowing}"

    encode = staticmethod(encode_reply)

    @property
    def is_pattern(self) -> bool:
        """Whether the tag is a pattern."""
        return "*" in self.tag

    @property
    def rank(self) -> tuple[int, int, int]:
        """How specific it is: characters that stand for themselves, then the narrowing's rank."""
        return (literal_length(self.tag), *self.narrowing.rank)

    def conflicts(self, other: "Entry") -> bool:
        """Tell whether no rule says which of the two is meant.

        Args:
            other: Another entry, both exact or both patterns.

        Returns:
            Whether a call could mean both equally.
        """
        if self.tag != other.tag and not (
            literal_length(self.tag) == literal_length(other.tag) and _overlap(self.tag, other.tag)
        ):
            return False
        return self.narrowing.ambiguous_with(other.narrowing)


class Table(Generic[T]):
    """The look-up over handlers, made once at freeze.

    Args:
        rows: Each registered handler, and what a look-up gives for it.
    """

    def __init__(self, rows: Iterable[tuple[Entry, T]]) -> None:
        self._exact: dict[str, list[tuple[Narrowing | None, T]]] = {}
        self._patterns: list[tuple[Callable[[str], bool], Narrowing | None, T]] = []
        # Stable: what is equally specific, and so never taken by the same call, keeps its order.
        for entry, found in sorted(rows, key=lambda row: row[0].rank, reverse=True):
            narrowing = None if entry.narrowing == _ANY else entry.narrowing
            if entry.is_pattern:
                self._patterns.append((matcher(entry.tag), narrowing, found))
            else:
                self._exact.setdefault(entry.tag, []).append((narrowing, found))

    def find(self, ctx: Context, tag: str) -> T | None:
        """Choose the handler of a call.

        Args:
            ctx: The call.
            tag: Its tag.

        Returns:
            What stands for the most specific handler that takes it, or None.
        """
        for narrowing, found in self._exact.get(tag, ()):
            if narrowing is None or narrowing.takes(ctx):
                return found
        for matches, narrowing, found in self._patterns:
            if matches(tag) and (narrowing is None or narrowing.takes(ctx)):
                return found
        return None


def literal_length(tag: str) -> int:
    """Count the characters of a pattern that stand for themselves.

    Args:
        tag: The pattern.

    Returns:
        The count: the pattern's rank.
    """
    return len(tag) - tag.count("*")


def matcher(pattern: str) -> Callable[[str], bool]:
    """Make the test of a pattern; its time is linear in the tag, which a regular expression's is not.

    Args:
        pattern: A pattern with ``*``.

    Returns:
        What tells whether a tag matches it.
    """
    first, *inner, last = pattern.split("*")

    def matches(tag: str) -> bool:
        at, end = len(first), len(tag) - len(last)
        if at > end or not tag.startswith(first) or not tag.endswith(last):
            return False
        for part in inner:
            at = tag.find(part, at, end) + len(part)
            if at < len(part):
                return False
        return True

    return matches


def _overlap(one: str, other: str) -> bool:
    """Tell whether two patterns match a text in common: walk both at once, a star passing any character."""
    seen = {(0, 0)}
    pending = [(0, 0)]
    while pending:
        i, j = pending.pop()
        left, right = one[i : i + 1], other[j : j + 1]
        steps = []
        if "*" in (left, right):
            steps = [(i + 1, j)] * bool(left) + [(i, j + 1)] * bool(right)
        elif left == right:
            steps = [(i + 1, j + 1)] * bool(left)
        fresh = set(steps) - seen
        seen |= fresh
        pending.extend(fresh)
    return (len(one), len(other)) in seen
