"""Which parameters the ways to a place set, and of what types they are."""

from typing import Any

import pytest

from cxfulfill.agent.types import field_shapes
from cxfulfill.parameters.base import PlainSchema
from tests.agent.agents import (
    COLLECT,
    DONE,
    FLOW,
    Bench,
    Files,
    call,
    handler,
    parameter,
    route,
)

PAY = "flows/Booking/pages/Pay.json"
PAY_SOURCE = """class Paid(BaseModel):
    card: str


@webhook.handler("pay")
def pay(ctx, paid: Paid) -> str:
    return "Paid"


class State"""
PAY_APP = ("class State", PAY_SOURCE)


class Callable:
    def __call__(self, ctx: Any) -> None:
        return None


def paying(files: Files) -> None:
    """Add a page, behind a route of the flow, that calls with ``pay``."""
    files[PAY] = {"name": "p", "displayName": "Pay", "entryFulfillment": call("pay")}
    files["intents/pay/pay.json"] = {"displayName": "pay"}
    files[FLOW]["transitionRoutes"].append(route({}, intent="pay", targetPage="Pay"))


def preset(value: Any, name: str = "card") -> dict[str, Any]:
    return {"setParameterActions": [{"parameter": name, "value": value}]}


def on_the_route(files: Files) -> None:
    files[FLOW]["transitionRoutes"][-1]["triggerFulfillment"] = preset("4000")


def at_the_place(files: Files) -> None:
    files[PAY]["entryFulfillment"] |= preset("$session.params.other")


def in_the_flow(files: Files) -> None:
    files[FLOW]["transitionRoutes"][-1]["triggerFulfillment"] = preset("4000", "$flow.card")


def by_the_intent(files: Files) -> None:
    files["intents/pay/pay.json"]["parameters"] = [{"id": "card", "entityType": "@sys.any"}]


def by_a_form_before(files: Files) -> None:
    files[COLLECT]["form"]["parameters"].append(parameter("card", "@sys.any"))
    files[COLLECT]["transitionRoutes"].append(route({}, condition="true", targetPage="Pay"))


def by_a_route_that_stays(files: Files) -> None:
    files[COLLECT]["transitionRoutes"] += [
        route(preset("4000"), intent="greet", targetPage="Current Page"), route({}, condition="x", targetPage="Pay"),
    ]  # fmt: skip


def by_an_event_of_the_flow(files: Files) -> None:
    files[FLOW]["eventHandlers"].append(handler("card", preset("4000")))


def by_a_generator(files: Files) -> None:
    files[PAY]["entryFulfillment"]["generators"] = [{"generator": "G", "outputParameter": "card"}, {}]


def from_outside(files: Files) -> None:
    turn = {"userInput": {"injectedParameters": {"card": "4000"}}}
    files["testCases/T.json"] = {"displayName": "T", "testCaseConversationTurns": [turn]}


def by_a_flexible_webhook(files: Files) -> None:
    files["webhooks/Orders.json"]["genericWebService"]["parameterMapping"].append(
        {"key": "$flow.card", "value": "$.status"}
    )
    files[DONE]["transitionRoutes"].append(route({}, condition="x", targetPage="Pay"))


def by_a_webhook_of_others(files: Files) -> None:
    service = {"uri": "https://other.example/hook", "secretVersionForUsernamePassword": "v"}
    files["webhooks/Other.json"] = {"displayName": "Other", "genericWebService": service}
    files[FLOW]["transitionRoutes"][-1] = route(call("x", "Other"), intent="pay")
    files[COLLECT]["transitionRoutes"].append(route({}, condition="x", targetPage="Pay"))


def by_a_playbook(files: Files) -> None:
    files["playbooks/P/P.json"] = {"displayName": "P"}


def by_a_flow_that_ended(files: Files) -> None:
    routes = [route(preset("4000"), condition="true", targetPage="End Flow")]
    files["flows/Ask/Ask.json"] = {"name": "a", "displayName": "Ask", "transitionRoutes": routes}
    files[COLLECT]["transitionRoutes"] += [
        route({}, condition="a", targetFlow="Ask"), route({}, condition="b", targetPage="Pay"),
    ]  # fmt: skip


def by_a_flow_that_ended_and_was_begun_by_the_flow_itself(files: Files) -> None:
    routes = [route(preset("4000"), condition="true", targetPage="END_FLOW_WITH_FAILURE")]
    files["flows/Ask/Ask.json"] = {"name": "a", "displayName": "Ask", "transitionRoutes": routes}
    files[FLOW]["transitionRoutes"].append(route({}, intent="greet", targetFlow="Ask"))


def by_the_page_that_led_back(files: Files) -> None:
    files["flows/Booking/pages/Card.json"] = {
        "name": "c", "displayName": "Card", "form": {"parameters": [parameter("card", "@sys.any")]},
        "transitionRoutes": [route({}, condition="true", targetPage="Previous Page")],
    }  # fmt: skip
    files[COLLECT]["transitionRoutes"] += [
        route({}, condition="a", targetPage="Card"), route({}, condition="b", targetPage="Pay"),
    ]  # fmt: skip


def by_a_page_that_led_to_the_start(files: Files) -> None:
    files[COLLECT]["form"]["parameters"].append(parameter("card", "@sys.any"))
    files[COLLECT]["eventHandlers"] = [handler("x", targetPage="Start Page")]


def by_a_group(files: Files) -> None:
    group = {"displayName": "G", "transitionRoutes": [route(preset("4000"), condition="a", targetPage="Pay")]}
    files["flows/Booking/transitionRouteGroups/G.json"] = group
    files[COLLECT]["transitionRouteGroups"] = ["G"]


def by_a_prompt(files: Files) -> None:
    reprompt = [handler("sys.no-match-1", preset("4000"))]
    asked = {"fillBehavior": {"initialPromptFulfillment": {}, "repromptEventHandlers": reprompt}}
    files[COLLECT]["form"]["parameters"][0] |= asked
    files[COLLECT]["transitionRoutes"].append(route({}, condition="x", targetPage="Pay"))


WAYS = [
    on_the_route, at_the_place, in_the_flow, by_the_intent, by_a_form_before, by_a_route_that_stays,
    by_an_event_of_the_flow, by_a_generator, from_outside, by_a_flexible_webhook,
    by_a_webhook_of_others, by_a_playbook, by_a_flow_that_ended,
    by_a_flow_that_ended_and_was_begun_by_the_flow_itself, by_the_page_that_led_back, by_a_page_that_led_to_the_start,
    by_a_group, by_a_prompt,
]  # fmt: skip


def test_a_parameter_that_nothing_sets_is_found(bench: Bench) -> None:
    [finding] = bench(paying, app=bench.app(PAY_APP))

    assert (finding.code, finding.place, finding.about) == ("CX301", "Booking > Pay > entry", "pay card")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
def test_a_parameter_that_is_set_on_a_way_is_there(way: Any, bench: Bench) -> None:
    assert bench.codes(paying, way, app=bench.app(PAY_APP)) == []


def removed(files: Files) -> None:
    files[FLOW]["transitionRoutes"][-1]["triggerFulfillment"] = preset(None)


def behind(files: Files) -> None:
    files[PAY]["transitionRoutes"] = [route(preset("4000"), condition="true", targetPage="Done")]


def of_its_own_form(files: Files) -> None:
    files[PAY]["form"] = {"parameters": [parameter("card", "@sys.any")]}


@pytest.mark.parametrize("way", [removed, behind, of_its_own_form], ids=lambda way: str(way.__name__))
def test_what_is_set_elsewhere_does_not_help(way: Any, bench: Bench) -> None:
    assert bench.codes(paying, way, app=bench.app(PAY_APP)) == ["CX301"]


def test_a_page_that_no_way_leads_to_is_left_alone(bench: Bench) -> None:
    def change(files: Files) -> None:
        paying(files)
        files[FLOW]["transitionRoutes"].pop()

    assert bench.codes(change, app=bench.app(PAY_APP)) == []


@pytest.mark.parametrize(
    ("replied", "codes"),
    [
        ('return Reply("x", parameters={"card": "1"})', []),
        ('return Reply("x", parameters={CARD: "1"})', []),
        ('return Reply("x", parameters={"other": "1"})', ["CX301"]),
        ('return Reply("x", parameters=None)', ["CX301"]),
        ('return Reply("x", parameters={**made()})', []),
        ('return Reply("x", parameters=made())', []),
        ('return Reply("x", **made())', []),
        ("return made()", []),
        ("return Reply('a') if ctx.text else f'{1}' + 'b'", ["CX301"]),
        ("return Reply('a') if ctx.text else made()", []),
        ("return", ["CX301"]),
        ("answer = Reply('a')\n    return answer", ["CX301"]),
        ("answer = Reply('a')\n    answer, ctx.x = made(), 1\n    return answer", []),
        ("answer = ctx.x = Reply('a')\n    return answer", ["CX301"]),
        ("answer = made()\n    return answer", []),
        ("return ctx.state['answer']", []),
    ],
)
def test_what_a_reply_sets_is_read_from_its_source(replied: str, codes: list[str], bench: Bench) -> None:
    helpers = 'CARD = "card"\n\n\ndef made():\n    return {}\n\n\n'
    pay = f'@webhook.handler("ask")\ndef ask(ctx):\n    {replied}\n\n\nclass State'

    def change(files: Files) -> None:
        paying(files)
        files[PAY]["entryFulfillment"] = call("ask")
        files[PAY]["transitionRoutes"] = [route(call("pay"), condition="true")]

    assert (
        bench.codes(change, app=bench.app(PAY_APP, ("class Stay(", f"{helpers}class Stay("), ("class State", pay)))
        == codes
    )


def test_a_middleware_may_set_parameters(bench: Bench) -> None:
    source = '@webhook.middleware\ndef around(call):\n    yield\n    return Reply(parameters={"card": "1"})\n\n\n'
    wrap = ("class State", f"{source}class State")

    def change(files: Files) -> None:
        paying(files)
        files[FLOW]["transitionRoutes"][-1]["triggerFulfillment"] = {}
        files[PAY]["entryFulfillment"] = call("hello")
        files[PAY]["transitionRoutes"] = [route(call("pay"), condition="true")]

    assert bench.codes(change, app=bench.app(PAY_APP, wrap)) == []
    assert bench.codes(change, app=bench.app(PAY_APP)) == ["CX301"]


def test_a_reply_leads_to_the_pages_that_it_names(bench: Bench) -> None:
    def change(files: Files) -> None:
        files["flows/Pay/Pay.json"] = {"name": "0b", "displayName": "Pay", "eventHandlers": [handler("webhook.error")]}
        files["flows/Pay/pages/Pay.json"] = {"name": "0c", "displayName": "Pay", "entryFulfillment": call("pay")}

    def codes(target: str) -> list[str]:
        sends = (
            f'@webhook.handler("hello")\ndef hello(ctx):\n    return Reply("x", {target})\n\n\n@webhook.handler("book")'
        )
        hello = '@webhook.handler("hello")\ndef hello(ctx) -> str:\n    return "Hello!"\n\n\n@webhook.handler("book")'
        return bench.codes(change, app=bench.app(PAY_APP, (hello, sends)))

    assert codes("target_page=None") == []  # nothing leads to the page
    assert codes('target_page=ctx.agent.page("0b", "0c")') == ["CX301"]
    assert codes('target_flow=ctx.agent.flow("0b")') == []
    assert codes('target_page="projects/p/locations/l/agents/a/flows/0b/pages/0c"') == ["CX301"]
    assert codes('target_page=ctx.agent.page("0b", page_id=ctx.text)') == []


FITTING = [
    ("SysDate", "@sys.date"), ("str", "@sys.any"), ("str", "@room"), ("int", "@sys.number-integer"),
    ("float", "@sys.number"), ("SysNumberInteger", "@sys.number"), ("SysPerson", "@sys.person"),
    ("SysUnitCurrency", "@sys.unit-currency"), ("SysDateTime", "@sys.date-time"), ("dict", "@sys.date"),
    ("Any", "@sys.duration"), ("str", "@sys.number-sequence"), ("str | None", "@sys.email"), ("str", "@composite"),
    ("dict", "@composite"), ("SysPhoneNumber", "@sys.phone-number"), ("SysDate", "@room"), ("Open", "@sys.unit-length"),
]  # fmt: skip
WRONG = [
    ("SysDate", "@sys.number"), ("str", "@sys.date"), ("int", "@sys.date"), ("bool", "@sys.number"),
    ("SysPerson", "@sys.date"), ("list[str]", "@sys.date"), ("int", "@room"), ("SysUnitCurrency", "@sys.person"),
    ("int", "@composite"),
]  # fmt: skip


def typed(bench: Bench, annotation: str, entity_type: str, **more: Any) -> list[str]:
    def change(files: Files) -> None:
        paying(files)
        files["entityTypes/composite/composite.json"] = {"displayName": "composite", "kind": "KIND_LIST"}
        files[COLLECT]["form"]["parameters"].append(parameter("card", entity_type, **more))
        files[COLLECT]["transitionRoutes"].append(route({}, condition="x", targetPage="Pay"))

    imports = (
        "from typing import Any, Literal\n\nfrom pydantic import ConfigDict\n\n"
        "from cxfulfill.parameters.entities import *\n"
    )
    opened = 'class Open(BaseModel):\n    model_config = ConfigDict(extra="allow")\n\n\nclass Paid('
    changes = (("from typing import Literal\n", imports), ("card: str", f"card: {annotation}"), ("class Paid(", opened))
    return bench.codes(change, app=bench.app(PAY_APP, *changes))


@pytest.mark.parametrize(("annotation", "entity_type"), FITTING)
def test_types_that_fit_are_no_finding(annotation: str, entity_type: str, bench: Bench) -> None:
    assert typed(bench, annotation, entity_type) == []


@pytest.mark.parametrize(("annotation", "entity_type"), WRONG)
def test_types_that_do_not_fit_are_found(annotation: str, entity_type: str, bench: Bench) -> None:
    assert typed(bench, annotation, entity_type) == ["CX302"]


def test_a_list_is_an_entity_type_of_its_own(bench: Bench) -> None:
    assert typed(bench, "list[str]", "@room", isList=True) == []
    assert typed(bench, "str", "@room", isList=True) == ["CX302"]


def test_the_values_of_an_entity_type_are_those_of_the_field(bench: Bench) -> None:
    assert typed(bench, 'Literal["single", "double"]', "@room") == []
    assert typed(bench, 'Literal["single"]', "@room") == ["CX303"]
    assert typed(bench, 'Literal["single"] | Literal["double"] | None', "@room") == []
    assert typed(bench, 'Literal["single"] | str', "@room") == []
    assert typed(bench, 'Literal["single"]', "@sys.any") == []


@pytest.mark.parametrize(
    ("value", "codes"),
    [(5, []), ("5", ["CX302"]), ("$session.params.x", []), ([5], ["CX302"]), ({"a": 1}, ["CX302"]), (True, ["CX302"])],
)
def test_a_preset_has_the_type_of_its_value(value: Any, codes: list[str], bench: Bench) -> None:
    def change(files: Files) -> None:
        paying(files)
        files[PAY]["entryFulfillment"] |= preset(value)

    assert bench.codes(change, app=bench.app(PAY_APP, ("card: str", "card: int"))) == codes


def test_marshmallow_is_read_as_well(bench: Bench) -> None:
    schema = (
        "class Paid(BaseModel):\n    card: str\n",
        'class Paid(Schema):\n    number = ma.String(required=True, data_key="card")\n    tip = ma.Integer()\n',
    )
    named = (
        '@webhook.handler("pay")\ndef pay(ctx, paid: Paid)',
        '@webhook.handler("pay", params=Paid)\ndef pay(ctx, paid)',
    )

    assert bench.codes(paying, app=bench.app(PAY_APP, schema, named)) == ["CX301"]
    assert bench.codes(paying, on_the_route, app=bench.app(PAY_APP, schema, named)) == []
    assert bench.codes(paying, by_a_date, app=bench.app(PAY_APP, schema, named)) == ["CX302"]


def by_a_date(files: Files) -> None:
    files["intents/pay/pay.json"]["parameters"] = [{"id": "card", "entityType": "@sys.date"}]


def test_an_application_without_types_requires_nothing(bench: Bench) -> None:
    assert bench.codes(app=bench.app(("stay: Stay", "stay"), ("wanted: Wanted", "wanted"))) == []
    assert field_shapes(PlainSchema()) == {}


def test_a_handler_of_any_parameters_requires_none(bench: Bench) -> None:
    assert bench.codes(paying, app=bench.app(PAY_APP, ("paid: Paid", "paid: dict"))) == []


def test_another_name_of_a_parameter_is_as_good(bench: Bench) -> None:
    alias = ("card: str", 'card: str = Field(validation_alias=AliasChoices("payment", "card"))')
    imported = ("from pydantic import BaseModel", "from pydantic import AliasChoices, BaseModel")

    assert bench.codes(paying, on_the_route, app=bench.app(PAY_APP, alias, imported)) == []
    assert bench.codes(paying, app=bench.app(PAY_APP, alias, imported)) == ["CX301"]


@pytest.mark.parametrize("answer", [eval("lambda ctx: None"), lambda ctx: None, Callable()])
def test_a_handler_whose_source_cannot_be_read_may_set_anything(answer: Any, bench: Bench) -> None:
    webhook = bench.app(PAY_APP, ('@webhook.handler("hello")\n', ""))
    webhook.add_handler("hello", answer)

    def change(files: Files) -> None:
        paying(files)
        files[PAY]["entryFulfillment"] = call("hello")
        files[PAY]["transitionRoutes"] = [route(call("pay"), condition="true")]

    assert bench.codes(change, app=webhook) == []
