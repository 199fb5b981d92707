"""From the environment to a webhook: what `Webhook.from_env` reads."""

import os
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import IdempotencyStore
from cxfulfill.idempotency.urls import open_store
from cxfulfill.settings.names import check_all_used, check_names, check_scopes
from cxfulfill.settings.policies import read_auth, read_environments
from cxfulfill.settings.table import PREFIX
from cxfulfill.settings.variables import Variables
from cxfulfill.settings.wording import naming

if TYPE_CHECKING:
    from cxfulfill.recording import Recording


class _Recorded(Protocol):
    recording: "Recording | None"


W = TypeVar("W", bound=_Recorded)


def build(make: Callable[..., W], overrides: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> W:
    """Make a webhook from the environment.

    Args:
        make: Makes it from keywords.
        overrides: Keywords that win over variables.
        environ: The environment.

    Returns:
        The webhook.

    Raises:
        ConfigurationError: A variable is wrong, missing, misspelt, or nothing reads it; the error says what to set.
    """
    found = _read(environ, overrides)
    recording = found.pop("recording", None)
    with naming(lambda keyword: f"{PREFIX}{keyword.upper()}" if keyword in found else None):
        made = make(**{**found, **overrides})
    made.recording = recording
    return made


def _read(environ: Mapping[str, str], overridden: Collection[str]) -> dict[str, Any]:
    variables, own_auth = Variables(environ), "auth" in overridden
    environments = [] if own_auth else read_environments(variables)
    names = [each.name for each in environments]
    check_names(environ, names, ignore=bool(variables.flag("IGNORE_UNKNOWN")))
    found: dict[str, Any] = {}
    if not own_auth:
        check_scopes(environ, names)
        found["auth"] = read_auth(variables, environments)
    found |= {keyword: read(variables) for keyword, read in _KEYWORDS.items() if keyword not in overridden}
    found["recording"] = _recording(variables, environ)
    check_all_used(environ, variables.used, overridden=overridden)
    return {keyword: value for keyword, value in found.items() if value is not None}


def _store(variables: Variables) -> IdempotencyStore | None:
    url = variables.text("STORE")
    try:
        return None if url is None else open_store(url)
    except ConfigurationError as error:
        # What stands there is not shown: it may hold a password.
        raise ConfigurationError(f"{PREFIX}STORE: {str(error).replace(url or ' ', '...')}") from None


def _telemetry(variables: Variables) -> object | None:
    text = variables.text("TELEMETRY")
    if text is None:
        return None
    if text != "opentelemetry":
        raise ConfigurationError(f"{PREFIX}TELEMETRY takes opentelemetry")
    # By name: the serving core must not load what nobody asked for.
    made: object = import_module("cxfulfill.otel").OpenTelemetry()
    return made


def _recording(variables: Variables, environ: Mapping[str, str]) -> "Recording | None":
    folder, forced = variables.text("RECORD"), variables.flag("RECORD_ON_CLOUD_RUN")
    if folder is None:
        return None
    if "K_SERVICE" in environ and not forced:
        raise ConfigurationError(
            f"{PREFIX}RECORD keeps what users say, and this is Cloud Run: unset it, or set "
            f"{PREFIX}RECORD_ON_CLOUD_RUN=1 too"
        )
    from cxfulfill.recording import Recording  # noqa: PLC0415 - nothing of it is loaded where nothing is recorded

    return Recording(Path(folder))


_KEYWORDS: Final[Mapping[str, Callable[[Variables], Any]]] = {
    "allowed_agents": lambda variables: variables.texts("ALLOWED_AGENTS") or None,
    "idempotency": _store,
    "path": lambda variables: variables.text("PATH"),
    "timeout": lambda variables: variables.number("TIMEOUT"),
    "max_body": lambda variables: variables.number("MAX_BODY", int),
    "max_in_flight": lambda variables: variables.number("MAX_IN_FLIGHT", int),
    "telemetry": _telemetry,
    "strict_cx_status": lambda variables: variables.flag("STRICT_CX_STATUS"),
}
