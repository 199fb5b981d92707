"""A webhook for ``cxfulfill call`` and ``cxfulfill chat``: each kind of message, and some that misbehave."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import WSGIRequestHandler, make_server

from cxfulfill import (
    BadRequest,
    ConversationSuccess,
    KnowledgeInfoCard,
    LiveAgentHandoff,
    OutputAudioText,
    Payload,
    PlayAudio,
    Reply,
    TelephonyTransferCall,
    Text,
    ToolCall,
)
from cxfulfill.cli.commands import cli
from cxfulfill.protocol.messenger import (
    Accordion,
    Button,
    Chips,
    Description,
    Divider,
    Files,
    Html,
    Image,
    Info,
    ListItem,
    MatchCitations,
    RawItem,
    RichContent,
    Video,
)
from cxfulfill.protocol.messenger_parts import ChipOption, Citation, FileItem
from tests.cases.client import App

PASSWORD = "canary-a-long-random-password"
ENV = {"TRIAL_PASSWORD": PASSWORD, "COLUMNS": "200", "NO_COLOR": "1"}
BASIC = ("--username", "cx", "--password-env", "TRIAL_PASSWORD")
AGENT = "projects/p/locations/global/agents/a"

RICH = RichContent(
    [Info("Double", "Harbour view", anchor="https://h.example/d"), Info("Plain")],
    [Image("https://h.example/d.jpg", "A room")],
    [Divider(), Chips("Book", ChipOption("Terms", anchor="https://h.example/terms"))],
    [Button("Pay", event="pay"), ListItem("Mine", "All of them", event="mine"), ListItem("Dead")],
    [Description("Rules", "No smoking", "No dogs"), Accordion("More", text="Much more"), Html("<b>bold</b>")],
    [Video("https://h.example/v"), MatchCitations(Citation("Source", anchor="https://h.example/s"))],
    [Files(FileItem("a.pdf"))],
    [RawItem({"type": "carousel", "pages": [1]})],
)  # fmt: skip


def page(name: str) -> str:
    return f"{AGENT}/flows/f/pages/{name}"


def trial(**options: Any) -> App:
    app = App(**options)
    app.add("hello", lambda ctx: Reply(["Hello **you**!", "Hi!"], parameters={"seen": True}))
    app.add("rich", lambda ctx: Reply("Rooms", RICH))
    app.add("all", lambda ctx: Reply(
        OutputAudioText("Spoken"), OutputAudioText.ssml("<speak>Loud</speak>"), PlayAudio("gs://b/a.wav"),
        TelephonyTransferCall("+14155550100"), LiveAgentHandoff({"queue": "desk"}), LiveAgentHandoff(),
        ConversationSuccess(), KnowledgeInfoCard(), ToolCall("tool", "do"), Payload({"own": 1}),
        Text("Web", channel="web"), Payload(RichContent(Chips("Web chip")), channel="web"), payload={"points": 7},
    ))  # fmt: skip
    app.add("what", what)
    app.add("count", lambda ctx: Reply("Counted", parameters={"count": len(app.runs)}), idempotent=False)
    app.add("forget", lambda ctx: Reply(parameters=dict.fromkeys(ctx.parameters)))
    app.add("refuse", lambda ctx: Reply.invalidate("nights", prompt="How many?"))
    app.add("go", lambda ctx: Reply(target_page=page("next")))
    app.add("end", lambda ctx: Reply(target_page=page("END_SESSION")))
    app.add("evil", lambda ctx: "\x1b[31mred\u202e\n&#x202e;back [bold]x[/bold]")
    app.add("bad", refuse)
    app.add("broken", lambda ctx: 1 // 0)
    app.add("narrow", lambda ctx: "narrow", page="Elsewhere")
    return app


def what(ctx: Any) -> str:
    said = ctx.text or ctx.digits or ctx.event
    return str(said or ctx.intent.display_name)


def refuse(ctx: Any) -> str:
    raise BadRequest(reason="no_such_room")


class Trial:
    """Runs a command on an app that it imports."""

    def __init__(self, command: str, module: ModuleType) -> None:
        self.command = command
        self.module = module
        self.app = trial()

    def use(self, app: App) -> None:
        self.app.webhook.close()
        self.app = app

    def __call__(
        self, *arguments: str, code: int = 0, stdin: str | None = None, aim: tuple[str, ...] | None = None
    ) -> Result:
        vars(self.module)["webhook"] = self.app.webhook
        named = ("--app", f"{self.module.__name__}:webhook") if aim is None else aim
        result = CliRunner().invoke(cli, [self.command, *arguments, *named], input=stdin, env=ENV)
        assert result.exit_code == code, (result.output, result.exception)
        assert PASSWORD not in result.output
        assert "\x1b" not in result.output
        return result


@contextmanager
def trial_of(command: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    module = ModuleType("app_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = Trial(command, module)
    yield found
    found.app.webhook.close()


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def served(wsgi: Any) -> Iterator[str]:
    """Serve an application on a port of its own, and give its URL."""
    server = make_server("127.0.0.1", 0, wsgi, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutdown()
    thread.join()
    server.server_close()
