"""Where a session is: flow, page and form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from cxfulfill.simulator.values import as_cx

State = Literal["EMPTY", "INVALID", "FILLED"]

START_FLOW: Final = "00000000-0000-0000-0000-000000000000"
"""Id of the Default Start Flow."""
SYMBOLIC: Final[Mapping[str, str]] = {
    "START_PAGE": "Start Page",
    "END_FLOW": "End Flow",
    "END_FLOW_WITH_CANCELLATION": "End Flow With Cancellation",
    "END_FLOW_WITH_FAILURE": "End Flow With Failure",
    "END_FLOW_WITH_HUMAN_ESCALATION": "End Flow With Human Escalation",
    "END_SESSION": "End Session",
    "PREVIOUS_PAGE": "Previous Page",
    "CURRENT_PAGE": "Current Page",
}
"""Display names of the pages that have no id of their own."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A parameter of a form.

    Attributes:
        display_name: Its name.
        value: Its value; None where it has none.
        state: ``EMPTY``, ``INVALID`` or ``FILLED``.
        required: Whether the form needs it.
        just_collected: Whether the last turn filled it.
    """

    display_name: str
    value: Any = None
    state: State = "EMPTY"
    required: bool = True
    just_collected: bool = False

    def filled(self, value: Any, *, just_collected: bool = False) -> Self:
        """Give it a value.

        Args:
            value: The value; None empties it.
            just_collected: Whether this turn fills it.

        Returns:
            The parameter then.
        """
        if value is None:
            return replace(self, value=None, state="EMPTY", just_collected=False)
        return replace(self, value=value, state="FILLED", just_collected=just_collected)

    def wire(self) -> dict[str, Any]:
        """Write it as requests do: what is false or has no value is left out."""
        members: dict[str, Any] = {"displayName": self.display_name}
        if self.required:
            members["required"] = True
        members["state"] = self.state
        if self.value is not None:
            members["value"] = self.value
        if self.just_collected:
            members["justCollected"] = True
        return members


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of a session.

    Attributes:
        name: Full name.
        display_name: Display name.
        form: Its form; None where requests have no ``formInfo``, empty where they have an empty one.
    """

    name: str
    display_name: str
    form: tuple[FormField, ...] | None = None

    @classmethod
    def of(cls, name: str, display_name: str = "", form: Mapping[str, Any] | None = None) -> Self:
        """Describe a page.

        Args:
            name: Full name.
            display_name: Display name; that of a symbolic page, or the id, by default.
            form: Values of its form's parameters; None is an empty one.

        Returns:
            The page.
        """
        shown = display_name or SYMBOLIC.get(_id(name), _id(name))
        if form is None:
            return cls(name, shown, () if _id(name) == "START_PAGE" else None)
        return cls(name, shown, tuple(FormField(each).filled(value) for each, value in as_cx(form).items()))

    @property
    def id(self) -> str:
        """Its id, which may be symbolic."""
        return _id(self.name)

    @property
    def flow(self) -> str:
        """Full name of its flow."""
        return self.name.rpartition("/pages/")[0]

    @property
    def values(self) -> dict[str, Any]:
        """The form's values by parameter; None where there is none."""
        return {each.display_name: each.value for each in self.form or ()}

    def with_fields(self, changed: Iterable[FormField]) -> Self:
        """Change parameters of the form.

        Args:
            changed: The parameters as they are now.

        Returns:
            The page.
        """
        by_name = {each.display_name: each for each in changed}
        form = None if self.form is None else tuple(by_name.get(each.display_name, each) for each in self.form)
        return replace(self, form=form)

    def wire(self) -> dict[str, Any]:
        """Write it as requests do."""
        members: dict[str, Any] = {"currentPage": self.name}
        if self.form is not None:
            fields = [each.wire() for each in self.form]
            members["formInfo"] = {"parameterInfo": fields} if fields else {}
        members["displayName"] = self.display_name
        return members


def _id(name: str) -> str:
    return name.rpartition("/")[2]
