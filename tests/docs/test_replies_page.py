"""The page about replies: each snippet runs and makes the JSON below it, and what is refused is refused as it says."""

import logging
import re
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import cxfulfill
from cxfulfill import BasicAuth, Context, Reply, ReplyError, Webhook
from cxfulfill.protocol.messages import ResponseMessage
from cxfulfill.reply import encode_reply
from cxfulfill.testing import Cx
from tests.docs.pages import ROOT, dead_links

PAGE = ROOT / "docs/start/replies.md"
TEXT = PAGE.read_text(encoding="utf-8")
REFUSED = dict(re.findall(r"^\| `(.*?)` \| `(.*?)` \|$", TEXT.partition("## What is refused")[2], re.MULTILINE))
BUILT, WRITTEN = list(REFUSED)[:-2], list(REFUSED)[-2:]
PUBLIC = {name: getattr(cxfulfill, name) for name in cxfulfill.__all__}


def test_each_snippet_makes_the_answer_below_it() -> None:
    snippets = Sybil([PythonCodeBlockParser()], path=str(ROOT)).parse(PAGE)
    shown = re.findall(r"^```json\n(.*?)\n```", TEXT, re.DOTALL | re.MULTILINE)
    assert len(shown) == TEXT.count("```python\n") > 15
    for snippet, answer in zip(snippets.examples(), shown, strict=True):
        snippet.evaluate()
        made: Any = snippets.namespace
        assert made["reply"].encode().decode() == answer
    assert made["same"].encode() == made["reply"].encode()
    made["webhook"].close()


@pytest.mark.parametrize("snippet", BUILT)
def test_what_cannot_be_built(snippet: str) -> None:
    with pytest.raises(ReplyError) as raised:
        eval(snippet, dict(PUBLIC))
    assert str(raised.value) == REFUSED[snippet]


@pytest.mark.parametrize("snippet", WRITTEN)
def test_what_can_be_built_and_not_written(snippet: str) -> None:
    reply = eval(snippet, dict(PUBLIC))
    with pytest.raises(ReplyError) as raised:
        reply.encode()
    assert str(raised.value) == REFUSED[snippet]


def test_the_other_answers_of_a_handler() -> None:
    assert encode_reply(None, "Hello!") == Reply("Hello!").encode()
    assert encode_reply(None, None) == b"{}"


def price(ctx: Context) -> Reply:
    return Reply(parameters={"price": float("nan")})


def test_the_log_line_is_the_one_that_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Webhook(auth=BasicAuth("cx-agent", "a-long-random-password"))
    webhook.handler("price")(price)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        result = Cx.of(webhook).call("price")
    assert (result.status, result.event) == (500, "webhook.error")
    [shown] = re.findall(r"^```text\n(.*?)\n```", TEXT, re.DOTALL | re.MULTILINE)
    [line] = caplog.messages
    assert places(shown).removesuffix(" ...") in places(line)


def places(line: str) -> str:
    """Take out of a line of the log what is another for each call and each file."""
    line = re.sub(r"request_id=\w+", "request_id=6f1c", line)
    return re.sub(r'(\(|at=")\S+?:\d+', r"\1main.py:1", line)


def test_every_kind_of_message_is_listed() -> None:
    table = TEXT.partition("## Kinds of messages")[2].partition("\n\n```")[0]
    kinds = set(re.findall(r"^\| `(\w+)[(.]", table, re.MULTILINE))
    made = {name for name, kind in PUBLIC.items() if isinstance(kind, type) and issubclass(kind, ResponseMessage)}
    assert kinds == made - {"ResponseMessage"} | {"RichContent"}


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
