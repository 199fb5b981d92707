"""What was called in a recorded turn is worked out from the agent, and left open where several things may have been."""

from collections.abc import Callable
from typing import Any

import pytest

from cxfulfill.agent.chains import OVER
from cxfulfill.agent.conditions import holds
from cxfulfill.agent.walk import Walked, walk
from tests.agent.agents import COLLECT, DONE, FLOW, HOTEL, Bench, Files, call, handler, parameter, route
from tests.agent.recordings import ARRIVAL, FORM, booked, record, turn

GROUP = "flows/Booking/transitionRouteGroups/G.json"
SEVERAL = "several fulfillments may have run: "
NO_WAY = "no way of the agent leads from where it began, Booking > {}, to where it ended, Booking > {}"


def walked(bench: Bench, *turns: dict[str, Any], change: Callable[[Files], Any] = dict, **config: str) -> list[Walked]:
    def recorded(files: Files) -> None:
        change(files)
        record(files, *turns, **config)

    agent = bench.agent(recorded)
    return list(walk(agent, agent.test_cases[0]))


def tags(each: Walked) -> list[str]:
    return [step.fulfillment.tag for step in each.steps if step.fulfillment.webhook]


@pytest.mark.parametrize(("condition", "expected"), [
    ("", True), ("true", True), ("false", False),
    ('$page.params.status = "FINAL"', False), ('$page.params.status != "FINAL"', True),
    ('$session.params.a = "x"', True), ('$session.params.a = "y"', False), ('$session.params.a != "y"', True),
    ('$session.params.a = "X"', None), ("$session.params.a = 1", None), ("$session.params.a < 2", None),
    ("$session.params.n = 3", True), ("$session.params.n >= 3", True), ("$session.params.n > 3", False),
    ("$session.params.n <= 2.5", False), ("$session.params.n < 4", True), ("$session.params.t = true", True),
    ("$session.params.t = 1", None), ("$session.params.b = null", True), ("$session.params.a != null", True),
    ("$request.payload.telephony.caller_id != null", False), ("$session.params.a", None), ("$sys.func.NOW() > 1", None),
    ('$session.params.a = "x" AND $session.params.n = 3', True), ("true AND $session.params.a", None),
    ("false AND $session.params.a", False), ("true OR $session.params.a", True), ("false OR false", False),
])  # fmt: skip
def test_a_condition_is_decided_as_far_as_it_is_understood(condition: str, expected: bool | None) -> None:
    assert holds(condition, {"a": "x", "n": 3.0, "t": True}, is_filled=False) is expected


def test_a_conversation_is_walked(bench: Bench) -> None:
    hello, book, form = walked(bench, *booked())

    assert [tags(each) for each in (hello, book, form)] == [["hello"], [], ["book", "done", "order", "quotes"]]
    assert form.steps[0].led_to == ("Booking", "Done")
    assert form.understood == FORM
    assert form.steps[2].taken == {"status": "sent"}
    assert form.explained == {"arrival", "room", "status"}
    assert [step.place for step in form.steps][:2] == [
        'Booking > Collect > route $page.params.status = "FINAL"', "Booking > Done > entry",
    ]  # fmt: skip


@pytest.mark.parametrize(("turns", "untold"), [
    ([turn("x", {}, flow="")], "its page, or its session parameters, are not in the recording"),
    ([turn("x")], "its page, or its session parameters, are not in the recording"),
    ([turn("x", {}, "Gone")], "the agent has no page Booking > Gone"),
    ([turn(None, {})], "the recording does not tell what the user did"),
    ([turn("x", {}, intent="lost")], NO_WAY.format("Start Page", "Start Page")),
    ([turn(None, {}, event="lost")], NO_WAY.format("Start Page", "Start Page")),
    ([turn("x", {}, "Done")], NO_WAY.format("Start Page", "Done")),
])  # fmt: skip
def test_what_a_recording_lacks_is_told(bench: Bench, turns: list[dict[str, Any]], untold: str) -> None:
    assert [each.untold for each in walked(bench, *turns)] == [untold]


def test_a_turn_goes_on_where_the_one_before_ended(bench: Bench) -> None:
    unknown, over = "the turn before it has no page, or no session parameters, in the recording", turn("x", {})
    assert walked(bench, turn("x", {}, flow="", isWebhookEnabled=False), over)[1].untold == unknown
    assert walked(bench, turn("x", isWebhookEnabled=False), over)[1].untold == unknown
    ended = walked(bench, turn("x", {}, "End Session", isWebhookEnabled=False), over)
    assert ended[0].end == OVER
    assert ended[1].untold == "the session was over before it"
    assert walked(bench, turn("x", {}, "START_PAGE"))[0].end == ("Booking", "Start Page")


def test_webhooks_that_were_off_were_not_called(bench: Bench) -> None:
    [off] = walked(bench, turn("hello", {}, intent="greet", isWebhookEnabled=False))
    assert (off.steps, off.untold) == ((), "")


@pytest.mark.parametrize(("said", "names"), [
    (turn("blah", {}, "Collect"), ["sys.no-match-default"]),
    (turn(None, {}, "Collect", digits="9"), ["sys.no-match-default"]),
    (turn("", {}, "Collect"), ["sys.no-input-1"]),
    (turn(None, {}, "Collect", event="again"), ["again"]),
])  # fmt: skip
def test_events_go_to_the_nearest_handler(bench: Bench, said: dict[str, Any], names: list[str]) -> None:
    def change(files: Files) -> None:
        reprompts = {"repromptEventHandlers": [handler("sys.no-match-default", call("sys.no-match-default"))]}
        files[COLLECT]["form"]["parameters"][0]["fillBehavior"] = reprompts
        files[COLLECT]["eventHandlers"] = [handler("sys.no-input-1", call("sys.no-input-1"))]
        files[FLOW]["eventHandlers"] = [
            handler(name, call(name)) for name in ("again", "sys.no-input-1", "sys.no-match-1")
        ]

    assert tags(walked(bench, said, change=change, page="Collect")[0]) == names


def test_which_of_several_handlers_of_an_event_ran_is_left_open(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["eventHandlers"] = [handler(f"sys.no-match-{n}", call(f"no-{n}")) for n in (1, 2)]

    assert walked(bench, turn("blah", {}), change=change)[0].untold == f"{SEVERAL}no-1; no-2"


def test_an_intent_takes_the_first_route_whose_condition_holds(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[COLLECT]["transitionRoutes"] = [
            route(call("no"), intent="greet", condition="false"),
            route(call("yes"), intent="greet", condition='$session.params.room = "double"'),
        ]

    before = turn("x", {"room": "double"}, "Collect", isWebhookEnabled=False)
    [_, found] = walked(bench, before, turn("hi", {"room": "double"}, "Collect", intent="greet"), change=change)
    assert tags(found) == ["yes"]

    [found] = walked(bench, turn("hi", {}, "Collect", intent="greet"), change=change, page="Collect")
    assert tags(found) == ["hello"]  # the flow's own


def test_several_routes_are_left_open_unless_they_call_the_same(bench: Bench) -> None:
    def changed(tag: str) -> Callable[[Files], None]:
        def change(files: Files) -> None:
            files[FLOW]["transitionRoutes"].insert(0, route(call(tag), intent="greet", condition="$sys.func.NOW()"))

        return change

    said = turn("hi", {}, intent="greet")
    assert walked(bench, said, change=changed("other"))[0].untold == f"{SEVERAL}hello; other"
    assert tags(walked(bench, said, change=changed("hello"))[0]) == ["hello"]


def test_presets_are_worked_out_and_may_decide_a_condition(bench: Bench) -> None:
    def change(files: Files) -> None:
        presets = [
            {"parameter": "a", "value": "x"}, {"parameter": "b", "value": "$session.params.a"},
            {"parameter": "c", "value": "$sys.func.NOW()"}, {"parameter": "d", "value": "$sys.func.NOW()"},
            {"parameter": "e", "value": None}, {"parameter": "f", "value": ["$session.params.a"]},
        ]  # fmt: skip
        files[FLOW]["transitionRoutes"] = [
            route({"setParameterActions": presets}, intent="greet"),
            route(call("one"), condition='$session.params.b = "x"'),
            route(call("two"), condition='$session.params.b != "x"'),
        ]

    [found] = walked(bench, turn("hi", {"a": "x", "b": "x", "c": 1.0}, intent="greet"), change=change)
    assert tags(found) == ["one"]
    assert found.steps[0].presets == {"a": "x", "b": "x", "c": 1.0, "e": None}
    assert found.explained == {"a", "b", "c", "d", "e", "f"}


def test_what_a_webhook_may_have_changed_decides_nothing(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["transitionRoutes"] = [
            route(call("hello"), intent="greet"), route(call("more"), condition="$session.params.x = 1"),
        ]  # fmt: skip

    said = turn("hi", {"x": 1.0}, intent="greet")
    assert walked(bench, said, change=change)[0].untold == f"{SEVERAL}hello; hello and more"
    assert tags(walked(bench, turn("hi", {}, intent="greet"), change=change)[0]) == ["hello"]


def test_of_ways_with_the_same_calls_the_one_whose_presets_were_recorded_is_taken(bench: Bench) -> None:
    def change(files: Files) -> None:
        presets = {name: {"setParameterActions": [{"parameter": "x", "value": name}]} for name in "ab"}
        files[FLOW]["transitionRoutes"] = [
            route(presets[name], intent="greet", condition="$sys.func.NOW()") for name in "ab"
        ]

    [found] = walked(bench, turn("hi", {"x": "b"}, intent="greet"), change=change)
    assert found.steps[0].presets == {"x": "b"}


def test_groups_prompts_and_other_flows_are_walked(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[GROUP] = {"displayName": "G", "transitionRoutes": [route({}, intent="go", targetFlow="Pay")]}
        files[FLOW]["transitionRouteGroups"] = ["G"]
        files["flows/Pay/Pay.json"] = {
            "name": "p", "displayName": "Pay", "transitionRoutes": [route({}, condition="true", targetPage="Card")],
        }  # fmt: skip
        asked = parameter("card", "@sys.any", fillBehavior={"initialPromptFulfillment": call("ask")})
        files["flows/Pay/pages/Card.json"] = {"displayName": "Card", "form": {"parameters": [asked]}}

    [found] = walked(bench, turn("go", {}, "Card", flow="Pay", intent="go"), change=change)
    assert [step.place for step in found.steps][-1] == "Pay > Card > initial prompt card"
    assert tags(found) == ["ask"]


def test_an_intent_that_leads_to_another_flow_may_be_carried_over(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["transitionRoutes"] = [route({}, intent="go", targetFlow="Pay")]
        files[FLOW]["eventHandlers"] = [handler("go", targetFlow="Pay")]
        files["flows/Pay/Pay.json"] = {
            "name": "p", "displayName": "Pay", "transitionRoutes": [
                route(call("no"), intent="go", condition="false", targetPage="Card"),
                route(call("ask"), intent="go", targetPage="Card"),
            ],
        }  # fmt: skip
        files["flows/Pay/pages/Card.json"] = {"displayName": "Card"}

    [carried] = walked(bench, turn("go", {}, "Card", flow="Pay", intent="go"), change=change)
    assert tags(carried) == ["ask"]
    [used_up] = walked(bench, turn("go", {}, flow="Pay", intent="go"), change=change)
    assert (tags(used_up), used_up.untold) == ([], "")
    [by_event] = walked(bench, turn(None, {}, flow="Pay", event="go"), change=change)
    assert (tags(by_event), by_event.untold) == ([], "")


@pytest.mark.parametrize(("target", "end", "expected"), [
    ({"targetPage": "Current Page"}, ("Booking", "Done"), f"{SEVERAL}bye; bye and done"),
    ({"targetPage": "Start Page"}, ("Booking", "Start Page"), ""),
    ({"targetPage": "START_PAGE"}, ("Booking", "Start Page"), ""),
    ({"targetPage": "END_SESSION"}, ("Booking", "End Session"), ""),
    ({"targetPage": "End Flow"}, ("Booking", "Collect"), ""),
    ({"targetPage": "Previous Page"}, ("Booking", "Collect"), ""),
    ({"targetPage": "Gone"}, ("Booking", "Done"), NO_WAY.format("Done", "Done")),
    ({"targetFlow": "Gone"}, ("Booking", "Done"), NO_WAY.format("Done", "Done")),
    ({"targetPlaybook": "P"}, ("Booking", "Done"), "it goes on in a playbook"),
])  # fmt: skip
def test_each_target_is_followed(bench: Bench, target: dict[str, str], end: tuple[str, str], expected: str) -> None:
    def change(files: Files) -> None:
        files[DONE]["transitionRoutes"] = [route(call("bye"), intent="bye", **target)]
        if "Gone" in target.values() or "targetPlaybook" in target:
            files[HOTEL]["disabled"] = True  # so that its answer leads nowhere

    begun = turn("x", {}, "Done", isWebhookEnabled=False)
    [_, found] = walked(bench, begun, turn("bye", {}, end[1], flow=end[0], intent="bye"), change=change)
    assert found.untold == expected
    if not expected:
        assert tags(found) == ["bye"]


def test_ways_beyond_counting_are_not_tried(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["transitionRoutes"] += [route(call(f"t{n}"), condition=f"$unknown.{n}") for n in range(20)]

    assert walked(bench, turn("hello", {}, intent="greet"), change=change)[0].untold == (
        "more ways lead through it than can be tried"
    )


def test_form_parameters_that_the_user_has_given_are_not_the_webhooks(bench: Bench) -> None:
    [found] = walked(bench, turn("14 June", {"arrival": ARRIVAL}, "Collect"), page="Collect")
    assert (found.understood, found.steps) == ({"arrival": ARRIVAL}, ())
    [found] = walked(bench, turn(None, {"arrival": ARRIVAL}, "Collect", event="again"), page="Collect")
    assert found.understood == {}


@pytest.mark.parametrize("word", ["OR", "AND", ""])
def test_a_condition_with_a_long_run_of_white_space_takes_no_time(word: str) -> None:
    assert holds(f"x(){' ' * 500_000}{word}y()", {}, is_filled=False) is None
