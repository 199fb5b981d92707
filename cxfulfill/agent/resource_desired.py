"""What the agent is to have: from what the application says of itself, and ``cxfulfill.toml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cxfulfill.agent.resource_service import Sources, layered, service_of
from cxfulfill.agent.resource_settings import EnvironmentTable, Service, Settings, WebhookTable
from cxfulfill.agent.resources import Desired, EnvironmentResource, WebhookResource
from cxfulfill.cx_settings import cx_settings
from cxfulfill.errors import ConfigurationError
from cxfulfill.webhook import Webhook

STANDARD: Final = "standard"
"""What ``serves`` says of the standard webhook, and its key where the file has none for it."""

_NO_BASE: Final = "https://nowhere.invalid"
"""Stands for the base URL while only routes are listed."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A webhook that is to be: its key and table, and the tables' name for what it calls."""

    key: str
    table: WebhookTable

    @property
    def route(self) -> str:
        return self.table.serves or ""


def desired(webhook: Webhook, settings: Settings, sources: Sources | None = None) -> Desired:
    """Tell what the agent is to have.

    Args:
        webhook: The application, frozen.
        settings: What the file says.
        sources: Where the values come from that it names.

    Returns:
        Webhooks and environments.

    Raises:
        ConfigurationError: The file names a route or webhook that there is not, something is missing, or two webhooks
            would have one display name.
    """
    return _Maker(webhook, settings, sources or Sources()).make()


class _Maker:
    def __init__(self, webhook: Webhook, settings: Settings, sources: Sources) -> None:
        self._webhook = webhook
        self._settings = settings
        self._sources = sources
        self._served = list(self._all())

    def make(self) -> Desired:
        webhooks = {each.key: self._resource(each) for each in self._served}
        _check_names(webhooks)
        environments = tuple(self._environment(name, table) for name, table in self._settings.environments.items())
        return Desired(self._settings.agent.name, webhooks, environments, frozenset(self._sources.asked))

    def _all(self) -> Iterator[_Served]:
        routes = self._routes(_NO_BASE)
        taken: dict[str, str] = {}
        for key, table in self._settings.webhooks.items():
            if table.serves is not None:
                if table.serves not in routes:
                    known = ", ".join(routes)
                    raise ConfigurationError(f"webhooks.{key}.serves: the application serves {known}")
                if table.serves in taken:
                    raise ConfigurationError(f"webhooks.{key}.serves: webhooks.{taken[table.serves]} serves it already")
                taken[table.serves] = key
            yield _Served(key, table)
        has_handlers = any(True for _ in self._webhook.entries())
        for route in routes:
            if route not in taken and (route != STANDARD or has_handlers):
                if route in self._settings.webhooks:
                    raise ConfigurationError(f'webhooks.{route}: it is the key of what serves = "{route}" would be')
                yield _Served(route, WebhookTable(serves=route))

    def _routes(self, base: str) -> Mapping[str, Mapping[str, Any]]:
        """What the application serves, each with the arguments of `service_of`."""
        found: dict[str, Mapping[str, Any]] = {
            STANDARD: {"uri": base + self._webhook.path, "webhook_type": "STANDARD", **_no_call()}
        }
        for each in cx_settings(self._webhook, base):
            found[f"{each.method} {each.route.pattern.text}"] = {
                "uri": each.url,
                "webhook_type": "FLEXIBLE",
                "http_method": each.method,
                "request_body": each.body or None,
                "parameter_mapping": dict(each.response),
                "request_headers": dict(each.headers),
            }
        return found

    def _resource(self, served: _Served) -> WebhookResource:
        table = served.table
        weaker = (self._settings.defaults,) if table.serves else ()
        base = self._settings.agent.url
        if table.serves and base is None:
            raise ConfigurationError("agent.url is missing: where the agent calls the application")
        timeout = table.timeout
        if timeout is None and table.serves:
            timeout = self._settings.defaults.timeout
        given: dict[str, Any] = {
            "timeout": None if timeout is None else float(timeout),
            "disabled": table.disabled,
        }
        service = self._service(served, layered(*weaker, table), base)
        chosen = {name: value for name, value in given.items() if value is not None}
        return WebhookResource(display_name=table.display_name or served.key, **service, **chosen)

    def _service(self, served: _Served, settings: Service, base: str | None, url: str | None = None) -> Any:
        table = served.table
        call: Mapping[str, Any] = (
            self._routes(base or _NO_BASE)[served.route]
            if table.serves
            else {
                "uri": table.url,
                "webhook_type": "FLEXIBLE",
                "http_method": table.method,
                "request_body": table.body,
                "parameter_mapping": table.mapping or {},
            }
        )
        if url is not None:
            call = {**call, "uri": url}
        try:
            return service_of(settings, self._sources, **call)
        except ConfigurationError as error:
            raise ConfigurationError(f"webhooks.{served.key}: {error}") from None

    def _environment(self, name: str, table: EnvironmentTable) -> EnvironmentResource:
        keys = [each.key for each in self._served]
        unknown = next((key for key in table.webhooks if key not in keys), None)
        if unknown is not None:
            raise ConfigurationError(f"environments.{name}.webhooks.{unknown}: the webhooks are {', '.join(keys)}")
        overrides = {each.key: self._override(each, table) for each in self._served if _differs(each, table)}
        return EnvironmentResource(
            display_name=name,
            description=table.description,
            versions=None if table.versions is None else tuple(table.versions),
            overrides=overrides,
        )

    def _override(self, served: _Served, table: EnvironmentTable) -> WebhookResource:
        own = table.webhooks.get(served.key)
        layers: list[Service] = [self._settings.defaults, served.table, table.defaults]
        if not served.route:
            layers = [served.table]
        if own is not None:
            layers.append(own)
        base = table.url or self._settings.agent.url
        service = self._service(served, layered(*layers), base, own.url if own else None)
        return WebhookResource(display_name=served.table.display_name or served.key, **service)


def _differs(served: _Served, table: EnvironmentTable) -> bool:
    everywhere = bool(served.route) and (table.url is not None or table.defaults != Service())
    return everywhere or served.key in table.webhooks


def _no_call() -> Mapping[str, Any]:
    return {"http_method": None, "request_body": None, "parameter_mapping": {}}


def _check_names(webhooks: Mapping[str, WebhookResource]) -> None:
    named: dict[str, str] = {}
    for key, webhook in webhooks.items():
        other = named.setdefault(webhook.display_name, key)
        if other != key:
            raise ConfigurationError(f"webhooks.{other} and webhooks.{key} would have the same display name")
