"""An application, its file, and the way of both to a local agent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cxfulfill import AllowUnauthenticated, Webhook
from cxfulfill.agent.plan import Change
from cxfulfill.agent.resource_apply import Applying, Outcome
from cxfulfill.agent.resource_desired import desired
from cxfulfill.agent.resource_service import Sources
from cxfulfill.agent.resource_settings import parse_settings
from cxfulfill.agent.resource_state import FILE, State
from cxfulfill.agent.resources import Desired
from tests.agent.cx_server import CxServer

AGENT = """
[agent]
project = "hotel-1"
location = "europe-west1"
id = "agent-1"
url = "https://hotel.example"
"""
CANARY = "canary-7c1f-password"


class Status(BaseModel):
    status: str


def app(*, flexible: bool = False, standard: bool = True) -> Webhook:
    made = Webhook(auth=AllowUnauthenticated())
    if standard:

        @made.handler("hello")
        def hello(ctx: Any) -> str:
            return "Hello!"

    if flexible:

        @made.flexible(
            "/orders/<int:id>", methods=["PUT"], headers={"X-Lang": "lang"}, params=dict[str, Any], response=Status,
            mapping={"order_status": "$.status"},
        )  # fmt: skip
        def orders(ctx: Any, params: Any) -> Any:
            return {"status": "sent"}

    made.check()
    return made


def wanted(
    text: str, webhook: Webhook | None = None, *, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> Desired:
    settings = parse_settings(AGENT + text)
    given = {"PASSWORD": CANARY} if variables is None else variables
    return desired(webhook or app(), settings, Sources(given, folder or Path()))


class Agent:
    """Plans and applies, each time as a new run of the command."""

    def __init__(self, server: CxServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    @property
    def state(self) -> State:
        return State(self.folder / FILE)

    def applying(self, text: str, webhook: Webhook | None = None, *, prune: bool = False, **options: Any) -> Applying:
        return Applying(wanted(text, webhook, **options), self.server.api(), self.state, prune=prune)

    def plan(self, text: str, webhook: Webhook | None = None, **options: Any) -> list[Change]:
        """Plan; nothing is written by it."""
        before = [dict(self.server.webhooks), dict(self.server.environments)]
        known = sorted(path.read_bytes() for path in self.folder.iterdir())
        written = len(self.server.writes())
        made = self.applying(text, webhook, **options).plan()
        assert before == [self.server.webhooks, self.server.environments]
        assert known == sorted(path.read_bytes() for path in self.folder.iterdir())
        assert len(self.server.writes()) == written
        return made

    def apply(self, text: str, webhook: Webhook | None = None, **options: Any) -> list[Outcome]:
        """Apply; when all is done there is nothing left to do."""
        outcomes = list(self.applying(text, webhook, **options).apply())
        if not any(outcome.problem for outcome in outcomes):
            written = len(self.server.writes())
            again = list(self.applying(text, webhook, **options).apply())
            assert not [outcome for outcome in again if outcome.change.is_work or outcome.problem]
            assert len(self.server.writes()) == written
        return outcomes


def told(changes: list[Change]) -> list[str]:
    return [f"{each.action} {each.kind} {each.title}" for each in changes]


def lines(change: Change) -> list[str]:
    return [f"{each.field}: {each.before} -> {each.after}" for each in change.fields]
