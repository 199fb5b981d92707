"""What an agent knows of a session, as a value: nothing here changes it in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Self

from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.turns import Turn

ChangeKind = Literal["set", "changed", "deleted"]

NOTHING: Final = Turn()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A session at a moment.

    Attributes:
        page: Where it is.
        previous: Where it was before; None at the beginning.
        parameters: The session parameters, nulls included.
        turn: The turn that goes on.
        response_id: Id of the answer that the turn leads to; all calls of the turn share it.
        queued: Messages of the turn so far, as requests have them.
        own: How many of them, the last ones, are of the fulfillment that calls the webhook.
        ended: Whether the session is over.
    """

    page: SessionPage
    previous: SessionPage | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    turn: Turn = NOTHING
    response_id: str = ""
    queued: tuple[Mapping[str, Any], ...] = ()
    own: int = 0
    ended: bool = False

    def written(self, parameters: Mapping[str, Any]) -> Self:
        """Write session parameters, and with them those of the form that have the same name.

        Args:
            parameters: Values by name; None removes one.

        Returns:
            The session then.
        """
        removed = {name for name, value in parameters.items() if value is None}
        left = {name: value for name, value in {**self.parameters, **parameters}.items() if name not in removed}
        fields = [
            each.filled(parameters[each.display_name])
            for each in self.page.form or ()
            if each.display_name in parameters and parameters[each.display_name] != each.value
        ]
        return replace(self, parameters=left, page=self.page.with_fields(fields))

    def at(self, page: SessionPage) -> Self:
        """Go to a page; the values of its form are session parameters, and the other way round.

        Args:
            page: The page.

        Returns:
            The session then.
        """
        known = [
            each.filled(self.parameters[each.display_name])
            for each in page.form or ()
            if each.value is None and self.parameters.get(each.display_name) is not None
        ]
        there = page.with_fields(known)
        filled = {name: value for name, value in there.values.items() if value is not None}
        return replace(self, page=there, previous=self.page, parameters={**self.parameters, **filled})


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter that an answer has changed.

    Attributes:
        name: Its name.
        kind: ``set`` where there was none, ``changed``, or ``deleted``.
        before: Its value before; None where there was none.
        after: Its value now; None where it is gone.
    """

    name: str
    kind: ChangeKind
    before: Any = None
    after: Any = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Compare parameters.

    Args:
        before: Values by name before.
        after: Those after.

    Returns:
        What is different, by name.
    """
    found = []
    for name in sorted({*before, *after}):
        if name not in after:
            found.append(Change(name, "deleted", before[name]))
        elif name not in before:
            found.append(Change(name, "set", None, after[name]))
        elif not same(before[name], after[name]):
            found.append(Change(name, "changed", before[name], after[name]))
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; true is no number.

    Args:
        one: A value.
        other: Another one.

    Returns:
        Whether they are.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
