"""Plan and apply: what an agent has, what it is to have, and one step after the other from this to that."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cxfulfill.agent.plan import HIDDEN, Change, leftovers, matched, webhook_change
from cxfulfill.agent.plan_environments import (
    OVERRIDES,
    Names,
    environment_change,
    environments_of,
    fields_in,
    others_secrets,
    secrets_in,
)
from cxfulfill.agent.resource_api import AgentApi, ApiRefusal
from cxfulfill.agent.resource_fields import Path, leaves, masks, secrets_of
from cxfulfill.agent.resource_state import Known, State, digests_of
from cxfulfill.agent.resources import Desired, Document, EnvironmentResource

ATTEMPTS: Final = 3
"""How often a resource is read again and written, where somebody else writes it too."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Attributes:
        change: The change.
        problem: Why it was not done; empty where it was.
    """

    change: Change
    problem: str = ""


class Applying:
    """An agent on its way to what it is to have.

    Args:
        desired: What it is to have.
        api: The agent.
        state: What is known of it.
        prune: Whether webhooks that are not to be any more are deleted.
    """

    def __init__(self, desired: Desired, api: AgentApi, state: State, *, prune: bool = False) -> None:
        self._desired = desired
        self._api = api
        self._state = state
        self._known = state.agent(str(desired.agent))
        self._prune = prune
        self._webhooks: list[Document] = []
        self._environments: list[Document] = []

    def plan(self) -> list[Change]:
        """Tell what would be done. Nothing is changed, in the agent or on this machine.

        Returns:
            The changes, in the order in which they are made.

        Raises:
            ApiRefusal: The agent cannot be read.
            ConfigurationError: An environment is not there and cannot be made.
        """
        self._read()
        changes = [self._webhook(key) for key in self._desired.webhooks]
        changes += [self._environment(each) for each in self._environments_of()]
        return changes + self._leftovers()

    def apply(self) -> Iterator[Outcome]:
        """Do it. One that fails does not keep others from being done; to do it again does what is left.

        Yields:
            What became of each change, when it is over.

        Raises:
            ApiRefusal: The agent cannot be read.
            ConfigurationError: An environment is not there and cannot be made; nothing has been changed then, unless it
                has been deleted meanwhile.
        """
        self.plan()
        for key in self._desired.webhooks:
            yield self._apply_webhook(key)
        for environment in self._environments_of():
            yield self._apply_environment(environment)
        for change in self._leftovers():
            yield self._apply_leftover(change)

    def _read(self) -> None:
        self._webhooks = self._api.webhooks()
        self._environments = self._api.environments()

    def _mine(self) -> dict[str, Document]:
        return matched(self._desired.webhooks, self._webhooks, self._known)

    def _webhook(self, key: str) -> Change:
        return webhook_change(key, self._desired.webhooks[key], self._mine().get(key), self._known.webhooks.get(key))

    def _leftovers(self) -> list[Change]:
        mine = [each["name"] for each in self._mine().values()]
        return leftovers(self._desired.webhooks, self._webhooks, self._known, mine, prune=self._prune)

    def _gone(self) -> frozenset[str]:
        return frozenset(each.name for each in self._leftovers() if each.action == "delete")

    def _environments_of(self) -> list[EnvironmentResource]:
        return environments_of(self._desired.environments, self._environments, self._gone())

    def _names(self) -> dict[str, str]:
        past = {key: each.name for key, each in self._known.webhooks.items()}
        return past | {key: each["name"] for key, each in self._mine().items()}

    def _environment(self, wanted: EnvironmentResource) -> Change:
        title = wanted.display_name
        found = next((each for each in self._environments if each.get("displayName") == title), None)
        names = Names(self._names(), self._gone())
        return environment_change(wanted, found, self._known.environments.get(title), names)

    def _apply_webhook(self, key: str) -> Outcome:
        outcome, made = self._tried(lambda: self._webhook(key), self._write_webhook)
        if made is not None:
            self._webhooks = [*(each for each in self._webhooks if each["name"] != made["name"]), made]
            self._remember_webhook(key, made)
        return outcome

    def _tried(
        self, planned: Callable[[], Change], write: Callable[[Change], Document]
    ) -> tuple[Outcome, Document | None]:
        """Write a resource; where somebody else was faster, read all again and do what is left."""
        left = ATTEMPTS
        while True:
            change = planned()
            try:
                return Outcome(change), write(change)
            except ApiRefusal as error:
                left -= 1
                if not left or not error.is_conflict:
                    return Outcome(change, self._told(error)), None
            self._read()

    def _write_webhook(self, change: Change) -> Document:
        if change.action == "create":
            return self._api.create_webhook(change.document)
        if change.action == "update":
            return self._api.update_webhook(change.document, change.masks)
        return next(each for each in self._webhooks if each["name"] == change.name)

    def _remember_webhook(self, key: str, made: Document) -> None:
        document = self._desired.webhooks[key].document()
        known, name = self._known.webhooks, made["name"]
        hidden = _not_in(secrets_of(document), leaves(made))
        for other in [other for other, each in known.items() if each.name == name and other != key]:
            del known[other]
        known[key] = Known(name=name, fields=_listed(masks(document)), secrets=digests_of(hidden, known.get(key)))
        self._state.save()

    def _apply_environment(self, wanted: EnvironmentResource) -> Outcome:
        lacking = sorted(wanted.overrides.keys() - self._mine().keys())
        if lacking:
            problem = f"not tried, since it needs what has failed: {', '.join(lacking)}"
            return Outcome(self._environment(wanted), problem)
        try:
            # The overrides are written as a whole: what others have written while webhooks were made is to stay.
            self._environments = self._api.environments()
        except ApiRefusal as error:
            return Outcome(self._environment(wanted), self._told(error))
        outcome, made = self._tried(lambda: self._environment(wanted), self._write_environment)
        if made is not None:
            self._remember_environment(wanted, made)
        return outcome

    def _write_environment(self, change: Change) -> Document:
        if change.action == "create":
            return self._api.create_environment(change.document)
        if change.action == "update":
            return self._api.update_environment(change.document, change.masks)
        return next(each for each in self._environments if each["name"] == change.name)

    def _remember_environment(self, wanted: EnvironmentResource, made: Document) -> None:
        title, known = wanted.display_name, self._known.environments
        keys = {name: key for key, name in self._names().items()}
        hidden = _not_in(secrets_in(wanted), fields_in(made, keys))
        fields = [(*OVERRIDES, key) for key in wanted.overrides]
        known[title] = Known(fields=_listed(fields), secrets=digests_of(hidden, known.get(title)))
        self._state.save()

    def _apply_leftover(self, change: Change) -> Outcome:
        if change.action == "delete":
            try:
                self._api.delete_webhook(change.name)
            except ApiRefusal as error:
                return Outcome(change, self._told(error))
            del self._known.webhooks[change.key]
            self._state.save()
        return Outcome(change)

    def _told(self, error: ApiRefusal) -> str:
        """Write what the API says, without the secrets that it may repeat."""
        text = str(error)
        for secret in self._secrets():
            for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
                text = text.replace(form, HIDDEN)
        return text

    def _secrets(self) -> list[str]:
        found = [value for each in self._desired.webhooks.values() for value in secrets_of(each.document()).values()]
        found += [value for each in self._desired.environments for value in secrets_in(each).values()]
        found += others_secrets(self._environments)
        return sorted(set(found), key=len, reverse=True)


def _not_in(wanted: dict[Path, str], there: dict[Path, str]) -> dict[Path, str]:
    return {path: value for path, value in wanted.items() if path not in there}


def _listed(fields: Iterable[Path]) -> list[list[str]]:
    return [list(each) for each in sorted(fields)]
