"""The ``CXFULFILL_*`` variables as they are read; `Webhook.from_env` alone does.

A keyword wins over a variable, a variable over the default. A variable that is misspelt, empty, in quotes, or that
nothing reads is an error: a setting that is silently without effect is how a service stays open.
"""

import difflib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cxfulfill.auth.sources import EnvironmentSecret, FileSecret, SecretSource
from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import PREFIX, SECRET_FORMS, SETTINGS, variable_names

_log = logging.getLogger("cxfulfill")
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
SCOPE_MARK: Final = "__"
"""What stands between the name of an environment and that of a setting: ``CXFULFILL_PROD__BASIC_PASSWORD``."""


@dataclass(frozen=True, slots=True)
class Used:
    """A variable that was read.

    Attributes:
        variable: Its name.
        value: Its value; ``[redacted]`` for a secret.
    """

    variable: str
    value: str


class Variables:
    """The ``CXFULFILL_*`` variables, and which of them were read.

    Args:
        environ: The environment.
        scope: Name of an environment of the agent, whose own variables win; empty for none.
    """

    def __init__(self, environ: Mapping[str, str], scope: str = "", used: dict[str, Used] | None = None) -> None:
        self._environ = environ
        self._scope = f"{scope.upper()}{SCOPE_MARK}" if scope else ""
        self.used: dict[str, Used] = {} if used is None else used

    def within(self, scope: str) -> "Variables":
        """Give the variables as one environment of the agent has them.

        Args:
            scope: Name of the environment in variables.

        Returns:
            The same variables, of which those with this name win.
        """
        return Variables(self._environ, scope, self.used)

    def name(self, setting: str) -> str:
        """Name the variable of a setting: the scope's own where it is set.

        Args:
            setting: The setting, without prefix.

        Returns:
            The variable.
        """
        own = f"{PREFIX}{self._scope}{setting}"
        return own if own in self._environ else f"{PREFIX}{setting}"

    def text(self, setting: str, *, secret: bool = False) -> str | None:
        """Read a setting.

        Args:
            setting: The setting, without prefix.
            secret: Whether its value is one.

        Returns:
            The value without white space around it; None where it is not set.

        Raises:
            ConfigurationError: It is empty or in quotes.
        """
        variable = self.name(setting)
        value = self._environ.get(variable)
        if value is None:
            return None
        self.used[variable] = Used(variable, "[redacted]" if secret else value)
        if not value.strip():
            raise ConfigurationError(f"{variable} is empty: set it, or unset it")
        if not secret and value.strip()[0] in "\"'" and value.strip()[-1] == value.strip()[0]:
            raise ConfigurationError(f"{variable} is in quotes; set it without them")
        return value.strip()

    def needed(self, setting: str, why: str) -> str:
        """Read a setting that must be there.

        Args:
            setting: The setting, without prefix.
            why: What needs it, as the rest of a sentence.

        Returns:
            The value.

        Raises:
            ConfigurationError: It is not set; the error says what to set.
        """
        value = self.text(setting)
        if value is None:
            raise ConfigurationError(f"set {PREFIX}{self._scope}{setting}: {why}")
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
            raise ConfigurationError(f"{self.name(setting)} must be a number") from None

    def secret(self, setting: str, manager: Callable[[str], SecretSource]) -> list[SecretSource]:
        """Read where a secret is, and the one that follows it: in a variable, a file, or Secret Manager.

        Args:
            setting: The setting, without prefix.
            manager: Makes a source from the name of a secret version.

        Returns:
            The sources; none where it is not set.

        Raises:
            ConfigurationError: It is set in two ways, or only the next one is.
        """
        makers: tuple[Callable[[str], SecretSource], ...] = (EnvironmentSecret, FileSecret, manager)
        scoped = any(f"{PREFIX}{self._scope}{name}" in self._environ for name in variable_names(setting))
        stem = f"{PREFIX}{self._scope if scoped else ''}{setting}"
        found: list[SecretSource] = []
        for form in ("", "_NEXT"):
            given = [end for end in SECRET_FORMS if f"{stem}{form}{end}" in self._environ]
            if len(given) > 1:
                raise ConfigurationError(f"set only one of {' and '.join(f'{stem}{form}{end}' for end in given)}")
            if given and form and not found:
                raise ConfigurationError(f"{stem}{form}{given[0]} is the next one: set the current one too, {stem}")
            for end in given:
                variable = f"{stem}{form}{end}"
                value = self.text(variable.removeprefix(PREFIX), secret=not end) or ""
                found.append(_source(makers[SECRET_FORMS.index(end)], value if end else variable, variable))
        return found

    def check_all_used(self, *, overridden: Collection[str]) -> None:
        """Refuse variables that nothing has read.

        Args:
            overridden: Keywords that were given; their variables need not be read.

        Raises:
            ConfigurationError: There is one, and whether it is misspelt or belongs to another policy.
        """
        known = {f"{PREFIX}{name}": setting for setting in SETTINGS for name in variable_names(setting.name)}
        left = [name for name in self._environ if name.startswith(PREFIX) and name not in self.used]
        for variable in sorted(left):
            setting = known.get(variable) or known.get(_unscoped(variable))
            if setting is None:
                self._refuse_unknown(variable, known)
            elif setting.keyword not in ("server", *overridden):
                raise ConfigurationError(f"{variable} is set, but nothing reads it: it is for {setting.readers}")

    def _refuse_unknown(self, variable: str, known: Mapping[str, object]) -> None:
        # Without the prefix, which all have in common and which would make anything look alike.
        names = [name.removeprefix(PREFIX) for name in known]
        close = difflib.get_close_matches(variable.removeprefix(PREFIX), names, n=1)
        advice = f"; did you mean {PREFIX}{close[0]}?" if close else ""
        if self._environ.get(f"{PREFIX}IGNORE_UNKNOWN") == "1":
            _log.warning("%s is no setting of this release and is ignored", variable)
            return
        raise ConfigurationError(f"{variable} is no setting{advice} ({PREFIX}IGNORE_UNKNOWN=1 ignores it)")


def _source(make: Callable[[str], SecretSource], where: str, variable: str) -> SecretSource:
    try:
        return make(where)
    except ConfigurationError as error:
        # What stands there may be the secret itself, by mistake.
        raise ConfigurationError(f"{variable}: {str(error).replace(where, '...')}") from None


def _unscoped(variable: str) -> str:
    scope, mark, setting = variable.removeprefix(PREFIX).partition(SCOPE_MARK)
    return f"{PREFIX}{setting}" if scope and mark else variable
