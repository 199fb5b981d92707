"""The webhook that a tool or a test is about, by the name that it has in the user's code."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from cxfulfill.errors import ConfigurationError, statement_of
from cxfulfill.webhook import Webhook

PLATFORM: Final = "K_SERVICE"
"""The variable by which a process knows that it is on Cloud Run."""

_SHOWN: Final = 300


def load_webhook(target: str, setting: str = "--app") -> Webhook:
    """Import a webhook; the current directory comes first on the path.

    Args:
        target: ``MODULE:NAME``.
        setting: What takes it, for errors.

    Returns:
        The webhook.

    Raises:
        ConfigurationError: There is no such module or name, its import failed, or it is no webhook; the sentence
            tells which, and what could be named instead.
    """
    module_name, colon, name = target.partition(":")
    is_file = module_name.endswith(".py") or "/" in module_name
    if is_file or not colon or not all(part.isidentifier() for part in (name, *module_name.split("."))):
        hint = "; a module is named with dots and without .py" if is_file else ""
        raise ConfigurationError(f"{setting} takes MODULE:NAME of a Webhook, such as main:webhook{hint}")
    module = _import(module_name)
    found = getattr(module, name, None)
    if not isinstance(found, Webhook):
        raise ConfigurationError(f"{_what(module, name)}; {_candidates(module, setting)}")
    return found


@contextmanager
def platform(*, present: bool) -> Iterator[None]:
    """Let it look like Cloud Run for a while: `CloudRunIam` is made nowhere else.

    Args:
        present: Whether to do so.

    Yields:
        Nothing; the environment is as before afterwards.
    """
    if not present or PLATFORM in os.environ:
        yield
        return
    os.environ[PLATFORM] = "cxfulfill"
    try:
        yield
    finally:
        del os.environ[PLATFORM]


def _import(name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"there is no module {error.name} in this directory or on the path") from None
        raise _failed(name, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> ConfigurationError:
    """Tell the cause of a failed import: its first line, since those behind it may show the values of settings."""
    first = str(error).strip().partition("\n")[0][:_SHOWN]
    told = first if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {first}"
    return ConfigurationError(f"{name} cannot be imported: {told}{statement_of(error)}")


def _what(module: ModuleType, name: str) -> str:
    names: Mapping[str, object] = vars(module)
    if name not in names:
        return f"{module.__name__} has no {name}"
    kind = type(names[name])
    if any(base.__module__.partition(".")[0] == "flask" for base in kind.__mro__):
        return f"{module.__name__}:{name} is a Flask application, which does not tell what webhooks are in it"
    return f"{module.__name__}:{name} is no Webhook but of type {kind.__name__}"


def _candidates(module: ModuleType, setting: str) -> str:
    found = [name for name, value in vars(module).items() if isinstance(value, Webhook)]
    if found:
        return "name the Webhook itself: " + " or ".join(f"{setting} {module.__name__}:{name}" for name in found)
    return f"{module.__name__} has no Webhook by a name of its own: give it one there, as in webhook = Webhook(...)"
