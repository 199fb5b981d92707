"""The page about ASGI: its application is served by the servers that it names, with its own words."""

import asyncio
import json
import re
import shlex
from typing import Any

from tests.docs.pages import ROOT, snippets

PAGE = ROOT / "docs/operate/asgi.md"


def test_the_page_s_application_answers() -> None:
    names = snippets(PAGE)
    sent: list[Any] = []
    body = json.dumps({"fulfillmentInfo": {"tag": "hello"}}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": headers}
    asyncio.run(names["asgi"](scope, receive, send))
    assert sent[0]["status"] == 200
    assert b"Hello!" in sent[1]["body"]
    names["webhook"].close()


def test_the_commands_name_the_page_s_application() -> None:
    commands = [shlex.split(line) for line in re.findall(r"^\$ (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)]
    assert [command[0] for command in commands] == ["gunicorn", "uvicorn"]
    assert all("main:asgi" in command for command in commands)
