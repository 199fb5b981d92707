"""What would have to be done for an agent to have the webhooks that it is to have; nothing is done here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cxfulfill.agent.resource_fields import (
    SERVICES,
    Path,
    differing,
    is_secret,
    leaves,
    mask_of,
    masks,
    secrets_of,
)
from cxfulfill.agent.resource_state import Known, KnownAgent
from cxfulfill.agent.resources import Document, WebhookResource
from cxfulfill.agent.webhook_files import body_without_secrets, without_secrets

HIDDEN: Final = "(secret)"
NOTHING: Final = "(none)"

Action = Literal["create", "update", "delete", "keep", "leave"]
"""``keep`` is one that is as it is to be, ``leave`` one that only ``--prune`` would delete."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that becomes another one, as it may be shown.

    Attributes:
        field: Its place, such as ``genericWebService.uri``.
        before: What is there.
        after: What is to be there.
    """

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be done with a resource.

    Attributes:
        kind: What it is.
        action: What is done.
        key: Its key in the file.
        title: Its display name.
        name: Its resource name; empty for one that is not there.
        fields: What becomes another.
        document: What is sent; it may hold secrets.
        masks: The fields that an update names.
        remarks: What is to be said besides.
    """

    kind: Literal["webhook", "environment"]
    action: Action
    key: str
    title: str
    name: str = ""
    fields: tuple[FieldChange, ...] = ()
    document: Document = field(default_factory=dict, repr=False)
    masks: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_work(self) -> bool:
        """Whether something is done."""
        return self.action not in ("keep", "leave")


def matched(keyed: Mapping[str, WebhookResource], found: Iterable[Document], known: KnownAgent) -> dict[str, Document]:
    """Find the webhooks that are this application's.

    Args:
        keyed: What is to be, by key.
        found: The agent's webhooks.
        known: What is known of the agent.

    Returns:
        Webhooks by key: that whose name is known, else that which has the display name and is no other key's.
    """
    by_name = {each["name"]: each for each in found}
    by_title = {each.get("displayName"): each for each in by_name.values()}
    names = {key: known.webhooks[key].name for key in keyed if key in known.webhooks}
    made = {key: by_name[name] for key, name in names.items() if name in by_name}
    taken = {each["name"] for each in made.values()}
    for key, webhook in keyed.items():
        candidate = by_title.get(webhook.display_name)
        if key not in made and candidate is not None and candidate["name"] not in taken:
            made[key] = candidate
    return made


def webhook_change(key: str, wanted: WebhookResource, found: Document | None, known: Known | None) -> Change:
    """Tell what is to be done with a webhook.

    Args:
        key: Its key.
        wanted: What is to be.
        found: What is; None for nothing.
        known: What is known of it.

    Returns:
        The change.
    """
    document = wanted.document()
    after = leaves(document)
    if found is None:
        fields = shown({}, after, sorted(after))
        return Change(
            kind="webhook", action="create", key=key, title=wanted.display_name, fields=fields, document=document
        )
    known = known if known and known.name == found["name"] else None
    ours = masks(document) | (known.masks if known else frozenset())
    service, other = SERVICES if SERVICES[0] in document else reversed(SERVICES)
    before = {path: value for path, value in leaves(found).items() if mask_of(path) in ours or path[0] == other}
    # A secret that is to go is there, though the API does not show it.
    before = {path: HIDDEN for path in (known.hidden if known else ()) if path not in after} | before
    changed = differing(after, before, unseen(known, document, before))
    named = {mask_of(path) for path in changed}
    if other in found:
        # Of the two there is one: the whole of it is written, and the other one goes with that.
        named = {path for path in named if path[0] not in SERVICES} | {(service,)}
    return Change(
        kind="webhook",
        action="update" if changed else "keep",
        key=key,
        title=wanted.display_name,
        name=found["name"],
        fields=shown(before, after, changed),
        document={**document, "name": found["name"]},
        masks=tuple(sorted(named)),
        remarks=() if known else ("found by its display name",),
    )


def leftovers(
    keyed: Iterable[str], found: Iterable[Document], known: KnownAgent, mine: Iterable[str], *, prune: bool
) -> list[Change]:
    """Tell which webhooks are this application's and not to be any more.

    Args:
        keyed: The keys of those that are to be.
        found: The agent's webhooks.
        known: What is known of the agent.
        mine: Names of the webhooks that are to be.
        prune: Whether they are deleted.

    Returns:
        A change for each.
    """
    there = {each["name"]: each.get("displayName", "") for each in found}
    keys, names = set(keyed), set(mine)
    return [
        Change(
            kind="webhook",
            action="delete" if prune else "leave",
            key=key,
            title=there[each.name],
            name=each.name,
            remarks=() if prune else ("neither the application nor the file has it any more: --prune deletes it",),
        )
        for key, each in known.webhooks.items()
        if key not in keys and each.name in there and each.name not in names
    ]


def unseen(known: Known | None, document: Mapping[str, Any], before: Mapping[Path, Any], above: Path = ()) -> set[Path]:
    """Tell which secrets are there as they are to be, though the API does not show them.

    Args:
        known: What is known of the resource.
        document: What is to be.
        before: The fields that the API shows.
        above: Where the document is.

    Returns:
        Their fields.
    """
    if known is None:
        return set()
    wanted = {(*above, *path): value for path, value in secrets_of(document).items()}
    return set(known.unseen({path: value for path, value in wanted.items() if path not in before}))


def shown(before: Mapping[Path, Any], after: Mapping[Path, Any], changed: Iterable[Path]) -> tuple[FieldChange, ...]:
    """Write fields so that everybody may see them.

    Args:
        before: Values that are there.
        after: Values that are to be there.
        changed: The fields.

    Returns:
        Each, with its secrets hidden.
    """
    made = []
    for path in changed:
        old, new = _shown(path, before.get(path)), _shown(path, after.get(path))
        is_hidden = old == new and path[-1] != "allowedCaCerts"
        made.append(FieldChange(".".join(path), old, "(another secret)" if is_hidden else new))
    return tuple(made)


def _shown(path: Path, value: Any) -> str:
    if value is None:
        return NOTHING
    if is_secret(path, value):
        return HIDDEN
    if path[-1] in ("uri", "tokenEndpoint"):
        return without_secrets(str(value))
    if path[-1] == "requestBody":
        return body_without_secrets(str(value))
    if path[-1] == "allowedCaCerts":
        return f"{len(value)} certificate{'s' if len(value) > 1 else ''}"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
