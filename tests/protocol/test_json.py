"""Strict JSON in, safe JSON out. Test names with a number (``a078``) are cases of the attack list."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxfulfill import AllowUnauthenticated, BadRequest, Context, HttpRequest, ReplyError, Webhook
from cxfulfill.protocol.json import dumps, loads
from tests.strategies.json_values import TEXTS, json_values, nested

CANARY: Final = "canary-4711"
VECTORS: Final = json.loads((Path(__file__).parents[1] / "data" / "json_test_suite.json").read_text())
DUPLICATES: Final = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
"""RFC 8259 lets a parser take them; parsers then disagree about the value, so they are refused here."""


OUTCOMES: Final = {
    "read", "json_syntax", "json_duplicate_member", "json_too_deep", "json_not_utf8", "json_lone_surrogate",
    "json_number_out_of_range",
}  # fmt: skip


def vector(name: str) -> bytes:
    """The bytes of a file of JSONTestSuite."""
    value = VECTORS[name]
    if isinstance(value, str):
        return base64.b64decode(value)
    return b"".join([value["repeat"].encode() * value["times"], value.get("then", "").encode()])


def vectors(prefix: str) -> list[str]:
    """The names of the suite's files of one kind."""
    return [name for name in VECTORS if name.startswith(prefix)]


def refusal(body: bytes) -> BadRequest:
    """How a body is refused."""
    with pytest.raises(BadRequest) as caught:
        loads(body)
    return caught.value


def reason(body: bytes) -> str:
    """Why a body is refused."""
    return refusal(body).reason


def outcome(body: bytes) -> str:
    """Why a body is refused; ``read`` where it is not."""
    try:
        value = loads(body)
    except BadRequest as error:
        return error.reason
    # What was read is finite, and UTF-8 can hold it.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return "read"


@pytest.fixture(scope="module")
def webhook() -> Webhook:
    """A webhook that answers every tag."""
    webhook = Webhook(auth=AllowUnauthenticated())

    @webhook.fallback
    def answer(ctx: Context) -> str:
        return "Hello"

    return webhook


def status(webhook: Webhook, body: bytes) -> int:
    """Post a body."""
    return webhook.handle(
        HttpRequest.build("POST", "/webhook", headers={"Content-Type": "application/json"}, body=body)
    ).status


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "{", "}", "[1", '{"a"}', '{"a":}', '{"a":1,}', "[1,]", "[,1]", "{}x", "{} {}", "[1 2]", "'a'",
        "{'a': 1}", "{a: 1}", "/* a */ 1", "1 // a", "True", "nul", "01", "+1", ".5", "1.", "1e", "0x10", "-",
        '"a\nb"', '"\x00"', r'"\x41"', r'"\u12"', '"a', "\x00", "\u00a01", "<html>",
    ],
)  # fmt: skip
def test_a078_a_syntax_error_is_refused(body: str) -> None:
    assert reason(body.encode()) == "json_syntax"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "nan", "inf", "-NaN"])
@pytest.mark.parametrize("frame", ["{}", "[{}]", '{{"a": {}}}', '{{"a": [0, {{"b": {}}}]}}'])
def test_a080_a_number_that_json_does_not_have_is_refused(frame: str, text: str) -> None:
    assert reason(frame.format(text).encode()) == "json_syntax"


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 1}',
        '{"a": 1, "b": 2, "a": null}',
        '{"a": {"b": 1, "b": 2}}',
        '[[{"a": [], "a": {}}]]',
        '{"": 1, "": 2}',
        '{"é": 1, "\\u00e9": 2}',
        '{"a": 1, "\\u0061": 2}',
    ],
)
def test_a081_a_member_twice_in_one_object_is_refused(body: str) -> None:
    assert reason(body.encode()) == "json_duplicate_member"


def test_a081_one_name_in_several_objects_is_accepted() -> None:
    assert loads(b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}')["b"] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "text",
    [
        b"\xff", b"\x80", b"\xc3(", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf",
        b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x82", "é".encode("latin-1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", [b'"%b"', b'{"%b": 1}', b'{"a": ["b%bc"]}'])
def test_a082_text_that_is_not_utf8_is_refused(frame: bytes, text: bytes) -> None:
    assert reason(frame % text) == "json_not_utf8"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_a083_a_byte_order_mark_and_other_encodings_are_refused(encoding: str) -> None:
    assert reason('{"a": 1}'.encode(encoding)) == "json_syntax"


@pytest.mark.parametrize("kinds", ["[", "{", "[{", "{["])
def test_a084_sixty_four_levels_are_read(kinds: str) -> None:
    value = nested(1, 64, kinds)

    assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize("kinds", ["[", "{", "[{", "{["])
def test_a084_two_hundred_levels_around_a_value_are_the_bound(kinds: str) -> None:
    assert loads(json.dumps(nested(1, 200, kinds)).encode()) == nested(1, 200, kinds)
    assert reason(json.dumps(nested(1, 201, kinds)).encode()) == "json_too_deep"


@pytest.mark.parametrize("levels", [1_000, 100_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_a084_deep_nesting_never_reaches_the_interpreters_stack(start: str, end: str, levels: int) -> None:
    assert reason((start * levels + "1" + end * levels).encode()) == "json_too_deep"
    assert reason((start * levels).encode()) == "json_too_deep"


@pytest.mark.parametrize(
    "escapes",
    [
        r"\ud800", r"\uD800", r"\udbff", r"\udc00", r"\udfff", r"\ud800x", r"\ud800\n", r"\ud800\u0041",
        r"\ud800\ud800", r"\udc00\ud800",
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", ['"%s"', '{"%s": 1}', '{"a": ["b%s"]}'])
def test_a085_a_lone_surrogate_is_refused(frame: str, escapes: str) -> None:
    assert reason((frame % escapes).encode()) == "json_lone_surrogate"


def test_a085_a_pair_of_surrogates_is_one_character() -> None:
    assert loads(rb'{"\ud83d\ude00": "\uD83D\uDE00"}') == {"\U0001f600": "\U0001f600"}


@pytest.mark.parametrize("name", vectors("n_"))
def test_a086_what_json_test_suite_refuses_is_a_400(webhook: Webhook, name: str) -> None:
    assert outcome(vector(name)) in OUTCOMES - {"read"}
    assert status(webhook, vector(name)) == 400


@pytest.mark.parametrize("name", vectors("y_"))
def test_a086_what_json_test_suite_accepts_is_read(name: str) -> None:
    if name in DUPLICATES:
        assert reason(vector(name)) == "json_duplicate_member"
    else:
        assert loads(vector(name)) == json.loads(vector(name))


@pytest.mark.parametrize("name", vectors("i_"))
def test_a086_what_json_test_suite_leaves_open_is_read_or_refused(webhook: Webhook, name: str) -> None:
    assert outcome(vector(name)) in OUTCOMES
    # None of these files is an object with a tag.
    assert status(webhook, vector(name)) == 400


def test_a086_the_suite_is_whole() -> None:
    assert [len(vectors(prefix)) for prefix in ("n_", "y_", "i_")] == [188, 95, 35]


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64 + 1, 10**400 + 1, int("7" * 4300)])
def test_a087_an_integer_stays_exact(number: int) -> None:
    body = json.dumps({"sessionInfo": {"parameters": {"n": number}}}, separators=(",", ":")).encode()

    read = loads(body)

    assert read["sessionInfo"]["parameters"]["n"] == number
    assert dumps(read) == body


def test_an_integer_of_more_than_4300_digits_is_out_of_range() -> None:
    assert reason(b"[" + b"7" * 4301 + b"]") == "json_number_out_of_range"


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1E400", "1e+400", "1.8e308", "0.1e400", "7" * 400 + ".5", "-" + "7" * 400 + "e0"]
)
@pytest.mark.parametrize(
    "frame", ["%s", " %s ", "[%s]", '{"a": %s}', '[0, [1.5, [%s, ""]]]', '{"a": [{"b": 1}, {"b": {"c": %s}}], "d": 1}']
)
def test_a_number_beyond_a_double_is_out_of_range_at_every_place(frame: str, number: str) -> None:
    assert reason((frame % number).encode()) == "json_number_out_of_range"


def test_the_largest_and_smallest_doubles_are_read() -> None:
    assert loads(b"[1.7976931348623157e308, -1.7976931348623157E+308, 5e-324, 1e-400]") == [
        1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 0.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ('{"a": 1,\n "b": x}', "json_syntax", "The body is not JSON at line 2, column 7."),
        ('{"a": 1,\n "a": 2}', "json_duplicate_member", "The body has a member twice in one object at line 2, column "),
        ('["a",\n"\xff"]', "json_not_utf8", "The body is not UTF-8 at line 2, column "),
        ('["a",\n"\\udc00"]', "json_lone_surrogate", "The body has a lone surrogate at line 2, column "),
        ("\n" + "[" * 300, "json_too_deep", "The body is nested too deep at line 2, column "),
        ("[1e999]", "json_number_out_of_range", "The body has a number out of range."),
    ],
)
def test_a_refusal_tells_the_reason_and_the_position(body: str, code: str, detail: str) -> None:
    error = refusal(body.encode("latin-1"))

    assert error.reason == code
    assert error.detail is not None
    assert error.detail.startswith(detail)


@pytest.mark.parametrize(
    "body",
    [
        f"{CANARY}",
        f'{{"{CANARY}": {CANARY}}}',
        f'{{"{CANARY}": 1, "{CANARY}": 2}}',
        f'{{"a {CANARY} at line 1 column 1": 1, "a {CANARY} at line 1 column 1": 2}}',
        f'["{CANARY}\xff"]',
        f'["{CANARY}\\udc00"]',
        f'["{CANARY}\\ud800"]',
        f'["{CANARY}", {"[" * 300}',
        f'{{"{CANARY}": 1e999}}',
        f'["{CANARY}" "{CANARY}"]',
        f'["{CANARY}',
    ],
)
def test_a_refusal_holds_nothing_of_the_body(body: str) -> None:
    error = refusal(body.encode("latin-1"))

    assert CANARY not in f"{error} {error!r} {error.reason} {error.detail} {error.args} {error.headers}"


@given(json_values(), st.booleans())
@settings(deadline=None)
def test_every_json_value_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    # Compared as text, so that 1, 1.0 and true differ.
    assert repr(loads(json.dumps(value, ensure_ascii=ascii_only).encode())) == repr(value)


@given(json_values())
@settings(deadline=None)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert repr(loads(dumps(value))) == repr(value)


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert outcome(body) in OUTCOMES


@given(json_values(), st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_to_json_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    body = json.dumps(value).encode()
    at = data.draw(st.integers(0, len(body)))
    junk = data.draw(st.sampled_from([b",", b"]", b"}", b'"', b"\\", b"1e999", b"\\ud800"]) | st.binary(max_size=3))

    damaged = body[:at] + junk + body[at + data.draw(st.integers(0, 2)) :]

    assert outcome(damaged) in OUTCOMES


def test_json_is_written_without_white_space_and_escapes() -> None:
    assert dumps({"a": [1, 1.0, None, True], "é": "\U0001f600 </script>"}) == (
        '{"a":[1,1.0,null,true],"é":"\U0001f600 </script>"}'.encode()
    )


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("\ud800", ""),
        (["a", "\udfff"], "[1]"),
        ({"a": "x\ud800"}, "a"),
        ({"a": [{"b": 1, "c": ["d", "\ud800"]}]}, "a[0].c[1]"),
        ({"not nameable": {"b": "\ud800"}}, "*.b"),
        ({"a": {"\ud800": 1}}, "a"),
        ({"a": {"\ud800": "\ud800"}}, "a.*"),
    ],
)
def test_a_lone_surrogate_is_not_written_and_its_place_is_named(value: Any, field: str) -> None:
    with pytest.raises(ReplyError, match="has a lone surrogate") as caught:
        dumps(value)

    assert caught.value.field == field


@given(json_values(), TEXTS, st.sampled_from(["\ud800", "\udbff", "\udc00", "\udfff"]))
@settings(deadline=None)
def test_no_value_with_a_lone_surrogate_is_written(value: Any, text: str, surrogate: str) -> None:
    for holder in ([value, text + surrogate], {"a": value, "b": surrogate + text}, {surrogate: value}):
        with pytest.raises(ReplyError):
            dumps(holder)
