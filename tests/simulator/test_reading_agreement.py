"""The strict reader of answers takes what Google's own parser takes, and reads the same."""

import base64
import json
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from google.cloud import dialogflowcx_v3, dialogflowcx_v3beta1
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cxfulfill.simulator.findings import Reading, Version
from cxfulfill.simulator.reading import read_answer
from cxfulfill.simulator.schema import ENUMS, MESSAGES, snake
from cxfulfill.simulator.tolerated import take_out
from tests.strategies.answers import ANSWERS, MEMBERS, NAMES, ODD
from tests.strategies.json_values import json_values, mutated, nested
from tests.strategies.official import official_responses, printed

VERSIONS: Final[tuple[Version, ...]] = get_args(Version)
KINDS: Final[dict[Version, Any]] = {
    "v3": dialogflowcx_v3.WebhookResponse.pb(),
    "v3beta1": dialogflowcx_v3beta1.WebhookResponse.pb(),
}
VECTORS: Final = json.loads((Path(__file__).parents[1] / "data" / "json_test_suite.json").read_text())
REFUSED: Final = "refused"

slow = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def official(body: bytes, version: Version) -> Any:
    """The answer as Google's parser reads and prints it, without the tolerated members; `REFUSED` where it does not."""
    try:
        answer = json.loads(body)
        passing = take_out(answer, version)
    except (ValueError, RecursionError):
        passing = []
    kind = KINDS[version]
    try:
        message = json_format.Parse(json.dumps(answer) if passing else body, kind())
        value = json_format.MessageToDict(message)
    except (json_format.Error, UnicodeDecodeError):
        return REFUSED
    return value if is_sound(answer, kind.DESCRIPTOR) else REFUSED


def is_sound(part: Any, kind: Descriptor) -> bool:
    """Whether an answer that the parser took has objects for messages, and enums of 32 bits."""
    fields = {name: field for field in kind.fields for name in (field.name, field.json_name)}
    return isinstance(part, dict) and all(
        is_sound_member(item, fields[name])
        for name, value in part.items()
        if value is not None
        for item in (value if fields[name].is_repeated and not is_map(fields[name]) else [value])
    )


def is_sound_member(part: Any, field: FieldDescriptor) -> bool:
    if field.enum_type:
        return part in field.enum_type.values_by_name or -(2**31) <= int(part) < 2**31
    if not field.message_type or is_map(field) or field.message_type.full_name.startswith("google.protobuf."):
        return True
    return is_sound(part, field.message_type)


def outcome(reading: Reading) -> Any:
    """What was read, and `REFUSED` where an error says why nothing was."""
    errors = [finding for finding in reading.findings if finding.severity == "error"]
    assert bool(errors) == (reading.value is None)
    return REFUSED if errors else reading.value


def agree(body: bytes) -> None:
    """Check that both ways to read a body agree with Google's parser, and with each other on all they say.

    What that parser takes and is refused here, on purpose:

    * ``""`` and ``[]`` in place of an object, even of the whole answer: the parser looks for members in whatever it is
      given and finds none. CX's own parser, in Java, wants an object; an answer wrapped in a list is known to fail.
    * A number of more than 32 bits for an enum: the parser looks up its last 32 bits, and takes the number where these
      are a known one. Its pure Python form refuses it.
    * NaN and numbers beyond a double in a parameter or payload, which it reads and cannot print.
    * More than 65,536 bytes, of which it knows nothing.
    """
    for version in VERSIONS:
        own = read_answer(body, version=version, official=False)
        assert outcome(own) == official(body, version)
        assert read_answer(body, version=version, official=True) == own
        assert json.dumps(read_answer(body, version=version).value) == json.dumps(own.value)


def dumped(answer: Any) -> bytes:
    return json.dumps(answer).encode()


_members = st.sampled_from(MEMBERS) | st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD) | json_values())


@given(answer=mutated(st.sampled_from(ANSWERS), _members))
@settings(max_examples=600, deadline=None)
def test_a_changed_answer_is_read_as_the_official_parser_reads_it(answer: Any) -> None:
    agree(dumped(answer))


@given(answer=mutated(mutated(st.sampled_from(ANSWERS), st.sampled_from(MEMBERS)), st.sampled_from(MEMBERS)))
@slow
def test_members_in_other_places_are_read_as_the_official_parser_reads_them(answer: Any) -> None:
    agree(dumped(answer))


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
@slow
def test_whatever_the_official_types_print_is_read_back(version: Version, data: st.DataObject) -> None:
    body = printed(data.draw(official_responses(version))).encode()

    agree(body)
    assert outcome(read_answer(body, version=version, official=False)) == json.loads(body)


@given(data=st.data())
@slow
def test_a_changed_official_answer_is_read_as_the_official_parser_reads_it(data: st.DataObject) -> None:
    good = official_responses("v3").map(lambda message: json.loads(printed(message)))
    agree(dumped(data.draw(mutated(good, _members))))


@given(answer=st.sampled_from(ANSWERS), data=st.data())
@slow
def test_any_spelling_of_names_is_read_as_the_official_parser_reads_it(answer: Any, data: st.DataObject) -> None:
    def respelled(part: Any) -> Any:
        if isinstance(part, list):
            return [respelled(item) for item in part]
        if not isinstance(part, dict):
            return part
        members: dict[str, Any] = {}
        for name, value in part.items():
            for spelling in data.draw(st.sampled_from([[name], [snake(name)], [name, snake(name)]])):
                members[spelling] = respelled(data.draw(st.sampled_from([value, value, None])))
        return members

    agree(dumped(respelled(answer)))


@given(answer=st.sampled_from(ANSWERS), data=st.data())
@slow
def test_a_garbled_body_is_read_as_the_official_parser_reads_it(answer: Any, data: st.DataObject) -> None:
    body = bytearray(dumped(answer))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"1", b"\\", b"\x00", b"\xff", b" "]
            )
        )

    agree(bytes(body))


@given(body=st.binary(max_size=40))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@slow
def test_any_bytes_are_read_as_the_official_parser_reads_them(body: bytes) -> None:
    agree(body)


@pytest.mark.parametrize("frame", ["%s", '{"payload": {"a": %s}}', '{"sessionInfo": {"parameters": {"a": %s}}}'])
@pytest.mark.parametrize("name", VECTORS)
def test_json_itself_is_read_as_the_official_parser_reads_it(name: str, frame: str) -> None:
    vector = VECTORS[name]
    if not isinstance(vector, str):  # larger than an answer may be: see the next test
        vector = base64.b64encode((vector["repeat"] * 20_000 + vector.get("then", ""))[:60_000].encode())

    agree(frame.encode() % base64.b64decode(vector))


@pytest.mark.parametrize(
    "number",
    [
        "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e308", "1.7976931348623159e308", "9" * 308, "9" * 309,
        "9" * 4300, "9" * 4301, "4294967296", "9007199254740993", "-0", "-0.0", "5e-324", "1e-400", "1E5", "1.50",
    ],
)  # fmt: skip
def test_numbers_are_read_as_the_official_parser_reads_them(number: str) -> None:
    for frame in ('{"payload":{"a":%s}}', '{"fulfillmentResponse":{"mergeBehavior":%s}}', '{"targetPage":%s}'):
        agree((frame % number).encode())


@pytest.mark.parametrize(
    "enum",
    [
        '"REPLACE"', "0", "1", "2", "3", "-1", '"2"', '"+2"', '"-0"', '" 2 "', '"1_0"', '"0x1"', '"2.0"', "2.0", "2.9",
        "-0.5", "true", "false", "null", "[]", "{}", "[2]", '""', '"REPLACE "', '"replace"', '"\\ud800"', '"\\u0662"',
        "2147483647", "2147483648", "-2147483648", "-2147483649", "1e30", '"2147483648"',
        "4294967297", "18446744073709551617", '"MERGE_BEHAVIOR_UNSPECIFIED"',
    ],
)  # fmt: skip
def test_enums_are_read_as_the_official_parser_reads_them(enum: str) -> None:
    agree(f'{{"fulfillmentResponse":{{"mergeBehavior":{enum}}}}}'.encode())


@pytest.mark.parametrize(
    "audio",
    [
        '""', '"YQ=="', '"YQ"', '"YQ="', '"YWI"', '"a"', '"abcde"', '"-_-_"', '"+/+/"', '"Y Q"', '"*"', '"\\u00e9"',
        '"\\ud800"', "1", "[]", "{}", "true", "null", '"YQ==YQ=="', '"===="',
    ],
)  # fmt: skip
def test_bytes_are_read_as_the_official_parser_reads_them(audio: str) -> None:
    message = f'{{"mixedAudio":{{"segments":[{{"audio":{audio}}}]}}}}'

    agree(f'{{"fulfillmentResponse":{{"messages":[{message}]}}}}'.encode())


FRAMES: Final = (
    '{"payload":{"a":%s}}',
    '{"sessionInfo":{"parameters":{"a":%s}}}',
    '{"pageInfo":{"formInfo":{"parameterInfo":[{"displayName":"a","value":%s}]}}}',
    '{"fulfillmentResponse":{"messages":[{"payload":{"a":%s}}]}}',
    '{"fulfillmentResponse":{"messages":[{"toolCall":{"inputParameters":{"a":%s}}}]}}',
    '{"unknown":%s}',
)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("kinds", ["[", "{", "[{"])
@pytest.mark.parametrize("leaf", [None, 1, "a", [], {}])
def test_the_bound_of_nesting_is_that_of_the_official_parser(frame: str, kinds: str, leaf: Any) -> None:
    for levels in (44, 45, 46, 47, 48, 49, 50, 51, 300):
        agree((frame % json.dumps(nested(leaf, levels, kinds))).encode())


def test_nesting_that_json_itself_does_not_read_is_refused() -> None:
    agree(b'{"payload":' + b"[" * 30_000 + b"]" * 30_000 + b"}")


@pytest.mark.parametrize(
    "body",
    [
        "[]", '""', '{"pageInfo":""}', '{"pageInfo":[]}', '{"sessionInfo":""}',
        '{"fulfillmentResponse":{"messages":[[]]}}',
        '{"fulfillmentResponse":{"messages":[""]}}', '{"fulfillmentResponse":{"messages":[{"text":""}]}}',
        '{"fulfillmentResponse":{"messages":[{"text":[]}]}}',
    ],
)  # fmt: skip
def test_an_empty_text_or_list_is_no_object_though_the_official_parser_takes_it(body: str) -> None:
    json_format.Parse(body, KINDS["v3"]())

    agree(body.encode())
    assert read_answer(body.encode()).findings[0].problem == "must be an object"


def kinds_below(kind: Descriptor) -> dict[str, Descriptor]:
    """A message and those in it, by the last part of their names, but for protobuf's own."""
    found: dict[str, Descriptor] = {}
    waiting = [kind]
    for each in waiting:  # grows as it goes
        if each.name not in found and not each.full_name.startswith("google.protobuf."):
            found[each.name] = each
            waiting += [field.message_type for field in each.fields if field.message_type and not is_map(field)]
    return found


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def row(field: FieldDescriptor) -> tuple[Any, ...]:
    """A field as the table has it."""
    scalars = {field.TYPE_STRING: "string", field.TYPE_BOOL: "bool", field.TYPE_BYTES: "bytes"}
    held = field.message_type.fields_by_name["value"] if field.message_type and is_map(field) else field
    type_ = held.message_type or held.enum_type
    shape = "map" if is_map(field) else "list" if field.is_repeated else ""
    oneof = field.containing_oneof.name if field.containing_oneof else None
    return field.name, type_.name if type_ else scalars[held.type], shape, oneof, field.has_presence


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_is_that_of_the_official_messages(version: Version) -> None:
    found = kinds_below(KINDS[version].DESCRIPTOR)

    assert MESSAGES.keys() == found.keys()
    for name, kind in found.items():
        table = {
            member: (snake(member), field.kind, field.shape, field.oneof, field.keeps_empty)
            for member, field in MESSAGES[name].items()
            if version in field.versions
        }
        assert table == {field.json_name: row(field) for field in kind.fields}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_enums_are_those_of_the_official_messages(version: Version) -> None:
    fields = [field for kind in kinds_below(KINDS[version].DESCRIPTOR).values() for field in kind.fields]
    enums = {field.enum_type.name: field.enum_type for field in fields if field.enum_type}

    known = {name: {text: number for number, text in enumerate(names)} for name, names in ENUMS.items()}
    official_names = {name: {value.name: value.number for value in enum.values} for name, enum in enums.items()}
    assert official_names == {name: known[name] for name in official_names}
    assert all(not enum.is_closed for enum in enums.values())
    assert version != "v3" or official_names.keys() == ENUMS.keys()
