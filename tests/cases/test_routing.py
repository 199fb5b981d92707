"""Which handler answers, and which registrations are refused."""

import fnmatch
import functools
import itertools
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import AllowUnauthenticated, Answer, ConfigurationError, Context, NotFound, Reply, Router, Webhook
from cxfulfill.table import _overlap, matcher
from tests.cases.client import BASIC, App, call

AGENT = "projects/p/locations/l/agents/a"


def says(text: str) -> Any:
    def handler(ctx: Context) -> str:
        return text

    return handler


def answered(webhook: Webhook | Router, tag: str, **members: Any) -> str:
    app = App()
    app.webhook.include(webhook)
    answer = app.post({**call(tag), **members})
    app.webhook.close()
    return str(answer.json["fulfillmentResponse"]["messages"][0]["text"]["text"][0]) if answer.status == 200 else ""


def router(*tags: str, **options: Any) -> Router:
    result = Router()
    for tag in tags:
        result.add_handler(tag, says(tag), **options)
    return result


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("room.book", "room.book"), ("room.cancel", "room.*"), ("room.suite.book", "room.*.book"),
        ("spa.books", "*.books"), ("x", "*"), ("room.\nx", "room.*"),
    ],
)  # fmt: skip
def test_the_most_specific_tag_wins(tag: str, expected: str) -> None:
    assert answered(router("*", "*.books", "room.*", "room.*.book", "room.book"), tag) == expected


@given(st.text("ab*", max_size=6), st.text("ab", max_size=6))
def test_a_pattern_matches_as_the_shell_does(pattern: str, tag: str) -> None:
    assert matcher(f"{pattern}*")(tag) == fnmatch.fnmatchcase(tag, f"{pattern}*")
    assert matcher(f"*{pattern}")(tag) == fnmatch.fnmatchcase(tag, f"*{pattern}")


def test_a_pattern_of_many_stars_is_quick() -> None:
    assert answered(router("*a" * 20 + "*b", "*"), "a" * 50_000) == "*"


def test_several_tags_and_a_fallback() -> None:
    routes = Router()
    routes.handler(["a", "b"])(says("ab"))
    routes.fallback(says("other"))
    assert [answered(routes, tag) for tag in "abc"] == ["ab", "ab", "other"]


PAGE = {"pageInfo": {"currentPage": f"{AGENT}/flows/f1/pages/p1", "displayName": "Suites"}}
INTENT = {"intentInfo": {"lastMatchedIntent": f"{AGENT}/intents/i1", "displayName": "book"}}


@pytest.mark.parametrize(
    ("narrowing", "members"),
    [
        ({"page": "Suites"}, PAGE), ({"page": "p1"}, PAGE), ({"page": f"{AGENT}/flows/f1/pages/p1"}, PAGE),
        ({"flow": "f1"}, PAGE), ({"flow": f"{AGENT}/flows/f1"}, PAGE), ({"intent": ["x", "book"]}, INTENT),
        ({"intent": "i1"}, INTENT), ({"event": "reminder"}, {"triggerEvent": "reminder"}),
        ({"language": "EN"}, {"languageCode": "en-us"}), ({"language": "en-US"}, {"languageCode": "en-us"}),
    ],
)  # fmt: skip
def test_narrowing(narrowing: dict[str, Any], members: dict[str, Any]) -> None:
    routes = Router()
    routes.handler("t")(says("any"))
    routes.handler("t", **narrowing)(says("narrow"))
    assert answered(routes, "t", **members) == "narrow"
    assert answered(routes, "t") == "any"


def test_more_conditions_win_and_languages_by_their_parts() -> None:
    routes = Router()
    routes.handler("t", page="Suites")(says("page"))
    routes.handler("t", page="Suites", intent="book")(says("both"))
    routes.handler("u", language="en")(says("english"))
    routes.handler("u", language="en-GB")(says("british"))
    assert answered(routes, "t", **PAGE) == "page"
    assert answered(routes, "t", **PAGE, **INTENT) == "both"
    assert answered(routes, "t") == ""
    assert answered(routes, "u", languageCode="en-gb") == "british"
    assert answered(routes, "u", languageCode="en-au") == "english"
    assert answered(routes, "u", languageCode="eng") == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("t", {}), ("t", {})),
        (("t", {"page": "A"}), ("t", {"page": ["B", "A"]})),
        (("t", {"page": "A"}), ("t", {"flow": "F"})),
        (("t", {"language": "en"}), ("t", {"language": ["de", "en"]})),
        (("a*", {}), ("*a", {})),
        (("a*b", {}), ("ab*", {})),
        (("*", {}), ("**", {})),
    ],
)
def test_handlers_that_could_both_be_meant_are_refused(first: Any, second: Any) -> None:
    routes = Router()
    routes.handler(first[0], **first[1])(says("1"))
    with pytest.raises(ConfigurationError, match=r"test_routing\.py:\d+.*test_routing\.py:\d+"):
        routes.handler(second[0], **second[1])(says("2"))


@pytest.mark.parametrize(("one", "other"), [("a-*", "b-*"), ("*a", "*b"), ("a*", "ab*")])
def test_patterns_without_a_tie_are_accepted(one: str, other: str) -> None:
    router(one, other)


def test_other_values_of_one_condition_are_accepted() -> None:
    routes = Router()
    for page in "AB":
        routes.handler("t", page=page)(says(page))


WORDS = ["".join(word) for size in range(5) for word in itertools.product("ab", repeat=size)]


@given(st.text("ab*", max_size=4), st.text("ab*", max_size=4))
def test_overlap_agrees_with_trying(one: str, other: str) -> None:
    def matches(pattern: str, word: str) -> bool:
        if not pattern:
            return not word
        if pattern[0] == "*":
            return any(matches(pattern[1:], word[i:]) for i in range(len(word) + 1))
        return bool(word) and word[0] == pattern[0] and matches(pattern[1:], word[1:])

    common = any(matches(one, word) and matches(other, word) for word in WORDS)
    # Words of four letters are too short for two patterns of four: only then may trying miss one.
    assert _overlap(one, other) == common or (_overlap(one, other) and len(one + other) > 4)


def test_include_puts_the_prefix_in_front_and_closes_the_router() -> None:
    inner = router("book", "*")
    outer = Router()
    outer.include(inner, prefix="room.")
    assert [answered_by(outer, tag) for tag in ("room.book", "room.x")] == ["book", "*"]
    with pytest.raises(ConfigurationError, match="it was included"):
        inner.add_handler("late", says("late"))
    for prefix, which in (("a*", router()), ("", outer)):
        with pytest.raises(ConfigurationError, match="include"):
            outer.include(which, prefix=prefix)


def answered_by(routes: Router, tag: str) -> str:
    holder = Router()
    holder.include(routes)
    return answered(holder, tag)


def test_a_duplicate_is_seen_when_it_is_included() -> None:
    outer = router("t")
    with pytest.raises(ConfigurationError, match="two handlers"):
        outer.include(router("t"))


def test_nothing_is_registered_after_the_first_request() -> None:
    app = App()
    app.post()
    attempts: list[Any] = [
        lambda: app.add("late", lambda ctx: None),
        lambda: app.webhook.middleware(doubled),
        lambda: app.webhook.on_error(KeyError)(caught),
        lambda: app.webhook.include(router("late")),
    ]
    for register in attempts:
        with pytest.raises(ConfigurationError, match="frozen"):
            register()


def doubled(call: Context) -> Generator[None, Answer, Answer]:
    yield
    return None


def caught(ctx: Context, error: Exception) -> str:
    return f"caught {type(error).__name__}"


@pytest.mark.parametrize("timeout", [0, -1, 30.1])
def test_timeouts_that_cx_does_not_wait_for(timeout: float) -> None:
    attempts: list[Any] = [
        lambda: Router(timeout=timeout),
        lambda: Webhook(auth=BASIC, timeout=timeout),
        lambda: router("t", timeout=timeout),
    ]
    for build in attempts:
        with pytest.raises(ConfigurationError, match="at most 30 seconds"):
            build()


@pytest.mark.parametrize("tag", ["", [], ["a", ""], [5]])
def test_no_tag(tag: Any) -> None:
    with pytest.raises(ConfigurationError, match="needs a tag"):
        Router().add_handler(tag, says("x"))


def test_an_empty_name_in_a_condition() -> None:
    with pytest.raises(ConfigurationError, match="page="):
        router("t", page=["A", ""])


@pytest.mark.parametrize("options", [{"path": "webhook"}, {"path": "/health"}, {"path": "/wé"}, {"max_body": 0}])
def test_other_options(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        Webhook(auth=BASIC, **options)


def test_the_class_of_an_authenticator_is_not_one() -> None:
    class Asynchronous:
        async def authenticate(self, http: object) -> None: ...

    for auth in (AllowUnauthenticated, Asynchronous()):
        with pytest.raises(ConfigurationError, match="auth="):
            Webhook(auth=auth)  # type: ignore[arg-type]


class Callables:
    def method(self, ctx: Context) -> str:
        return "method"

    def __call__(self, ctx: Context, params: dict[str, Any]) -> str:
        return "object"

    async def later(self, ctx: Context) -> str:
        return "later"


def keyword(ctx: Context, *, name: str = "keyword") -> str:
    return name


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Callables().method, "method"), (Callables(), "object"), (Callables().later, "later"), (keyword, "keyword"),
        (functools.partial(keyword, name="partial"), "partial"), (lambda ctx: "lambda", "lambda"),
    ],
)  # fmt: skip
def test_what_may_be_a_handler(function: Any, expected: str) -> None:
    routes = Router()
    routes.add_handler("t", function)
    assert answered(routes, "t") == expected


def generator(ctx: Context) -> Any:
    yield "x"


async def async_generator(ctx: Context) -> Any:
    yield "x"


@pytest.mark.parametrize(
    "function",
    [
        lambda: "", lambda a, b, c: "", lambda *args: "", lambda ctx, *, demanded: "", generator, async_generator,
        "text", 5, dict, print,
    ],
)  # fmt: skip
def test_what_may_not(function: Any) -> None:
    with pytest.raises(ConfigurationError):
        Router().add_handler("t", function)


def test_decorators_without_parentheses() -> None:
    routes = Router()
    with pytest.raises(ConfigurationError, match="write @handler with a tag"):
        routes.handler(keyword)  # type: ignore[arg-type]
    for kinds in ((), (keyword,), (5,), (KeyboardInterrupt,)):
        with pytest.raises(ConfigurationError, match="exception classes"):
            routes.on_error(*kinds)


def test_an_error_handler_takes_two_arguments() -> None:
    wrong: list[Any] = [keyword, lambda: "", lambda a, b, c: ""]
    for function in wrong:
        with pytest.raises(ConfigurationError, match=r"an error handler is f\(ctx, error\)"):
            Router().on_error(KeyError)(function)
    with pytest.raises(ConfigurationError, match="set twice"):
        Router(on_error={KeyError: caught}).on_error(KeyError)(caught)


def test_a_middleware_is_a_generator_function() -> None:
    for function in (keyword, async_generator, lambda call, following: (yield)):
        with pytest.raises(ConfigurationError, match="a middleware is"):
            Router(middleware=[function])  # type: ignore[list-item]


def test_an_unknown_tag_can_be_answered() -> None:
    app = App()
    app.webhook.on_error(NotFound)(lambda ctx, error: Reply(f"no {ctx.tag}"))
    assert b"no spa" in app.post(call("spa")).body
