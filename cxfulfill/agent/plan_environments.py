"""What would have to be done for an agent's environments to call webhooks as they are to be called.

The overrides of an environment are one list, which is written as a whole: those of others are written back as they
were read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.agent.plan import Change, shown, unseen
from cxfulfill.agent.resource_fields import SERVICES, Path, differing, leaves, secrets_of
from cxfulfill.agent.resource_state import Known
from cxfulfill.agent.resources import Document, EnvironmentResource
from cxfulfill.errors import ConfigurationError

OVERRIDES: Final = ("webhookConfig", "webhookOverrides")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of webhooks.

    Attributes:
        by_key: Of those that are this application's, or were.
        gone: Of those that are deleted.
    """

    by_key: Mapping[str, str]
    gone: frozenset[str] = field(default_factory=frozenset)


def environments_of(
    wanted: Iterable[EnvironmentResource], found: Iterable[Document], gone: frozenset[str]
) -> list[EnvironmentResource]:
    """List the environments that there is something to do with.

    Args:
        wanted: What is to be.
        found: The agent's environments.
        gone: Names of webhooks that are deleted.

    Returns:
        What is to be, and those others that override a webhook that is deleted.
    """
    made = list(wanted)
    titles = {each.display_name for each in made}
    others = [each for each in found if each.get("displayName", "") not in titles]
    touched = [each for each in others if gone & {override.get("name") for override in _overrides(each)}]
    return made + [EnvironmentResource(display_name=each.get("displayName", "")) for each in touched]


def environment_change(
    wanted: EnvironmentResource, found: Document | None, known: Known | None, names: Names
) -> Change:
    """Tell what is to be done with an environment.

    Args:
        wanted: What is to be.
        found: What is; None for nothing.
        known: What is known of it.
        names: Names of webhooks.

    Returns:
        The change.

    Raises:
        ConfigurationError: There is no such environment, and it cannot be made.
    """
    title = wanted.display_name
    if found is None and wanted.versions is None:
        raise ConfigurationError(
            f"environments.{title}: the agent has no environment of that display name; create it in CX, or name the "
            "flow versions that run in it: versions"
        )
    services = {key: webhook.document() for key, webhook in wanted.overrides.items()}
    services = {key: {name: each[name] for name in SERVICES if name in each} for key, each in services.items()}
    labels = _labels(known, services, names)
    before, kept = _before(found or {}, wanted, labels)
    after = _after(wanted, services)
    hidden = {path for key, each in services.items() for path in unseen(known, each, before, (OVERRIDES[1], key))}
    changed = differing(after, before, hidden)
    mine = [
        {"name": names.by_key.get(key, ""), "displayName": wanted.overrides[key].display_name, **each}
        for key, each in services.items()
    ]
    document = wanted.document()
    if found is None or any(path[0] == OVERRIDES[1] for path in changed):
        document |= {OVERRIDES[0]: {OVERRIDES[1]: kept + mine}}
    return Change(
        kind="environment",
        action="create" if found is None else "update" if changed else "keep",
        key=title,
        title=title,
        name=(found or {}).get("name", ""),
        fields=shown(before, after, changed),
        document=document if found is None else {**document, "name": found["name"]},
        masks=tuple(sorted({OVERRIDES if path[0] == OVERRIDES[1] else path[:1] for path in changed})),
        remarks=tuple(_remarks(kept)) if changed else (),
    )


def secrets_in(wanted: EnvironmentResource) -> dict[Path, str]:
    """List the secrets of an environment's overrides.

    Args:
        wanted: The environment.

    Returns:
        Values by field.
    """
    return {
        (OVERRIDES[1], key, *path): value
        for key, webhook in wanted.overrides.items()
        for path, value in secrets_of(webhook.document()).items()
    }


def others_secrets(found: Iterable[Document]) -> list[str]:
    """List the secrets of overrides as they were read: they are written back with ours.

    Args:
        found: The agent's environments.

    Returns:
        The values.
    """
    return [value for each in found for override in _overrides(each) for value in secrets_of(override).values()]


def fields_in(found: Document, keys: Mapping[str, str]) -> dict[Path, Any]:
    """List the fields of an environment's overrides.

    Args:
        found: The environment.
        keys: Their keys, by the webhooks' names.

    Returns:
        Values by field.
    """
    made: dict[Path, Any] = {}
    for each in _overrides(found):
        key = keys.get(each.get("name", ""))
        if key is not None:
            services: Document = {name: each[name] for name in SERVICES if name in each}
            made |= leaves(services, (OVERRIDES[1], key))
    return made


def _labels(known: Known | None, services: Mapping[str, Any], names: Names) -> dict[str, str]:
    """By the webhooks' names, the keys of the overrides that are ours, were, or go with their webhooks."""
    past = {key for mask in known.masks if mask[:2] == OVERRIDES for key in mask[2:3]} if known else set()
    mine = {names.by_key[key]: key for key in {*services, *past} if key in names.by_key}
    return {name: name.rpartition("/")[2] for name in names.gone} | mine


def _before(
    found: Document, wanted: EnvironmentResource, labels: Mapping[str, str]
) -> tuple[dict[Path, Any], list[Document]]:
    made: dict[Path, Any] = {}
    if wanted.description is not None and found.get("description"):
        made["description",] = found["description"]
    if wanted.versions is not None and found:
        made["versionConfigs",] = tuple(sorted(each.get("version", "") for each in found.get("versionConfigs", ())))
    kept = [each for each in _overrides(found) if each.get("name") not in labels]
    return made | fields_in(found, labels), kept


def _after(wanted: EnvironmentResource, services: Mapping[str, Any]) -> dict[Path, Any]:
    made: dict[Path, Any] = {}
    if wanted.description:
        made["description",] = wanted.description
    if wanted.versions is not None:
        made["versionConfigs",] = tuple(sorted(wanted.versions))
    for key, each in services.items():
        made |= leaves(each, (OVERRIDES[1], key))
    return made


def _overrides(environment: Mapping[str, Any]) -> list[Document]:
    found: list[Document] = environment.get(OVERRIDES[0], {}).get(OVERRIDES[1], [])
    return found


def _remarks(kept: Iterable[Document]) -> Iterable[str]:
    for each in kept:
        services = [each.get(SERVICES[0], {}), each.get(SERVICES[1], {}).get(SERVICES[0], {})]
        if any("oauthConfig" in one and not _keeps_secret(one["oauthConfig"]) for one in services):
            title = each.get("displayName") or each.get("name", "")
            yield (
                f"take care: the override of {title}, which is not this application's, has a client secret that the "
                "API does not show, and is written back without it; keep it in Secret Manager"
            )


def _keeps_secret(oauth: Mapping[str, Any]) -> bool:
    return bool(oauth.get("clientSecret") or oauth.get("secretVersionForClientSecret"))
