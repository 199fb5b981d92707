"""An agent and an application, side by side: what all rules look at."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cxfulfill.agent.assets import WebhookResource
from cxfulfill.agent.calls import Call, calls_of
from cxfulfill.agent.matching import Matching, found_by_call
from cxfulfill.agent.model import Agent
from cxfulfill.paths import Paths
from cxfulfill.route import Route
from cxfulfill.table import Entry
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook

_REFERENCE: Final = re.compile(r"\$(?:session\.params|flow|sys\.func)\.[\w-]+(?:\.[\w-]+)*")
_SAMPLES: Final = ("1", "x", "00000000-0000-4000-8000-000000000000")
"""What may stand in a path for a reference: one of them fits whatever the variable takes."""
_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
_TAG: Final = re.compile(r'"tag"\s*:\s*"([^"]+)"')
"""In the body of a flexible webhook that makes standard calls."""


@dataclass(frozen=True)
class Inspected:
    """What is checked.

    Attributes:
        agent: The agent.
        webhook: The application.
        chosen: Names of the agent's webhooks that lead to the application; empty to tell by their URLs.
    """

    agent: Agent
    webhook: Webhook
    chosen: frozenset[str] = frozenset()

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The places that call a webhook."""
        return tuple(calls_of(self.agent))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The application's standard handlers."""
        return tuple(self.webhook.entries())

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The application's flexible handlers."""
        return tuple(self.webhook.routes())

    @cached_property
    def targets(self) -> Mapping[int, Target]:
        """What the standard handlers come to, by their ``id()``."""
        return {id(each): Target.of(each, deferral=each.deferral) for each in self.entries}

    @cached_property
    def ours(self) -> frozenset[str]:
        """Names of the agent's webhooks that lead to the application.

        Those that were chosen. Else the standard ones with the application's path, or all where none has it and there
        is a handler for them; and of the flexible ones those on the same hosts. Where there is no standard one, the
        hosts are those of flexible ones that call a route, or all.
        """
        if self.chosen:
            return self.chosen
        standard = [each for each in self.agent.webhooks if not each.is_flexible]
        flexible = [each for each in self.agent.webhooks if each.is_flexible]
        others = [] if self.routes and not self.entries else standard
        fitting = [each for each in standard if self.has_path(each)] or others
        calling = (each for each in flexible if self._called_by(_split(each).path, each.method))
        hosts = {_split(each).netloc for each in fitting or calling}
        return frozenset(
            each.name for each in (*fitting, *(one for one in flexible if not hosts or _split(one).netloc in hosts))
        )

    def route_of(self, webhook: WebhookResource) -> Route | None:
        """Find the route that a flexible webhook calls.

        Args:
            webhook: The webhook.

        Returns:
            The route, by the path of the URL; None where there is none.
        """
        path = _split(webhook).path
        for prefix in sorted(self.prefixes, key=len, reverse=True):
            path = path.removeprefix(prefix)
        return self._called_by(path, webhook.method)

    @cached_property
    def _paths(self) -> Paths[int]:
        return Paths((route.pattern.text, route.methods, at) for at, route in enumerate(self.routes))

    def _called_by(self, path: str, method: str) -> Route | None:
        found = (self._paths.leads_to(_REFERENCE.sub(sample, path), method) for sample in _SAMPLES)
        return next((self.routes[at] for at in found if at is not None), None)

    def has_path(self, webhook: WebhookResource) -> bool:
        """Tell whether a webhook's URL has the path of the application, perhaps below a prefix.

        Args:
            webhook: The webhook.

        Returns:
            Whether it has.
        """
        return (_split(webhook).path or "/").endswith(self.webhook.path)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """What stands in front of the application's paths in the URLs of its standard webhooks."""
        known = (self.agent.webhook_of[name] for name in self.ours if name in self.agent.webhook_of)
        return frozenset(
            _split(each).path.removesuffix(self.webhook.path)
            for each in known
            if not each.is_flexible and self.has_path(each)
        )

    @cached_property
    def standard_calls(self) -> tuple[Call, ...]:
        """The places that call the application with a tag."""
        known = self.agent.webhook_of
        return tuple(
            call
            for call in self.calls
            if call.tag and call.webhook in self.ours and call.webhook in known and not known[call.webhook].is_flexible
        )

    @cached_property
    def matching(self) -> Matching:
        """The look-up of handlers."""
        return Matching(self.agent, self.entries)

    @cached_property
    def handlers(self) -> Mapping[Call, tuple[Entry, ...]]:
        """The handlers that each standard call may reach."""
        return found_by_call(self.matching, self.standard_calls)

    def tags_of(self, webhook: WebhookResource) -> list[str]:
        """List the tags that a flexible webhook calls, as one does that sends standard requests.

        Args:
            webhook: The webhook.

        Returns:
            Those of its body that have a handler; none where its path is another one.
        """
        named = _TAG.findall(webhook.body) if self.has_path(webhook) else []
        return [tag for tag in named if any(self.matching.by_tag(tag))]

    @cached_property
    def reached_otherwise(self) -> frozenset[int]:
        """The ``id()`` of handlers and routes that flexible webhooks with a tag call, or that tools describe."""
        tags = [tag for each in self.flexible() for tag in self.tags_of(each)]
        lines = {line.strip() for text in self.agent.tools for line in text.splitlines()}
        # Of YAML: the items of lists, such as those of an enum, and the paths of operations.
        tags += [line[2:].strip("'\" ") for line in lines if line.startswith("- ")]
        paths = [line[:-1].strip("'\" ") for line in lines if line.endswith(":")]
        called = (_VARIABLE.sub("$session.params.x", path) for path in paths if path.startswith("/"))
        routes = (self._called_by(path, "") for path in called)
        entries = (entry for tag in tags for entry in self.matching.by_tag(tag))
        return frozenset(id(each) for each in (*routes, *entries))

    def flexible(self) -> Iterable[WebhookResource]:
        """List the flexible webhooks that lead to the application.

        Returns:
            The webhooks.
        """
        return [each for each in self.agent.webhooks if each.is_flexible and each.name in self.ours]


def _split(webhook: WebhookResource) -> SplitResult:
    return urlsplit(webhook.url)
