"""The agent's side of a session: what is sent, and what becomes of the session by an answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import ConfigurationError, Reply, ReplyError
from cxfulfill.protocol.sent import read_request
from cxfulfill.simulator import wire
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.state import Change
from cxfulfill.simulator.turns import MEMBERS, WELCOME, Intent, Sentiment, Turn

REQUESTS = sorted((Path(__file__).parents[2] / "example_app" / "requests").glob("*.json"))
FLOW = "projects/p/locations/l/agents/a/flows/f"
FORM = SessionPage.of(f"{FLOW}/pages/form", "Collect", {"nights": None, "guests": 2})


def ids(*given: str) -> Any:
    each = iter(given)
    return lambda: next(each)


def reenacted(sent: dict[str, Any]) -> tuple[Session, str]:
    """A session in which the same was said: told by what a user does and an agent's author has entered."""
    page, session = sent["pageInfo"], sent["sessionInfo"]
    head, _, session_id = session["session"].partition("/sessions/")
    agent, _, environment = head.partition("/environments/")
    fields = page.get("formInfo", {}).get("parameterInfo", [])
    form = {each["displayName"]: None if each.get("justCollected") else each.get("value") for each in fields}
    collected = {each["displayName"]: each["value"] for each in fields if each.get("justCollected")}
    page_name, shown = page["currentPage"], page["displayName"]
    made = Session(
        agent=agent, session_id=session_id, environment=environment or None, language=sent["languageCode"],
        caller_id=sent.get("payload", {}).get("telephony", {}).get("caller_id", ""),
        page=SessionPage.of(page_name, shown, form if "formInfo" in page else None),
        parameters={name: value for name, value in session.get("parameters", {}).items() if name not in collected},
        new_id=ids("first", sent["detectIntentResponseId"]),
    )  # fmt: skip
    kind = next(kind for kind, member in MEMBERS.items() if member in sent)
    info = sent.get("intentInfo")
    mood = sent.get("sentimentAnalysisResult")
    made.begin(
        Turn(
            kind,
            "" if kind == "intent" else sent[MEMBERS[kind]],
            intent=info and Intent(
                info["displayName"], info["lastMatchedIntent"], confidence=info["confidence"],
                parameters={
                    name: (each["originalValue"], each["resolvedValue"])
                    for name, each in info.get("parameters", {}).items()
                },
            ),
            sentiment=mood and Sentiment(**mood),
        )
    )  # fmt: skip
    made.collect(collected)
    for message in sent.get("messages", ()):
        content = {name: value for name, value in message.items() if name not in ("responseType", "source")}
        made.queue(content["text"]["text"][0] if "text" in content else content, origin=message["responseType"])
    return made, sent["fulfillmentInfo"]["tag"]


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_request_has_the_fields_of_one_that_is_shaped_like_real_ones_and_its_bytes(path: Path) -> None:
    shaped = path.read_bytes().rstrip(b"\n")
    sent = json.loads(shaped)

    session, tag = reenacted(sent)

    request = session.request(tag)
    assert request == sent
    assert list(request) == list(sent)
    request["sessionInfo"] = sent["sessionInfo"]  # whose parameters have an order that means nothing
    assert wire.dumps(request) == shaped


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9, "9.0"), (0, "0.0"), (-0.0, "-0.0"), (0.5, "0.5"), (2022, "2022.0"), (0.001, "0.001"), (0.0001, "1.0E-4"),
        (9_999_999.5, "9999999.5"), (10_000_000, "1.0E7"), (-12_345_678, "-1.2345678E7"), (1e22, "1.0E22"),
        (5e-324, "4.9E-324"), (1.7976931348623157e308, "1.7976931348623157E308"), (2**53, "9.007199254740992E15"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_java_writes_doubles(number: float, text: str) -> None:
    expected = "5.0E-324" if number == 5e-324 else text  # the same double; Java shows two digits of it at least

    assert wire.dumps(number) == expected.encode()
    assert float(expected) == number


def test_texts_are_escaped_as_gson_does() -> None:
    written = wire.dumps({"a": "1 = <2> & 'three' \u2028 \x00 \" \\ é 𝄞"}).decode()

    assert r"1 \u003d \u003c2\u003e \u0026 \u0027three\u0027 \u2028 \u0000 \" \\ é 𝄞" in written
    assert json.loads(written) == {"a": "1 = <2> & 'three' \u2028 \x00 \" \\ é 𝄞"}


def test_what_cx_could_not_write_is_told() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    for refuse in (lambda: wire.dumps("\ud800"), lambda: wire.dumps(deep), lambda: Session(parameters={"a": deep})):
        with pytest.raises(ReplyError):
            refuse()


def test_defaults_are_left_out() -> None:
    session = Session(new_id=lambda: "id")

    assert session.request("t") == {
        "detectIntentResponseId": "id",
        "pageInfo": {
            "currentPage": f"{session.agent}/flows/00000000-0000-0000-0000-000000000000/pages/START_PAGE",
            "formInfo": {},
            "displayName": "Start Page",
        },
        "sessionInfo": {"session": f"{session.agent}/sessions/id"},
        "fulfillmentInfo": {"tag": "t"},
        "languageCode": "en",
        "languageInfo": {"inputLanguageCode": "en", "resolvedLanguageCode": "en", "confidenceScore": 1.0},
    }


@pytest.mark.parametrize(
    ("turn", "members"),
    [
        (Turn("text", "hi"), {"text": "hi"}),
        (Turn("transcript", "hi"), {"transcript": "hi"}),
        (Turn("dtmf", "12*"), {"dtmfDigits": "12*"}),
        (Turn("event", "reminder"), {"triggerEvent": "reminder"}),
        (Turn.of("intent", ""), {"triggerIntent": "projects/p/locations/l/agents/a/intents/" + WELCOME.name}),
        (Turn.of("intent", "book"), {"triggerIntent": "projects/p/locations/l/agents/a/intents/book"}),
        (Turn(), {}),
        (Turn("text", "hi", sentiment=Sentiment(0, 0.5)), {"sentimentAnalysisResult": {"magnitude": 0.5}}),
        (Turn("text", "hi", payload={"k": 1}), {"payload": {"telephony": {"caller_id": "+1415"}, "k": 1}}),
    ],
)
def test_every_kind_of_turn_has_its_member_and_no_other(turn: Turn, members: dict[str, Any]) -> None:
    session = Session(agent="projects/p/locations/l/agents/a", caller_id="+1415")
    session.begin(turn)

    request = session.request("t")

    assert {name: request.get(name) for name in members} == members
    assert set(MEMBERS.values()) & set(request) == set(MEMBERS.values()) & {MEMBERS.get(turn.kind)}
    assert ("intentInfo" in request) == (turn.intent is not None)
    assert read_request(wire.dumps(request)).fulfillment_info is not None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Turn("dtmf", "12x"),
        lambda: Turn("dtmf", ""),
        lambda: Turn("intent", "book"),
        lambda: Turn("speech", "a"),  # type: ignore[arg-type]
        lambda: Session(agent="hotel"),
        lambda: Session().collect({"nights": 1}),
    ],
)
def test_what_cx_could_not_send_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


def answer(*given: Any, **members: Any) -> Any:
    return json.loads(Reply(*given, **members).response.encode())


def test_a_null_deletes_and_everything_else_is_written() -> None:
    session = Session(parameters={"a": 1, "b": {"c": [1]}, "d": True})

    merged = session.take(answer(parameters={"a": None, "b": {"c": [1.0]}, "d": 1, "e": "new", "gone": None}))

    assert session.state.parameters == {"b": {"c": [1.0]}, "d": 1, "e": "new"}
    assert merged.parameters == (
        Change("a", "deleted", 1), Change("d", "changed", True, 1), Change("e", "set", None, "new")
    )  # fmt: skip


def test_a_form_is_filled_by_session_parameters_and_the_other_way_round() -> None:
    session = Session(page=FORM)
    assert session.state.parameters == {"guests": 2}

    session.take(answer(parameters={"nights": 3}))
    assert session.state.page.values == {"nights": 3, "guests": 2}
    session.take(answer(form={"guests": 4}))
    assert session.state.parameters == {"nights": 3, "guests": 4}
    session.take(answer(parameters={"guests": None}))

    form = session.request("t")["pageInfo"]["formInfo"]["parameterInfo"]
    assert [(each["displayName"], each["state"], each.get("value")) for each in form] == [
        ("nights", "FILLED", 3), ("guests", "EMPTY", None)
    ]  # fmt: skip


def test_an_invalid_parameter_is_asked_for_again() -> None:
    session = Session(page=FORM)
    session.begin(Turn("text", "45"))
    session.collect({"nights": 45})

    merged = session.take(answer("30 at most.", invalid=["nights"]))

    assert merged.reprompt == ("nights",)
    assert not merged.findings
    assert session.state.parameters == {"guests": 2}
    assert session.request("t")["pageInfo"]["formInfo"]["parameterInfo"][0] == {
        "displayName": "nights", "required": True, "state": "INVALID"
    }  # fmt: skip


def test_an_invalid_parameter_that_keeps_its_value_is_told() -> None:
    session = Session(page=FORM)
    update = {"displayName": "guests", "state": "INVALID"}

    merged = session.take({"pageInfo": {"formInfo": {"parameterInfo": [update]}}})

    assert [str(each) for each in merged.findings if "remove that with null" in each.problem]


def test_a_form_gets_no_new_parameter() -> None:
    session = Session(page=FORM)

    merged = session.take(answer(form={"pets": 1}))

    assert "adds and removes none" in merged.findings[0].problem
    assert session.state.page.values == {"nights": None, "guests": 2}
    assert "pets" not in session.state.parameters


def test_queued_messages_are_in_the_next_request_of_the_turn_and_not_in_the_next_turn() -> None:
    session = Session()
    session.begin(Turn("text", "hi"))
    session.queue("One moment.")
    session.take(answer("First."))

    assert [each["text"]["text"] for each in session.request("t")["messages"]] == [["One moment."], ["First."]]
    session.queue("Still looking.")
    session.take(answer("Last.", merge="replace"))
    assert [each["text"]["text"] for each in session.request("t")["messages"]] == [
        ["One moment."],
        ["First."],
        ["Last."],
    ]
    before = session.request("t")["detectIntentResponseId"]
    session.begin(Turn("text", "more"))
    assert "messages" not in session.request("t")
    assert session.request("t")["detectIntentResponseId"] != before


@pytest.mark.parametrize("state", ["EMPTY", 1])
def test_a_state_of_empty_empties_nothing(state: Any) -> None:
    session = Session(page=SessionPage.of(f"{FLOW}/pages/a", "A", {"nights": 3}))

    merged = session.take({"pageInfo": {"formInfo": {"parameterInfo": [{"displayName": "nights", "state": state}]}}})

    assert session.state.page.values == {"nights": 3}
    assert [str(each) for each in merged.findings] == [
        "pageInfo.formInfo.parameterInfo[0].state: empties nothing: INVALID is the only state that acts in an answer"
    ]


@pytest.mark.parametrize(
    ("target", "page", "shown"),
    [
        ({"targetPage": f"{FLOW}/pages/form"}, f"{FLOW}/pages/form", "Collect"),
        ({"targetPage": f"{FLOW}/pages/other"}, f"{FLOW}/pages/other", "other"),
        ({"targetFlow": FLOW}, f"{FLOW}/pages/START_PAGE", "Start Page"),
        ({"targetPage": f"{FLOW}/pages/END_SESSION"}, f"{FLOW}/pages/END_SESSION", "End Session"),
        ({"targetPage": f"{FLOW}/pages/CURRENT_PAGE"}, f"{FLOW}/pages/first", "first"),
        ({"targetPage": f"{FLOW}/pages/PREVIOUS_PAGE"}, f"{FLOW}/pages/zero", "zero"),
    ],
)
def test_a_transition_leads_to_its_page(target: dict[str, str], page: str, shown: str) -> None:
    session = Session(page=SessionPage.of(f"{FLOW}/pages/zero"), pages=[FORM])
    session.goto("first")

    merged = session.take(target)

    now = session.request("t")["pageInfo"]
    assert (now["currentPage"], now["displayName"]) == (page, shown)
    assert session.state.ended == page.endswith("END_SESSION")
    assert merged.transition
    is_symbolic = target.get("targetPage", "").rpartition("/")[2].isupper()
    assert [each.place for each in merged.findings] == ["targetPage"] * is_symbolic


@pytest.mark.parametrize(
    "target",
    [
        {"targetPage": "Confirm booking"},
        {"targetPage": FLOW},
        {"targetFlow": "Booking"},
        {"targetFlow": f"{FLOW}/pages/form"},
    ],
)
def test_a_transition_without_a_full_name_leads_nowhere(target: dict[str, str]) -> None:
    session = Session(page=SessionPage.of(f"{FLOW}/pages/zero"), pages=[FORM])

    merged = session.take(target)

    assert (session.state.page.id, merged.transition) == ("zero", "")
    [finding] = merged.findings
    assert (finding.place, finding.severity) == (next(iter(target)), "warning")
    assert "is no full name (projects/P/" in finding.problem
    assert ("pages/G" in finding.problem) == ("targetPage" in target)


def test_a_page_by_full_name_and_a_flow_by_id_can_be_named() -> None:
    session = Session(agent="projects/p/locations/l/agents/a")

    assert session.page_name("x", flow="f") == f"{FLOW}/pages/x"
    session.goto(FORM)
    assert session.page_name("x") == f"{FLOW}/pages/x"
    session.goto(session.page_name("zero"))
    session.goto("PREVIOUS_PAGE")
    assert session.state.page == FORM


def test_values_of_python_become_those_of_cx() -> None:
    from datetime import date

    session = Session(parameters={"check-in": date(2030, 6, 14)})
    session.set({"nights": 3, "check-in": None})

    assert session.state.parameters == {"nights": 3}
    session.set({"check-in": date(2030, 6, 14)})
    assert session.state.parameters["check-in"] == {"year": 2030, "month": 6, "day": 14}
