"""Middleware around handlers, and functions that answer in place of a failure."""

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import pytest
from pydantic import BaseModel

from cxfulfill import (
    Answer,
    ConfigurationError,
    Context,
    HttpError,
    NotFound,
    ParameterError,
    Reply,
    ReplyError,
    Router,
)  # fmt: skip
from tests.pipeline.support import CANARY, LIMIT, Counted, ask, body_of, post, raises, refused

Steps = Generator[None, Answer, Answer]
WAYS = ["plain", "watched", "async"]


def add(router: Router, tag: str, function: Callable[[Context], Any], way: str = "plain") -> None:
    async def later(ctx: Context) -> Any:
        return function(ctx)

    handler = later if way == "async" else function
    router.add_handler(tag, handler, timeout=None if way == "plain" else LIMIT)


def marks(name: str) -> Callable[[Context], Steps]:
    def middleware(call: Context) -> Steps:
        call.state.setdefault("trace", []).append(f">{name}")
        answer = yield
        return f"{answer} {name}" if isinstance(answer, str) else None

    return middleware


def says(ctx: Context) -> str:
    return " ".join(ctx.state["trace"])


@pytest.mark.parametrize("way", WAYS)
def test_middleware_of_the_webhook_is_outermost(webhook: Counted, way: str) -> None:
    inner, outer = Router(middleware=[marks("i1"), marks("i2")]), Router(middleware=[marks("o")])
    add(inner, "deep", says, way)
    outer.include(inner)
    add(outer, "middle", says, way)
    webhook.include(outer)
    add(webhook, "flat", says, way)
    webhook.middleware(marks("w1"))
    webhook.middleware(marks("w2"))
    assert ask(webhook, "deep").said == ">w1 >w2 >o >i1 >i2 i2 i1 o w2 w1"
    assert ask(webhook, "middle").said == ">w1 >w2 >o o w2 w1"
    assert ask(webhook, "flat").said == ">w1 >w2 w2 w1"


def rescues(call: Context) -> Steps:
    try:
        yield
    except KeyError:
        return Reply("rescued")
    return None


def swallows(call: Context) -> Steps:
    try:
        yield
    except KeyError:
        call.state["swallowed"] = True
    return None


def translates(call: Context) -> Steps:
    try:
        yield
    except KeyError as error:
        raise NotFound(reason="no_room") from error
    return None


def twice(call: Context) -> Steps:
    yield
    yield
    return None


def never(call: Context) -> Steps:
    if call.tag == "":
        yield
    return "never"


def breaks(call: Context) -> Steps:
    if call.tag != "":
        raise KeyError(CANARY)
    yield
    return None


def breaks_after(call: Context) -> Steps:
    yield
    raise KeyError(CANARY)


def replaces_wrongly(call: Context) -> Steps:
    yield
    return 5  # type: ignore[return-value]


def fine(ctx: Context) -> str:
    return "fine"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("middleware", "handler", "status", "expected"),
    [
        ([rescues], raises(KeyError(CANARY)), 200, "rescued"), ([rescues], fine, 200, "fine"),
        ([rescues, swallows], raises(KeyError(CANARY)), 200, "rescued"),
        ([swallows], raises(KeyError(CANARY)), 500, "internal"),
        ([rescues, translates], raises(KeyError(CANARY)), 404, "no_room"),
        ([translates, rescues], raises(KeyError(CANARY)), 200, "rescued"),
        ([rescues], raises(ValueError(CANARY)), 500, "internal"), ([rescues, breaks], fine, 200, "rescued"),
        ([breaks, rescues], fine, 500, "internal"), ([rescues, breaks_after], fine, 200, "rescued"),
        ([breaks_after], fine, 500, "internal"), ([twice], fine, 500, "internal"), ([never], fine, 500, "internal"),
        ([twice], raises(KeyError(CANARY)), 500, "internal"), ([replaces_wrongly], fine, 500, "refused_reply"),
        ([swallows], raises(StopIteration(CANARY)), 500, "internal"),
        ([], raises(StopIteration(CANARY)), 500, "internal"),
    ],
)  # fmt: skip
def test_middleware_and_failures(
    webhook: Counted, middleware: list[Any], handler: Any, status: int, expected: str, way: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    router = Router(middleware=middleware)
    add(router, "t", handler, way)
    webhook.include(router)
    result = post(webhook, body_of("t"))
    assert result.status == status
    assert (result.said if status == 200 else result.reason) == expected
    assert CANARY not in caplog.text + result.body.decode()


@pytest.mark.parametrize("middleware", [twice, never])
def test_the_log_names_a_wrong_middleware(webhook: Counted, middleware: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook.middleware(middleware)
    assert post(webhook).status == 500
    assert "error=ConfigurationError" in caplog.text
    assert webhook.runs == (["count"] if middleware is twice else [])


def aborts(ctx: Context) -> None:
    raise SystemExit


@pytest.mark.wsgi_alone  # under ASGI a handler ends no worker
def test_an_abort_closes_the_middleware(webhook: Counted) -> None:
    trace: list[str] = []

    def cleans(call: Context) -> Steps:
        try:
            yield
        except Exception:
            trace.append("caught")
        finally:
            trace.append("cleaned")
        return None

    router = Router(middleware=[cleans])
    router.add_handler("abort", aborts)
    webhook.include(router)
    with pytest.raises(SystemExit):
        ask(webhook, "abort")
    assert trace == ["cleaned"]


class SoldOut(LookupError):
    pass


def base(ctx: Context, error: LookupError) -> str:
    return f"base {type(error).__name__}"


async def own(ctx: Context, error: SoldOut) -> str:
    return f"own {ctx.tag} {ctx.principal.name}"


def broken(ctx: Context, error: Exception) -> str:
    raise RuntimeError(CANARY)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("inner", "outer", "webhooks", "error", "expected"),
    [
        ({}, {}, {LookupError: base}, SoldOut(), "base SoldOut"),
        ({}, {}, {LookupError: base, SoldOut: own}, SoldOut(), "own t cx"),
        ({LookupError: base}, {SoldOut: own}, {}, SoldOut(), "base SoldOut"),
        ({KeyError: base}, {SoldOut: own}, {LookupError: base}, SoldOut(), "own t cx"),
        ({}, {}, {HttpError: base}, NotFound(), "base NotFound"),
        ({Exception: base}, {SoldOut: own}, {}, SoldOut(), "base SoldOut"),
    ],
)  # fmt: skip
def test_the_nearest_class_of_the_innermost_router_answers(
    inner: Any, outer: Any, webhooks: Any, error: Exception, expected: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    innermost, around = Router(on_error=inner), Router(on_error=outer)
    add(innermost, "t", raises(error), way)
    around.include(innermost)
    with closing(Counted()) as made:
        made.include(around)
        for kind, function in webhooks.items():
            assert made.on_error(kind)(function) is function
        assert ask(made, "t").said == expected
    [record] = [each for each in caplog.records if each.name == "cxfulfill"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("status=200 reason=")


@pytest.mark.parametrize("answer", [broken, lambda ctx, error: {CANARY}, lambda ctx, error: Reply(target_page=CANARY)])
def test_an_error_handler_that_fails(webhook: Counted, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook.add_handler("t", raises(SoldOut()))
    # It is not asked about its own failure.
    webhook.on_error(Exception)(answer)
    refused(webhook, caplog, 500, level=logging.INFO, body=body_of("t"))
    assert CANARY not in caplog.text
    assert f"error={'RuntimeError' if answer is broken else 'ReplyError'}" in caplog.text


class Stay(BaseModel):
    nights: int


def test_failures_around_the_handler_are_answered_too(webhook: Counted) -> None:
    webhook.add_handler("stay", lambda ctx, stay: "stays", params=Stay)
    webhook.add_handler("reply", lambda ctx: Reply(parameters={"a": object()}))
    webhook.on_error(ParameterError)(lambda ctx, error: str(error.problems))
    webhook.on_error(ReplyError)(lambda ctx, error: error.field)
    webhook.on_error(NotFound)(lambda ctx, error: f"no {ctx.tag}")
    assert ask(webhook, "stay").said == "(('nights', 'missing'),)"
    assert ask(webhook, "stay", nights=2).said == "stays"
    assert ask(webhook, "reply").said == "sessionInfo.parameters.a"
    assert ask(webhook, "other").said == "no other"


def test_a_router_is_not_asked_about_a_tag_that_nobody_takes(
    webhook: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    router = Router(on_error={NotFound: base})
    router.add_handler("t", fine)
    webhook.include(router)
    refused(webhook, caplog, 404, body=body_of("other"))


@pytest.mark.parametrize("function", [fine, lambda: "", lambda a, b, c: "", "text", twice])
def test_an_error_handler_takes_context_and_error(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="f\\(ctx, error\\)"):
        Router().on_error(SoldOut)(function)


def test_one_class_twice_is_refused() -> None:
    router = Router()
    router.on_error(SoldOut, KeyError)(base)
    with pytest.raises(ConfigurationError, match=r"set twice.*test_middleware.py:\d+.*test_middleware.py:\d+"):
        router.on_error(KeyError)(own)
    router.on_error(LookupError)(own)


def test_frames_are_named_and_the_traceback_is_for_debugging(
    webhook: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("t", outer_frame)
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        ask(webhook, "t")
    line, traceback = caplog.records
    assert line.levelno == logging.ERROR
    assert line.exc_info is None
    assert 'error=SoldOut at="test_middleware.py:' in line.getMessage()
    assert " outer_frame > test_middleware.py:" in line.getMessage()
    assert traceback.levelno == logging.DEBUG
    assert traceback.exc_info
    assert "Traceback" in caplog.text


def outer_frame(ctx: Context) -> None:
    inner_frame(ctx)


def inner_frame(ctx: Context) -> None:
    raise SoldOut(CANARY)
