"""A fake in place of the simulator behind the page: it plays no call, and answers by tag with what was laid down."""

import json
from collections.abc import Mapping
from typing import Any

from cxfulfill.simulator.page_inputs import (
    ConsoleProblem,
    Export,
    ExportedFile,
    PageRequest,
    ResendRequest,
    TurnRequest,
)

Json = dict[str, Any]


def record(**members: Any) -> Json:
    return {
        "queue_ms": 0.4, "auth_ms": 1.1, "store_ms": 2.2, "handler_ms": 6.5,
        "bytes_in": 812, "bytes_out": 240, "outcome": "ok", "reason": "ok",
    } | members  # fmt: skip


def attempt(**members: Any) -> Json:
    return {
        "ms": 12.3, "offset_ms": 0.0, "status": 200, "failure": "", "replayed": False, "record": record(),
    } | members  # fmt: skip


def call(*messages: Mapping[str, Any], **members: Any) -> Json:
    answer = {"fulfillmentResponse": {"messages": list(messages)}}
    return {
        "status": 200, "failure": "", "ok": True, "event": "", "event_hidden_if_route_has_target": False,
        "sentence": "CX takes the answer.", "webhook_status": {}, "findings": [], "messages": list(messages),
        "changes": [], "page_change": None, "form_changes": [], "reprompt": [], "replayed": False,
        "request": {
            "method": "POST",
            "url": "http://127.0.0.1:8080/webhook",
            "headers": {"Content-Type": "application/json", "Authorization": "[redacted]"},
            "body": '{"detectIntentResponseId":"d-1","fulfillmentInfo":{"tag":"book-room"},'
            '"sessionInfo":{"parameters":{"nights":2.0}}}',
        },
        "answer": {"headers": {"Content-Type": "application/json"}, "body": json.dumps(answer)},
        "ms": 12.3, "attempts": [attempt()],
    } | members  # fmt: skip


def say(*variants: str) -> Json:
    return {"text": {"text": list(variants)}}


class FakeBackend:
    """A fake: each tag has its call; a tag without one says the input back."""

    def __init__(self, calls: Mapping[str, Json] | None = None) -> None:
        self.calls = dict(calls or {})
        self.turns: list[Json] = []
        self.asked: list[TurnRequest] = []
        self.session: Json = {
            "name": "projects/p/locations/global/agents/a/sessions/console-1",
            "parameters": {"nights": 2.0, "guest": {"name": "Ada", "tags": ["vip", None]}},
            "language": "en",
        }
        self.page: Json = {"name": "p/pages/START_PAGE", "display_name": "Start Page", "form": None}
        self.ended = False

    def state(self) -> Json:
        tags = [{"tag": "book-room"}, {"tag": "hello", "page": "Start Page"}, *({"tag": tag} for tag in self.calls)]
        return {
            "app": "main:webhook", "in_process": True, "tags": tags, "page": self.page, "session": self.session,
            "turns": self.turns, "ended": self.ended,
        }  # fmt: skip

    def turn(self, turn: TurnRequest) -> None:
        self.asked.append(turn)
        if turn.input.value == "fail":
            raise ConsoleProblem("The webhook cannot be called.")
        if turn.input.value == "crash":
            raise RuntimeError("a secret of the backend")
        played = self.calls.get(turn.tag) or call(say(f"You said {turn.input.value}"))
        self.session["parameters"].update(
            {change["name"]: change["after"] for change in played["changes"] if change["kind"] != "deleted"}
        )
        self.turns.append(
            {
                "number": len(self.turns) + 1,
                "input": turn.input.model_dump(),
                "tag": turn.tag,
                "parameters": turn.parameters or {},
                "calls": [played],
            }
        )

    def resend(self, turn: ResendRequest) -> None:
        del self.turns[turn.number - 1 :]
        self.turn(turn)

    def set_page(self, page: PageRequest) -> None:
        form = None
        if page.form is not None:
            form = [
                {"name": name, "state": "EMPTY" if value is None else "FILLED", "value": value, "required": True}
                for name, value in page.form.items()
            ]
        self.page = {"name": "p/pages/other", "display_name": page.display_name, "form": form}

    def reset(self) -> None:
        self.turns = []
        self.ended = False

    def save(self) -> str:
        return "".join(json.dumps(turn) + "\n" for turn in self.turns)

    def load(self, text: str) -> None:
        self.turns = [json.loads(line) for line in text.splitlines()]

    def export(self, form: Export) -> ExportedFile:
        return ExportedFile(f"conversation.{'py' if form == 'pytest' else 'sh'}", f"# {form}\n")
