"""What an agent is to have, as configuration for Terraform's provider ``google``.

Its resources have no overrides for environments, and no user name and password in a webhook. Those are outputs: JSON of
the REST API, with the names that Terraform knows, and a comment that says where to send it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from pydantic.alias_generators import to_snake

from cxfulfill.agent.plan_environments import OVERRIDES
from cxfulfill.agent.resource_api import endpoint
from cxfulfill.agent.resource_fields import SERVICES, Path, compact, is_secret, leaves
from cxfulfill.agent.resource_hcl import Expression, block, comment, value
from cxfulfill.agent.resource_rest import overrides_of
from cxfulfill.agent.resource_service import reference_to
from cxfulfill.agent.resources import Desired, Document, EnvironmentResource

WEBHOOK: Final = "google_dialogflow_cx_webhook"
ENVIRONMENT: Final = "google_dialogflow_cx_environment"
LACKING: Final = ("username", "password")
"""Members of a web service that Terraform's resource does not have."""

_MESSAGES: Final = frozenset({"oauthConfig", "serviceAccountAuthConfig", *SERVICES})
_FROM_VARIABLES: Final = frozenset({*LACKING, "clientId", "clientSecret"})


def terraform(desired: Desired) -> str:
    """Write it.

    Args:
        desired: What the agent is to have, with references in place of variables' values.

    Returns:
        The configuration.
    """
    return "\n".join(_Writer(desired).parts())


class _Writer:
    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._variables = _labels(sorted(desired.variables))
        self._references = {reference_to(name): Expression(f"var.{each}") for name, each in self._variables.items()}
        self._labels = _labels([*desired.webhooks])
        titles = [each.display_name for each in desired.environments]
        self._environment_labels = _labels(titles)

    def parts(self) -> Iterator[str]:
        for name in self._variables.values():
            yield block(f'variable "{name}"', {"type": Expression("string"), "sensitive": True})
        for key, label in self._labels.items():
            yield from self._webhook(label, self._desired.webhooks[key].document())
        for environment in self._desired.environments:
            yield from self._environment(self._environment_labels[environment.display_name], environment)

    def _webhook(self, label: str, document: Document) -> Iterator[str]:
        there = self._filled(compact(document))
        arguments = {"parent": str(self._desired.agent)}
        arguments |= {to_snake(name): member for name, member in there.items() if name not in SERVICES}
        services = [self._message(name, there[name], 1) for name in SERVICES if name in there]
        yield block(f'resource "{WEBHOOK}" "{label}"', arguments, services)
        rest = _only(there, LACKING)
        if rest:
            mask = ",".join(".".join(path) for path in leaves(rest))
            why = f"{WEBHOOK} has no user name and password: send them again whenever it was changed."
            yield self._output(f"{label}_credentials", rest, why, f"{WEBHOOK}.{label}.id", mask)

    def _message(self, name: str, members: Mapping[str, Any], depth: int) -> str:
        """A message is a block, as is each entry of a map of messages; all else is an argument."""
        arguments, blocks = {}, []
        for each, member in members.items():
            if each in _MESSAGES:
                blocks.append(self._message(each, member, depth + 1))
            elif each == "secretVersionsForRequestHeaders":
                entries = ({"key": key, "secret_version": entry["secretVersion"]} for key, entry in member.items())
                blocks += [block(to_snake(each), entry, depth=depth + 1) for entry in entries]
            elif each not in LACKING:
                arguments[to_snake(each)] = member
        return block(to_snake(name), arguments, blocks, depth)

    def _environment(self, label: str, environment: EnvironmentResource) -> Iterator[str]:
        name = "ENVIRONMENT_NAME"
        if environment.versions is not None:
            name = f"{ENVIRONMENT}.{label}.id"
            arguments = {"parent": str(self._desired.agent), "display_name": environment.display_name}
            if environment.description is not None:
                arguments["description"] = environment.description
            versions = [block("version_configs", {"version": version}, depth=1) for version in environment.versions]
            yield block(f'resource "{ENVIRONMENT}" "{label}"', arguments, versions)
        else:
            said = f"The environment {environment.display_name!r} is no resource here: it has no versions in the file."
            yield comment(said)
        if environment.overrides:
            names = {key: Expression(f"{WEBHOOK}.{each}.id") for key, each in self._labels.items()}
            document = self._filled({OVERRIDES[0]: overrides_of(environment, names)})
            why = f"{ENVIRONMENT} has no overrides of webhooks. What is sent takes the place of all that there are."
            yield self._output(f"{label}_overrides", document, why, name, ".".join(OVERRIDES))

    def _output(self, label: str, document: Document, why: str, name: str, mask: str) -> str:
        url = f"https://{endpoint(self._desired.agent.location)}/v3/NAME?updateMask={quote(mask, safe=',.')}"
        said = f"{why}\nterraform output -raw {label} gives the body of PATCH {url}\nwhere NAME is {name}"
        arguments: dict[str, Any] = {}
        if _is_sensitive(document):
            arguments["sensitive"] = True
        arguments["value"] = Expression(f"jsonencode({value(document, 1)})")
        return comment(said) + block(f'output "{label}"', arguments)

    def _filled(self, given: Any, path: Path = ()) -> Any:
        """Put Terraform's variables in place of references."""
        if isinstance(given, Mapping):
            return {name: self._filled(member, (*path, name)) for name, member in given.items()}
        if isinstance(given, list):
            return [self._filled(member, path) for member in given]
        is_place = path and (path[-1] in _FROM_VARIABLES or "requestHeaders" in path)
        return self._references.get(given, given) if is_place else given


def _only(document: Mapping[str, Any], names: Collection[str]) -> Document:
    """Leave all but some members of the web service out."""
    made: Document = {}
    for name, member in document.items():
        if name in SERVICES:
            below = _only(member, names)
            made |= {name: below} if below else {}
        elif name in names:
            made[name] = member
    return made


def _is_sensitive(given: Any, path: Path = ()) -> bool:
    """Tell whether there is a secret in a value: one of a variable, or one that the file holds in plain text."""
    if isinstance(given, Mapping):
        return any(_is_sensitive(member, (*path, name)) for name, member in given.items())
    if isinstance(given, list):
        return any(_is_sensitive(member, path) for member in given)
    return (isinstance(given, Expression) and given.startswith("var.")) or is_secret(path, given)


def _label(text: str) -> str:
    made = re.sub(r"[^a-z0-9_]+", "_", text.casefold()).strip("_")
    return made if made[:1].isalpha() else f"_{made}"


def _labels(keys: Iterable[str]) -> dict[str, str]:
    """Name resources: each by its key, as far as Terraform takes it, and with a number where that is taken."""
    made: dict[str, str] = {}
    for key in keys:
        wanted, number = _label(key), 1
        while (f"{wanted}_{number}" if number > 1 else wanted) in made.values():
            number += 1
        made[key] = f"{wanted}_{number}" if number > 1 else wanted
    return made
