"""The names of variables: one that is misspelt, or that nothing reads, is found here and not when it is missed."""

import difflib
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import BY_NAME, BY_VARIABLE, NEXT, PREFIX, SCOPE_MARK, Setting

_log = logging.getLogger("cxfulfill")
_NEAR: Final = 0.9
"""How much of two names must be alike for one to be taken for the other, misspelt."""
_REVERSED: Final = re.compile(r"(.+)_(FILE|SECRET)_NEXT")


def check_names(environ: Mapping[str, str], environments: Iterable[str], *, ignore: bool) -> None:
    """Refuse variables whose names are none of a setting.

    Args:
        environ: The environment.
        environments: Names of the agent's environments.
        ignore: Let those pass that are like no setting's name: they may be a newer release's.

    Raises:
        ConfigurationError: There is one; the error says what was probably meant.
    """
    scopes = {name.upper() for name in environments}
    for variable in _ours(environ):
        if _setting(variable) is None:
            meant = _meant(variable[len(PREFIX) :], scopes)
            if not ignore or meant.is_near:
                hint = "" if meant.is_near else f" ({PREFIX}IGNORE_UNKNOWN=1 ignores it)"
                raise ConfigurationError(f"{variable} is no setting{meant.advice}{hint}")
            _log.warning("%s is no setting of this release and is ignored", variable)


def check_scopes(environ: Mapping[str, str], environments: Iterable[str]) -> None:
    """Refuse an environment's own variables where there is no such environment, or no such setting of it.

    Args:
        environ: The environment.
        environments: Names of the agent's environments.

    Raises:
        ConfigurationError: There is one.
    """
    scopes = {name.upper() for name in environments}
    for variable in _ours(environ):
        scope, setting = _scope(variable), _setting(variable)
        if not scope or setting is None:
            continue
        if scope not in scopes:
            raise ConfigurationError(f"{variable}: {scope.lower()} is not in {PREFIX}ENVIRONMENTS")
        if setting.keyword != "auth" or setting.name == "ENVIRONMENTS":
            raise ConfigurationError(f"{variable}: {PREFIX}{setting.name} is common to all environments")


def check_all_used(environ: Mapping[str, str], used: Collection[str], *, overridden: Collection[str]) -> None:
    """Refuse settings that nothing has read.

    Args:
        environ: The environment.
        used: The variables that were read.
        overridden: Keywords that were given; their variables need not be read.

    Raises:
        ConfigurationError: There is one; the error says whom it is for.
    """
    for variable in _ours(environ):
        setting = _setting(variable)
        if setting is not None and variable not in used and setting.keyword not in ("server", *overridden):
            raise ConfigurationError(f"{variable} is set, but {_why(variable, setting, environ, used)}")


def _ours(environ: Mapping[str, str]) -> Iterator[str]:
    yield from sorted(name for name in environ if name.startswith(PREFIX) or _setting(name.upper()))


def _scope(variable: str) -> str:
    return variable.removeprefix(PREFIX).rpartition(SCOPE_MARK)[0]


def _setting(variable: str) -> Setting | None:
    scope, mark, name = variable.removeprefix(PREFIX).rpartition(SCOPE_MARK)
    is_one = variable.startswith(PREFIX) and (scope.isupper() or not mark)
    return BY_VARIABLE.get(name) if is_one else None


@dataclass(frozen=True, slots=True)
class _Meant:
    advice: str = ""
    is_near: bool = False


def _meant(name: str, scopes: Collection[str]) -> _Meant:
    """Guess what a name was meant to be."""
    scope, _, own = name.upper().rpartition(SCOPE_MARK)
    start = f"{scope}{SCOPE_MARK}" if scope else ""
    stem, following, _ = own.partition(NEXT)
    if following and stem in BY_NAME and BY_NAME[stem].kind == "one secret":
        return _Meant(": this secret is sent to somebody, so there is no next one", is_near=True)
    for known in (*_other_forms(own), *_with_one_underscore(own, scopes)):
        return _did_you_mean(f"{start}{known}", is_near=True)
    close = difflib.get_close_matches(own, BY_VARIABLE, n=1)
    return _did_you_mean(f"{start}{close[0]}", is_near=_is_near(own, close[0])) if close else _Meant()


def _did_you_mean(name: str, *, is_near: bool) -> _Meant:
    return _Meant(f"; did you mean {PREFIX}{name}?", is_near)


def _other_forms(name: str) -> Iterator[str]:
    """The same in capitals, with other underscores, with the ends in another order."""
    plain = name.replace("_", "")
    yield from (known for known in BY_VARIABLE if known.replace("_", "") == plain)
    turned = _REVERSED.fullmatch(name)
    if turned and f"{turned[1]}{NEXT}_{turned[2]}" in BY_VARIABLE:
        yield f"{turned[1]}{NEXT}_{turned[2]}"


def _with_one_underscore(name: str, scopes: Iterable[str]) -> Iterator[str]:
    for scope in scopes:
        rest = name.removeprefix(f"{scope}_")
        if rest != name and rest in BY_VARIABLE:
            yield f"{scope}{SCOPE_MARK}{rest}"


def _is_near(name: str, known: str) -> bool:
    return difflib.SequenceMatcher(None, name, known).ratio() >= _NEAR or sorted(name) == sorted(known)


def _why(variable: str, setting: Setting, environ: Mapping[str, str], used: Collection[str]) -> str:
    if not _scope(variable) and any(_scope(other) and _setting(other) is setting for other in used):
        return "each environment that reads it has its own: unset it"
    policies = {name for other in used if _setting(other) is BY_NAME["AUTH"]
                for name in re.findall(r"[a-z-]+", environ[other])}  # fmt: skip
    for name in (f"OAUTH_{setting.name}", f"{setting.name}S"):
        readers = sorted(policy for policy in policies if name in BY_NAME and policy in BY_NAME[name].readers)
        if readers:
            return f"it is for {setting.readers}; that of {readers[0]} is {PREFIX}{name}"
    return f"nothing reads it: it is for {setting.readers}"
