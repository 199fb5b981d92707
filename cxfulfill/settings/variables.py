"""The ``CXFULFILL_*`` variables as they are read; `Webhook.from_env` and the server's settings alone do.

A keyword wins over a variable, a variable over the default. A variable that is misspelt, empty, in quotes, or that
nothing reads is an error: a setting that is silently without effect is how a service stays open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cxfulfill.auth.sources import EnvironmentSecret, FileSecret, SecretSource
from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import NEXT, PREFIX, SCOPE_MARK, SECRET_FORMS, variable_names

_FLAGS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_COMMON, _OWN = 1, 2
"""Whose variable of a setting is set: that of all environments, or an environment's own."""


class Variables:
    """The ``CXFULFILL_*`` variables, and which of them were read.

    Args:
        environ: The environment.
        environment: Name of an environment of the agent, whose own variables win; empty for none.

    Attributes:
        used: The variables that were read.
    """

    def __init__(self, environ: Mapping[str, str], environment: str = "", used: set[str] | None = None) -> None:
        self._environ = environ
        self._environment = environment
        self._scope = f"{environment.upper()}{SCOPE_MARK}" if environment else ""
        self.used: set[str] = set() if used is None else used

    def within(self, environment: str) -> "Variables":
        """Give the variables as one environment of the agent has them.

        Args:
            environment: Name of the environment.

        Returns:
            The same variables, of which those with this name win.
        """
        return Variables(self._environ, environment, self.used)

    def name(self, setting: str) -> str:
        """Name the variable of a setting: the common one only where it alone is set.

        Args:
            setting: The setting, without prefix.

        Returns:
            The variable.
        """
        own, common = f"{PREFIX}{self._scope}{setting}", f"{PREFIX}{setting}"
        return common if common in self._environ and own not in self._environ else own

    def text(self, setting: str) -> str | None:
        """Read a setting.

        Args:
            setting: The setting, without prefix.

        Returns:
            The value without white space around it; None where it is not set.

        Raises:
            ConfigurationError: It is empty or in quotes.
        """
        value = self._filled(self.name(setting))
        if value is not None and value[0] in "\"'" and value[-1] == value[0]:
            raise ConfigurationError(f"{self.name(setting)} is in quotes; set it without them")
        return value

    def _filled(self, variable: str) -> str | None:
        value = self._environ.get(variable)
        if value is None:
            return None
        self.used.add(variable)
        if not value.strip():
            raise ConfigurationError(f"{variable} is empty: set it, or unset it")
        return value.strip()

    def needed(self, setting: str, why: str) -> str:
        """Read a setting that must be there.

        Args:
            setting: The setting, without prefix.
            why: What it is, as the rest of a sentence.

        Returns:
            The value.

        Raises:
            ConfigurationError: It is not set; the error says what to set.
        """
        value = self.text(setting)
        if value is None:
            whose = f" for environment {self._environment}" if self._environment else ""
            raise ConfigurationError(f"set {self.name(setting)}{whose}: {why}")
        return value

    def texts(self, setting: str, separator: str = ",") -> list[str]:
        """Read a list.

        Args:
            setting: The setting, without prefix.
            separator: What stands between its members.

        Returns:
            The members without white space around them; none where it is not set.

        Raises:
            ConfigurationError: One of them is empty: a list that is shorter than it was meant to be may ask for less.
        """
        text = self.text(setting)
        parts = [] if text is None else [part.strip() for part in text.split(separator)]
        if not all(parts):
            raise ConfigurationError(f"{self.name(setting)} has an empty member: {separator!r} stands between members")
        return parts

    def flag(self, setting: str) -> bool | None:
        """Read a yes or no.

        Args:
            setting: The setting, without prefix.

        Returns:
            It, or None where it is not set.

        Raises:
            ConfigurationError: It is neither.
        """
        value = self.text(setting)
        if value is not None and value.lower() not in _FLAGS:
            raise ConfigurationError(f"{self.name(setting)} must be 1 or 0")
        return None if value is None else _FLAGS[value.lower()]

    def number(self, setting: str, kind: Callable[[str], float] = float) -> Any:
        """Read a number.

        Args:
            setting: The setting, without prefix.
            kind: ``int`` or ``float``.

        Returns:
            It, or None where it is not set.

        Raises:
            ConfigurationError: It is none.
        """
        value = self.text(setting)
        try:
            return None if value is None else kind(value)
        except ValueError:
            shown = "a whole number" if kind is int else "a number"
            raise ConfigurationError(f"{self.name(setting)} must be {shown}") from None

    def secret(self, setting: str, what: str, manager: Callable[[str], SecretSource]) -> list[SecretSource]:
        """Read where a secret is, and the one that follows it: in a variable, a file, or Secret Manager.

        Args:
            setting: The setting, without prefix.
            what: What it is, such as ``password``.
            manager: Makes a source from the name of a secret version.

        Returns:
            The sources.

        Raises:
            ConfigurationError: It is not set, it is set in two ways, or only the next one is.
        """
        makers: tuple[Callable[[str], SecretSource], ...] = (EnvironmentSecret, FileSecret, manager)
        stem = f"{PREFIX}{self._scope if self._level(setting) != _COMMON else ''}{setting}"
        found: list[SecretSource] = []
        for form in ("", NEXT):
            given = [end for end in SECRET_FORMS if f"{stem}{form}{end}" in self._environ]
            if len(given) > 1:
                raise ConfigurationError(f"set only one of {' and '.join(f'{stem}{form}{end}' for end in given)}")
            if given and form and not found:
                raise ConfigurationError(f"{stem}{form}{given[0]} is the next one: set the current one too, {stem}")
            for end in given:
                variable = f"{stem}{form}{end}"
                value = (self.text(variable.removeprefix(PREFIX)) if end else self._filled(variable)) or ""
                found.append(_source(makers[SECRET_FORMS.index(end)], value if end else variable, variable))
        if not found:
            start = f"environment {self._environment} has no {what}: " if self._environment else ""
            raise ConfigurationError(f"{start}set {', or '.join(f'{stem}{end}' for end in SECRET_FORMS)}")
        return found

    def chosen(self, *groups: Sequence[str]) -> int | None:
        """Tell which of several groups of settings is set, of which one may be; an environment's own one wins.

        Args:
            groups: The groups, each of settings without prefix.

        Returns:
            The group's place; None where none of them is set.

        Raises:
            ConfigurationError: Two are.
        """
        levels = [max(map(self._level, group)) for group in groups]
        highest = max(levels)
        if highest and levels.count(highest) > 1:
            scope = self._scope if highest == _OWN else ""
            names = [" and ".join(f"{PREFIX}{scope}{setting}" for setting in group) for group in groups]
            single = all(len(group) == 1 for group in groups)
            told = f"only one of {' and '.join(names)}" if single else f"either {', or '.join(names)}"
            raise ConfigurationError(f"set {told}")
        return levels.index(highest) if highest else None

    def _level(self, setting: str) -> int:
        for level, scope in ((_OWN, self._scope), (_COMMON, "")):
            if any(f"{PREFIX}{scope}{form}" in self._environ for form in variable_names(setting)):
                return level
        return 0


def _source(make: Callable[[str], SecretSource], where: str, variable: str) -> SecretSource:
    try:
        return make(where)
    except ConfigurationError as error:
        # What stands there may be the secret itself, by mistake.
        raise ConfigurationError(f"{variable}: {str(error).replace(where, '...')}") from None
