"""The small parts: values, names, context, replies, errors, authenticators."""

import collections
import copy
import functools
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from typing import TypedDict as OldTypedDict
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import cxfulfill
from cxfulfill import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    BadRequest,
    BasicAuth,
    ConfigurationError,
    Context,
    Forbidden,
    HeaderSecret,
    HttpRequest,
    Principal,
    Reply,
    ReplyError,
    Router,
    Text,
    Unauthorized,
    Webhook,
)
from cxfulfill.auth.base import credential_headers, is_blocking
from cxfulfill.http import Headers
from cxfulfill.pages import Page
from cxfulfill.protocol.names import AgentName, PageName, SessionName
from cxfulfill.protocol.values import to_json_value
from cxfulfill.server.wsgi import EnvironHeaders
from cxfulfill.testing import make_context, make_flexible_context
from tests.cases.client import BASIC

AGENT = "projects/p/locations/l/agents/a"


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    day: date = Field(alias="the-day")


@dataclass
class Record:
    colour: Colour


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024 - a tuple with names is a tuple


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"), (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"), (Decimal("19.90"), 19.9), (Decimal("1E+2"), 100), (UUID(int=1), str(UUID(int=1))),
        (Colour.RED, "red"), (Model(**{"the-day": date(2026, 1, 2)}), {"the-day": "2026-01-02"}),
        (Record(Colour.RED), {"colour": "red"}), ((1, (2,)), [1, [2]]), (Pair(1, None), [1, None]),
        (MappingProxyType({"a": 1}), {"a": 1}), ({Colour.RED: True}, {"red": True}), (type("S", (str,), {})("s"), "s"),
        (2**70, 2**70), (type("I", (int,), {})(3), 3),
    ],
)  # fmt: skip
def test_values_are_converted(value: object, expected: object) -> None:
    converted = to_json_value(value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (float("nan"), "x"), (float("-inf"), "x"), (10**400, "x"), (Decimal("NaN"), "x"), (Decimal("1E+400"), "x"),
        ({"a"}, "x"), (b"a", "x"), (object(), "x"), (Record, "x"), ({1: 2}, "x"), ({"a": [{"b": {1j}}]}, "x.a[0].b"),
        ({"no name!": {"a"}}, "x.*"),
    ],
)  # fmt: skip
def test_other_values_are_refused_by_their_place(value: object, field: str) -> None:
    with pytest.raises(ReplyError) as raised:
        Reply(parameters={"x": value})
    assert raised.value.field == f"sessionInfo.parameters.{field}"


def test_names_are_built_strictly() -> None:
    agent = AgentName("p", "l", "a")
    assert agent.page("f", "g") == f"{AGENT}/flows/f/pages/g"
    assert agent.intent("i") == f"{AGENT}/intents/i"
    assert str(SessionName(agent, "s", "e")) == f"{AGENT}/environments/e/sessions/s"
    for build in (
        lambda: agent.intent("a/b"), lambda: AgentName("p/q", "l", "a"),
        lambda: str(SessionName(None, "s")), lambda: str(SessionName(agent, "")),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"id|agent"):
            build()


@pytest.mark.parametrize(
    ("build", "field", "kind"),
    [
        (lambda agent: agent.page("f", "two words"), "targetPage", "page"),
        (lambda agent: agent.page("a/b", "p"), "targetPage", "flow"),
        (lambda agent: agent.page("f", None), "targetPage", "page"),
        (lambda agent: agent.flow(""), "targetFlow", "flow"),
        (lambda _: Page(f"{AGENT}/flows/f/pages/g", "").sibling("Confirm page"), "targetPage", "page"),
    ],
)
def test_a_target_that_cannot_be_is_told_as_an_answer_s_field(
    build: Callable[[AgentName], str], field: str, kind: str
) -> None:
    with pytest.raises(ReplyError, match=f"the {kind} id must be text without slashes and white space, and no") as told:
        build(AgentName("p", "l", "a"))
    assert told.value.field == field


def test_names_are_parsed_leniently() -> None:
    draft = SessionName.parse(f"{AGENT}/environments/-/sessions/x:detectIntent")
    assert (draft.session, draft.environment, str(draft.agent)) == ("x:detectIntent", None, AGENT)
    assert SessionName.parse("anything") == SessionName(None, "anything")
    assert SessionName.parse("odd/sessions/s").session == "s"
    assert PageName.parse(f"{AGENT}/flows/f") == PageName(AgentName("p", "l", "a"), "f", None)
    assert PageName.parse("START_PAGE") is None
    assert AgentName.parse("projects/a b/locations/l/agents/a") is None
    assert PageName.parse("projects/a b/locations/l/agents/a/flows/f") is None


def test_a_context_with_everything() -> None:
    ctx = make_context(
        "t", parameters={"a": 1}, form={"nights": 2, "guests": None}, transcript="two",
        payload={"telephony": {"caller_id": "+1415"}}, dtmfDigits="2", triggerEvent="e", languageCode="de",
        sentimentAnalysisResult={"score": 0.5}, intentInfo={"displayName": "i", "confidence": 1},
    )  # fmt: skip
    assert (ctx.tag, ctx.text, ctx.digits, ctx.event, ctx.language, ctx.caller_id) == (
        "t",
        "two",
        "2",
        "e",
        "de",
        "+1415",
    )
    assert (ctx.session_id, ctx.environment, str(ctx.agent)) == (
        "test-session",
        None,
        ctx.page.name.partition("/flows")[0],
    )
    assert (ctx.form["nights"].value, ctx.form["guests"].state, ctx.form["nights"].required) == (2, "EMPTY", True)
    assert (ctx.page.id, ctx.page.flow_id, ctx.page.sibling("x").rpartition("/")[2]) == ("test-page", "test-flow", "x")
    assert ctx.sentiment
    assert ctx.sentiment.score == 0.5
    assert ctx.intent
    assert ctx.intent.display_name == "i"
    assert 0 < ctx.deadline.remaining() <= 4.5


def test_a_context_with_nothing() -> None:
    ctx = make_context("t", pageInfo=None, sessionInfo=None, payload={"telephony": "x"})
    assert (ctx.session, ctx.session_id, ctx.environment, ctx.agent, ctx.caller_id) == (None, "", None, None, None)
    assert (ctx.page.id, ctx.page.flow_id, dict(ctx.form), dict(ctx.parameters)) == ("", "", {}, {})
    assert (ctx.text, ctx.intent, ctx.sentiment, ctx.event) == (None, None, None, None)
    with pytest.raises(ReplyError, match="targetPage cannot be built"):
        ctx.page.sibling("x")


def test_a_misspelt_member_of_a_request() -> None:
    with pytest.raises(TypeError, match="no member txt; it has"):
        make_context("t", txt="x")


def test_a_reply_is_a_value() -> None:
    reply = Reply("a", ["b", "c"], parameters={"x": None})
    assert reply == Reply("a", ["b", "c"], parameters={"x": None})
    assert hash(reply) == hash(Reply("a", ["b", "c"], parameters={"x": None}))
    assert (reply == "a", reply == Reply("a")) == (False, False)
    assert (reply.texts, reply.parameters, len(reply.messages)) == ([["a"], ["b", "c"]], {"x": None}, 2)
    assert (Reply().messages, Reply().parameters) == ((), {})
    assert repr(reply).startswith("<Reply ")
    with pytest.raises(AttributeError, match="cannot be changed"):
        reply.parameters = {}  # type: ignore[misc]


UNTYPED: Any = Reply


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UNTYPED(Text("a"), 42), r"messages\[1\] is of type int"),
        (lambda: UNTYPED({"richContent": []}), r"messages\[0\] is of type dict"),
        (lambda: UNTYPED("a", merge="prepend"), 'merge must be "append" or "replace"'),
        (lambda: Reply(form={"a": 1}, invalid=["a"]), "refused in the same answer"),
        (lambda: Reply(parameters={"a": 1}, invalid="a"), "refused in the same answer"),
        (lambda: Reply(target_page="Confirm booking"), "must be a full page name"),
        (lambda: UNTYPED(parameters=[1]), "must be an object|keys"),
    ],
)
def test_wrong_replies_say_what_is_wrong(build: Any, message: str) -> None:
    with pytest.raises((ReplyError, AttributeError), match=message):
        build()


class New(TypedDict):
    nights: int


class Old(OldTypedDict):
    nights: int


class Stay(BaseModel):
    nights: int


@dataclass
class Length:
    nights: int


@pytest.mark.parametrize("kind", [New, Stay, Length, dict, Mapping, dict[str, Any], Mapping[str, Any], Any])
def test_types_of_parameters(kind: Any) -> None:
    router = Router()
    router.add_handler("t", lambda ctx, params: None, params=kind)
    [entry] = router.entries()
    schema = entry.options.schema
    assert schema is not None
    value = schema.load({"nights": 3.0})
    assert (value["nights"] if isinstance(value, dict) else value.nights) == 3


@pytest.mark.parametrize("kind", [int, list[int], Old if sys.version_info < (3, 12) else str, "text", 5])
def test_types_that_hold_no_parameters(kind: Any) -> None:
    with pytest.raises(ConfigurationError):
        Router().add_handler("t", lambda ctx, params: None, params=kind)
    with pytest.raises(ConfigurationError, match="params= needs"):
        Router().add_handler("t", lambda ctx: None, params=kind)


def later(ctx: "Context", stay: "Later") -> str:  # type: ignore[name-defined]  # noqa: F821
    return str(stay.nights)


def never(ctx: Context, stay: "Nowhere") -> str:  # type: ignore[name-defined]  # noqa: F821
    return ""


def test_annotations_that_are_resolved_later() -> None:
    webhook = Webhook(auth=BASIC)
    webhook.add_handler("later", later)
    webhook.add_handler("stay", functools.partial(postponed))
    globals()["Later"] = Stay
    webhook.check()
    webhook = Webhook(auth=BASIC)
    webhook.add_handler("never", never)
    with pytest.raises(ConfigurationError, match=r"never \(.*'Nowhere'.*params="):
        webhook.check()


def postponed(ctx: Context, stay: "Stay") -> str:
    return str(stay.nights)


def test_all_of_needs_all() -> None:
    basic, header = BasicAuth("cx", "a-long-enough-password"), HeaderSecret("X-Key", "another-long-secret")
    both = AllOf(basic, header)
    good = {"Authorization": "Basic Y3g6YS1sb25nLWVub3VnaC1wYXNzd29yZA==", "X-Key": "another-long-secret"}
    assert both.authenticate(HttpRequest.build("POST", "/", headers=good)) == Principal(
        "cx", "basic", (Principal("x-key", "header"),)
    )
    for name, value in good.items():
        with pytest.raises(Unauthorized):
            both.authenticate(HttpRequest.build("POST", "/", headers={name: value}))
    assert AnyOf(header, basic).authenticate(HttpRequest.build("POST", "/", headers=good)).name == "x-key"
    assert (is_blocking(both), credential_headers(both)) == (False, frozenset({"authorization", "x-key"}))
    assert "long" not in repr(both)


def test_a064_no_fallback_to_nothing() -> None:
    basic = BasicAuth("cx", "a-long-enough-password")
    for combine in (AnyOf, AllOf):
        for parts in ((), (basic, AllowUnauthenticated()), (AnyOf(basic), AllowUnauthenticated())):
            with pytest.raises(ConfigurationError):
                combine(*parts)


def test_reason_codes_are_codes() -> None:
    assert Forbidden("for the developer", reason="not_yours").reason == "not_yours"
    with pytest.raises(ValueError, match="lower-case"):
        BadRequest(reason="Not A Code")
    with pytest.raises(ValueError, match="printable"):
        BadRequest(headers=[("X-Other", "a\r\nX-More: b")])
    assert str(ReplyError("", "is wrong")) == "the value is wrong"


def test_header_fields() -> None:
    headers = Headers({"X-A": "1"})
    assert (headers["x-a"], headers.get("X-B"), list(headers), len(headers)) == ("1", None, ["x-a"], 1)
    assert "1" not in repr(headers)
    environ = EnvironHeaders({"HTTP_X_A": "secret", "CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "", "PATH_INFO": "/"})
    assert (sorted(environ), len(environ), environ.get("x_a"), environ["Content-Type"]) == (
        ["content-type", "x-a"],
        2,
        None,
        "a/b",
    )
    assert "secret" not in repr(environ)
    redacted = HttpRequest("POST", "/", headers).redacted(frozenset({"x-a"}))
    assert (dict(redacted.headers), len(redacted.headers)) == ({"x-a": "[redacted]"}, 1)
    assert "'1'" not in repr(redacted.headers)
    assert dict(copy.copy(redacted.headers)) == dict(redacted.headers)
    assert b"secret" not in pickle.dumps(
        HttpRequest("POST", "/", Headers({"X-A": "secret"})).redacted(frozenset({"x-a"}))
    )
    assert (redacted.body.read(5, 1.0), HttpRequest("GET", "/", headers).declared_length()) == (b"", None)


def test_the_public_names_load_nothing_that_is_optional() -> None:
    program = (
        "import sys, cxfulfill; assert 'pydantic' not in sys.modules\n"
        "[getattr(cxfulfill, name) for name in cxfulfill.__all__]\n"
        "import cxfulfill.testing, cxfulfill.server.gunicorn\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for module in (
        "flask",
        "werkzeug",
        "marshmallow",
        "redis",
        "google",
        "click",
        "grpc",
        "requests",
        "opentelemetry",
        "urllib3",
    ):
        assert f"'{module}'" not in done.stdout
    assert set(cxfulfill.__all__) <= set(dir(cxfulfill))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cxfulfill.nothing


def test_the_public_names_are_those_of_the_snapshot() -> None:
    """A name that goes needs a release that warns first; CXFULFILL_UPDATE_API=1 writes the snapshot anew."""
    path = Path(__file__).parents[1] / "data/public_api.txt"
    text = "\n".join(public_api()) + "\n"
    if os.environ.get("CXFULFILL_UPDATE_API"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def public_api() -> list[str]:
    import inspect

    from cxfulfill import testing
    from cxfulfill.protocol import messenger
    from cxfulfill.server import flask as edge
    from cxfulfill.simulator.cx_options import Options

    lines = [f"cxfulfill.{name}" for name in cxfulfill.__all__]
    lines += [f"cxfulfill.protocol.messenger.{name}" for name in sorted(messenger.__all__)]
    lines += [f"cxfulfill.testing.{name}" for name in sorted(testing.__all__)]
    lines += [f"Cx.call({name}=)" for name in Options.__annotations__]
    lines += [f"Result.{name}" for name in dir(testing.Result) if not name.startswith("_")]
    callables: dict[str, Any] = {
        "Webhook": Webhook, "Router": Router, "Router.handler": Router.handler,
        "Router.add_handler": Router.add_handler,
        "Router.flexible": Router.flexible, "Router.add_flexible": Router.add_flexible,
        "Router.include": Router.include, "Reply": Reply, "BasicAuth": BasicAuth, "HeaderSecret": HeaderSecret,
        "create_app": edge.create_app, "blueprint": edge.blueprint, "cloud_function": edge.cloud_function,
        "make_context": make_context, "make_flexible_context": make_flexible_context,
    }  # fmt: skip
    verifiers = ("GoogleIdToken", "CloudRunIam", "OAuthJwt", "OAuthIntrospection", "MutualTls", "ByEnvironment")
    sources = ("EnvironmentSecret", "FileSecret", "SecretManager", "FetchedSecret", "HttpKeySource", "KeyDocument")
    callables |= {name: getattr(cxfulfill, name) for name in (*verifiers, *sources, "dialogflow_service_agent")}
    callables |= {"BasicAuth.from_credentials": BasicAuth.from_credentials, "Webhook.from_env": Webhook.from_env}
    verbs = ("of", "call", "call_twice", "say", "speak", "press", "event", "trigger", "flexible", "as_caller")
    callables |= {f"Cx.{name}": getattr(testing.Cx, name) for name in (*verbs, "as_service_account", "close")}
    callables |= {"Session": testing.Session, "Turn.of": testing.Turn.of, "SessionPage.of": testing.SessionPage.of}
    callables |= {f"Webhook.{name}": getattr(Webhook, name) for name in ("on_startup", "on_shutdown", "warm")}
    for name, function in callables.items():
        lines.append(f"{name}({', '.join(map(parameter, inspect.signature(function).parameters.values()))})")
    return lines


def parameter(value: Any) -> str:
    marks = {value.VAR_POSITIONAL: "*", value.VAR_KEYWORD: "**", value.KEYWORD_ONLY: "keyword "}
    return marks.get(value.kind, "") + str(value.name) + ("" if value.default is value.empty else "=")
