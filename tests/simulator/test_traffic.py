"""What a user's turns send."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.simulator.traffic import Conversation, mix_of, read_requests

REQUESTS = Path(__file__).parents[2] / "example_app/requests"


def ids() -> Callable[[], str]:
    numbers = iter(range(1_000))
    return lambda: f"id-{next(numbers)}"


def request(tag: str = "book", **parts: Any) -> dict[str, Any]:
    return {"fulfillmentInfo": {"tag": tag}, **parts}


def test_each_turn_is_of_the_user_s_session_and_has_an_id_of_its_own() -> None:
    agent = "projects/p/locations/l/agents/a"
    conversation = Conversation(ids())
    given = request(sessionInfo={"session": f"{agent}/environments/-/sessions/recorded"}, text="hi")
    first, second = (json.loads(conversation.turn(given)) for _ in range(2))
    assert (
        first["sessionInfo"]["session"] == second["sessionInfo"]["session"] == f"{agent}/environments/-/sessions/id-0"
    )
    assert (first["detectIntentResponseId"], second["detectIntentResponseId"]) == ("id-2", "id-3")
    assert first["text"] == "hi"
    assert "detectIntentResponseId" not in given


def test_two_users_share_nothing() -> None:
    names = {json.loads(Conversation().turn(request()))["sessionInfo"]["session"] for _ in range(2)}
    assert len(names) == 2


def test_parameters_are_merged_and_null_deletes() -> None:
    conversation = Conversation()
    conversation.turn(request(sessionInfo={"parameters": {"offer": {"percent": 10}, "nights": 2.0}}))
    conversation.hear({"sessionInfo": {"parameters": {"offer": None, "never": None, "total": 240, "ok": True}}})
    document = json.loads(conversation.turn(request(sessionInfo={"parameters": {"nights": 3.0}})))
    assert document["sessionInfo"]["parameters"] == {"nights": 3.0, "total": 240.0, "ok": True}


def test_a_request_is_written_as_cx_writes_it() -> None:
    conversation = Conversation()
    conversation.hear({"sessionInfo": {"parameters": {"a": [1, {"b": 2}], "c": True, "d": "<7>", "e": 1e21}}})
    body = conversation.turn(request(messages=[], unknown={"kept": None}))
    for part in (
        b'"a": [1.0, {', b'"b": 2.0\n', b'"c": true', rb'"d": "\u003c7\u003e"', b'"e": 1.0E21', b'"messages": []',
        b'"kept": null',
    ):  # fmt: skip
        assert part in body


@pytest.mark.parametrize("answer", [{}, {"sessionInfo": []}, {"sessionInfo": {"parameters": ["a"]}}])
def test_answers_of_another_form_change_nothing(answer: dict[str, Any]) -> None:
    conversation = Conversation()
    conversation.hear(answer)
    assert conversation.parameters == {}


def test_a_request_without_words_gets_some_that_differ() -> None:
    conversation = Conversation()
    assert [json.loads(conversation.turn(request()))["text"] for _ in range(2)] == ["turn 1", "turn 2"]
    assert "text" not in json.loads(conversation.turn(request(dtmfDigits="2")))


def test_weights_choose_how_often_a_tag_is_called() -> None:
    mix = mix_of({"book": 3.0, "made": 1.0}, [request(text="1"), request(text="2"), request("unused")])
    rng = Random(1)
    chosen = [mix.choose(rng) for _ in range(4_000)]
    tags = Counter(tag for tag, _ in chosen)
    assert set(tags) == {"book", "made"}
    assert 2.7 < tags["book"] / tags["made"] < 3.3
    texts = Counter(document.get("text") for _, document in chosen)
    assert set(texts) == {"1", "2", None}
    assert 0.8 < texts["1"] / texts["2"] < 1.25


def test_without_weights_each_request_is_as_likely() -> None:
    mix = mix_of({}, [request("a"), request("a"), request("b")])
    assert [(kind.tag, kind.weight) for kind in mix.kinds] == [("a", 2.0), ("b", 1.0)]


def test_there_must_be_something_to_call() -> None:
    with pytest.raises(ConfigurationError, match="neither a tag nor a request"):
        mix_of({})


def test_a_folder_and_a_file_are_read() -> None:
    documents = read_requests(REQUESTS)
    assert len(documents) == len(list(REQUESTS.glob("*.json")))
    [booking] = read_requests(REQUESTS / "booking.json")
    assert booking in documents


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no JSON that CX would send: json_syntax"),
        ('{"payload": 1' + "0" * 400 + "}", "has a number beyond the range of a double"),
        ("[]", "it is no JSON object"),
        ("{}", "fulfillmentInfo.tag is no text"),
        ('{"fulfillmentInfo": {"tag": ""}}', "fulfillmentInfo.tag is no text"),
        ('{"fulfillmentInfo": {"tag": "a"}, "sessionInfo": 1}', "sessionInfo is no object"),
        ('{"fulfillmentInfo": {"tag": "a"}, "sessionInfo": {"session": 1}}', "sessionInfo.session is no text"),
        ('{"fulfillmentInfo": {"tag": "a"}, "sessionInfo": {"parameters": []}}', "parameters is no object"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "canary.json").write_text(text)
    with pytest.raises(ConfigurationError, match=f"^canary.json .*{problem}"):
        read_requests(tmp_path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no file \*.json"):
        read_requests(tmp_path)
    with pytest.raises(ConfigurationError, match=r"none\.json cannot be read: No such file"):
        read_requests(tmp_path / "none.json")
