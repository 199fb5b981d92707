"""A small agent in the shape of an export, and a small application that fits it; cases change a detail of one."""

import json
import sys
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from cxfulfill import Webhook
from cxfulfill.agent.check import check_agent
from cxfulfill.agent.export import read_export
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.model import Agent

FLOW = "flows/Booking/Booking.json"
COLLECT = "flows/Booking/pages/Collect.json"
DONE = "flows/Booking/pages/Done.json"
HOTEL = "webhooks/Hotel.json"
ORDERS = "webhooks/Orders.json"
QUOTES = "webhooks/Quotes.json"
FLOW_ID = "0a000000-0000-4000-8000-000000000001"
COLLECT_ID = "0a000000-0000-4000-8000-000000000002"
DONE_ID = "0a000000-0000-4000-8000-000000000003"
INTENT_ID = "0a000000-0000-4000-8000-000000000004"

APP = f'''
from typing import Literal

from marshmallow import Schema
from marshmallow import fields as ma
from pydantic import BaseModel, Field

from cxfulfill import AllowUnauthenticated, BasicAuth, GoogleIdToken, Reply, Webhook
from cxfulfill.parameters.entities import SysDate
from cxfulfill.protocol.messenger import Button, RichContent

webhook = Webhook(auth=BasicAuth("cx", "a-long-random-password"))


class Stay(BaseModel):
    arrival: SysDate
    room: Literal["single", "double"]


@webhook.handler("hello")
def hello(ctx) -> str:
    return "Hello!"


@webhook.handler("book")
def book(ctx, stay: Stay) -> Reply:
    return Reply("Booked", parameters={{"reference": "HH-1"}}, target_page=ctx.page.sibling("{DONE_ID}"))


@webhook.handler("done", page="Done")
def done(ctx) -> Reply:
    button = RichContent(Button("Again", event="again"))
    return Reply(button) if ctx.parameters else Reply("Done")


class State(BaseModel):
    status: str


@webhook.flexible("/orders/<id>", methods=["GET"], response=State)
def order(ctx):
    return {{"status": "sent"}}


class Wanted(BaseModel):
    nights: int
    lang: str


@webhook.flexible("/quotes", headers={{"X-Lang": "lang"}})
def quotes(ctx, wanted: Wanted):
    return {{}}
'''


class Files(dict[str, Any]):
    """The files of an export by name."""

    def write(self, folder: Path) -> Path:
        for name, document in self.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document if isinstance(document, str) else json.dumps(document, indent=2), encoding="utf-8")
        return folder

    def zip(self, path: Path, root: str = "") -> Path:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for name, document in self.items():
                archive.writestr(root + name, document if isinstance(document, str) else json.dumps(document))
        return path


def call(tag: str, webhook: str = "Hotel", **more: Any) -> dict[str, Any]:
    return {"webhook": webhook, "tag": tag, **more}


def route(fulfillment: Mapping[str, Any], intent: str = "", condition: str = "", **target: str) -> dict[str, Any]:
    named = {name: value for name, value in (("intent", intent), ("condition", condition)) if value}
    return {**named, "triggerFulfillment": fulfillment, **target}


def handler(event: str, fulfillment: Mapping[str, Any] | None = None, **target: str) -> dict[str, Any]:
    return {"event": event, "triggerFulfillment": fulfillment or {}, **target}


def parameter(name: str, entity_type: str, **more: Any) -> dict[str, Any]:
    return {"displayName": name, "entityType": entity_type, "required": True, **more}


def small() -> Files:
    """Make an agent without a finding."""
    secret = "projects/p/secrets/s/versions/1"
    return Files({
        "agent.json": {"displayName": "Small", "startFlow": "Booking", "defaultLanguageCode": "en"},
        FLOW: {
            "name": FLOW_ID, "displayName": "Booking",
            "transitionRoutes": [route(call("hello"), intent="greet"), route({}, intent="book", targetPage="Collect")],
            "eventHandlers": [handler("webhook.error"), handler("again")],
        },
        COLLECT: {
            "name": COLLECT_ID, "displayName": "Collect",
            "form": {"parameters": [parameter("arrival", "@sys.date"), parameter("room", "@room")]},
            "transitionRoutes": [route(call("book"), condition='$page.params.status = "FINAL"')],
        },
        DONE: {
            "name": DONE_ID, "displayName": "Done",
            "entryFulfillment": call("done"),
            "transitionRoutes": [
                route(call("order", "Orders"), condition="$session.params.reference != null"),
                route(call("quotes", "Quotes"), condition="true"),
                route({}, condition="$session.params.over", targetPage="End Session"),
            ],
        },
        HOTEL: {
            "displayName": "Hotel", "timeout": {"seconds": 5},
            "genericWebService": {
                "uri": "https://hotel.example/webhook", "webhookType": "STANDARD",
                "secretVersionForUsernamePassword": secret,
            },
        },
        ORDERS: {
            "displayName": "Orders",
            "genericWebService": {
                "uri": "https://hotel.example/orders/$session.params.reference", "webhookType": "FLEXIBLE",
                "httpMethod": "GET", "secretVersionForUsernamePassword": secret,
                "parameterMapping": [{"key": "status", "value": "$.status"}],
            },
        },
        QUOTES: {
            "displayName": "Quotes",
            "genericWebService": {
                "uri": "https://hotel.example/quotes", "webhookType": "FLEXIBLE", "httpMethod": "POST",
                "secretVersionForUsernamePassword": secret, "requestBody": '{"nights": "$session.params.nights"}',
                "requestHeaders": [{"key": "X-Lang", "value": "$session.params.lang"}],
            },
        },
        "intents/greet/greet.json": {"name": INTENT_ID, "displayName": "greet"},
        "intents/book/book.json": {"displayName": "book"},
        "entityTypes/room/room.json": {"displayName": "room", "kind": "KIND_MAP"},
        "entityTypes/room/entities/en.json": {"entities": [{"value": "single"}, {"value": "double"}]},
    })  # fmt: skip


Change = Callable[[Files], None]


class Bench:
    """Checks changed agents against changed applications."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Webhook] = []
        self.modules: list[str] = []

    def app(self, *changes: tuple[str, str], source: str = APP) -> Webhook:
        for old, new in changes:
            assert old in source, old
            source = source.replace(old, new)
        webhook: Webhook = vars(self.module(source))["webhook"]
        self.made.append(webhook)
        return webhook

    def module(self, source: str) -> Any:
        """Import a module of this source."""
        name = f"module_{len(self.modules)}_of_a_test"
        path = self.folder / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = module_from_spec(spec)
        self.modules.append(name)
        spec.loader.exec_module(module)
        return module

    def agent(self, *changes: Change) -> Agent:
        files = small()
        for change in changes:
            change(files)
        folder = self.folder / f"agent-{len(list(self.folder.iterdir()))}"
        return read_export(files.write(folder))

    def __call__(self, *changes: Change, app: Webhook | None = None, **options: Any) -> list[Finding]:
        return check_agent(self.agent(*changes), app or self.app(), **options)

    def codes(self, *changes: Change, app: Webhook | None = None, **options: Any) -> list[str]:
        return [finding.code for finding in self(*changes, app=app, **options)]

    def close(self) -> None:
        for webhook in self.made:
            webhook.close()
        for name in self.modules:
            del sys.modules[name]
