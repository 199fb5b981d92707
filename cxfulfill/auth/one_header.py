"""Header fields that several authenticators read: CX sends one value in each."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain, product

from cxfulfill.errors import ConfigurationError

Way = frozenset[tuple[str, str]]
"""What a caller must send to be let in, as far as it is known: header fields, and the kind of value in each."""


def ways_of(authenticator: object) -> frozenset[Way]:
    """Tell in which ways an authenticator can be satisfied.

    Args:
        authenticator: The authenticator.

    Returns:
        The ways; a single one that asks for nothing where it does not tell what it reads.
    """
    ways: frozenset[Way] | None = getattr(authenticator, "ways", None)
    if ways is not None:
        return ways
    use: tuple[str, str] | None = getattr(authenticator, "header_use", None)
    return frozenset({frozenset({use} if use else ())})


def any_way(parts: Iterable[object]) -> frozenset[Way]:
    """Tell in which ways one of several authenticators can be satisfied.

    Args:
        parts: The authenticators.

    Returns:
        The ways.
    """
    return frozenset().union(*map(ways_of, parts))


def joint_ways(parts: Iterable[object]) -> frozenset[Way]:
    """Tell in which ways all of several authenticators can be satisfied at once.

    Args:
        parts: The authenticators.

    Returns:
        The ways.

    Raises:
        ConfigurationError: There is none: they want different kinds of value in one header field.
    """
    each = tuple(parts)
    joined: frozenset[Way] = frozenset({frozenset()})
    for part in each:
        both = {one | other for one, other in product(joined, ways_of(part))}
        joined = frozenset(way for way in both if _is_possible(way))
    if not joined:
        raise ConfigurationError(
            f"AllOf: {_rivals(each)} read the same header: CX sends one value in it, so they never all accept a call; "
            "take AnyOf, or another header for one of them"
        )
    return joined


def _is_possible(way: Way) -> bool:
    return len({name for name, _ in way}) == len(way)


def _rivals(parts: tuple[object, ...]) -> str:
    fields = [{name for way in ways_of(part) for name, _ in way} for part in parts]
    counts = Counter(chain.from_iterable(fields))
    pairs = zip(parts, fields, strict=True)
    return " and ".join(type(part).__name__ for part, own in pairs if any(counts[name] > 1 for name in own))
