"""Conditions besides the tag under which a handler is meant."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

from cxfulfill.context import Context
from cxfulfill.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Accepted values by what they are compared with; an empty tuple accepts everything.

    Attributes:
        page: Display names, ids or full names.
        flow: Ids or full names.
        intent: Display names, ids or full names.
        event: Event names.
        language: Language codes in lower case; ``en`` takes ``en-us`` too.
    """

    page: tuple[str, ...] = ()
    flow: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    language: tuple[str, ...] = ()

    @classmethod
    def of(cls, **values: str | Iterable[str] | None) -> Self:
        """Read the narrowing keywords of a handler.

        Args:
            values: One value, several or None by field.

        Returns:
            The narrowing.

        Raises:
            ConfigurationError: A value is empty.
        """
        read = {}
        for name, value in values.items():
            accepted = (value,) if isinstance(value, str) else tuple(value or ())
            if not all(accepted):
                raise ConfigurationError(f"{name}= must not hold an empty name")
            read[name] = accepted
        read["language"] = tuple(code.lower() for code in read.get("language", ()))
        return cls(**read)

    @property
    def rank(self) -> tuple[int, int]:
        """How specific it is: the number of conditions, then of the parts of the language code."""
        conditions = sum(bool(getattr(self, field.name)) for field in fields(self))
        return conditions, min((code.count("-") + 1 for code in self.language), default=0)

    def takes(self, ctx: Context) -> bool:
        """Tell whether a call meets every condition.

        Args:
            ctx: The call.

        Returns:
            Whether it does.
        """
        return (
            self._takes_place(ctx)
            and (not self.intent or _any_of(self.intent, _intent_names(ctx)))
            and (not self.event or ctx.event in self.event)
            and (not self.language or _speaks(self.language, (ctx.language or "").lower()))
        )

    def ambiguous_with(self, other: "Narrowing") -> bool:
        """Tell whether a call could meet both, with no rule to prefer one.

        Args:
            other: Another narrowing.

        Returns:
            Whether it could.
        """
        if self.rank != other.rank:
            return False
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if mine and theirs and not _any_of(mine, theirs):
                return False
        return True

    def _takes_place(self, ctx: Context) -> bool:
        if not (self.page or self.flow):
            return True
        page = ctx.page
        flow_name = page.name.partition("/pages/")[0]
        return (not self.page or _any_of(self.page, (page.display_name, page.id, page.name))) and (
            not self.flow or _any_of(self.flow, (page.flow_id, flow_name))
        )


def _any_of(accepted: tuple[str, ...], given: Iterable[str]) -> bool:
    return not set(accepted).isdisjoint(given)


def _intent_names(ctx: Context) -> tuple[str, str, str]:
    intent = ctx.intent
    name = (intent.last_matched_intent or "") if intent else ""
    return (intent.display_name or "") if intent else "", name.rpartition("/")[2], name


def _speaks(accepted: tuple[str, ...], language: str) -> bool:
    return any(language == code or language.startswith(code + "-") for code in accepted)
