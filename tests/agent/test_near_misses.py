"""What looks like a finding and is none, and what does not look like one and is."""

import json
from typing import Any

import pytest
import yaml

from cxfulfill.agent.rules import RULES, SECTIONS
from cxfulfill.errors import ConfigurationError
from cxfulfill.openapi import describe, for_tools
from tests.agent.agents import (
    APP,
    COLLECT,
    COLLECT_ID,
    DONE,
    DONE_ID,
    FLOW,
    FLOW_ID,
    HOTEL,
    INTENT_ID,
    ORDERS,
    QUOTES,
    Bench,
    Files,
    call,
    handler,
    route,
)

HELLO = '@webhook.handler("hello")'
CLASS = "class State"
AGENT = "projects/p/locations/l/agents/a"


def added(source: str) -> tuple[str, str]:
    return CLASS, f"{source}\n\n\n{CLASS}"


@pytest.mark.parametrize("symbol", ["End Session", "START_PAGE", "END_FLOW_WITH_CANCELLATION", "Previous Page"])
def test_symbolic_pages_are_always_there(symbol: str, bench: Bench) -> None:
    assert bench.codes(lambda files: files[DONE]["transitionRoutes"].append(route({}, targetPage=symbol))) == []


def test_a_page_of_another_flow_is_not_there(bench: Bench) -> None:
    def change(files: Files) -> None:
        files["flows/Other/Other.json"] = {"name": "o", "displayName": "Other"}
        files["flows/Other/pages/Far.json"] = {"name": "f", "displayName": "Far"}
        files[DONE]["eventHandlers"] = [handler("x", targetPage="Far")]

    [finding] = bench(change)

    assert (finding.code, finding.place, finding.about) == ("CX102", "Booking > Done > event x", "Far")


def test_groups_are_looked_for_where_they_are_listed(bench: Bench) -> None:
    def change(files: Files) -> None:
        files["agentTransitionRouteGroups/G.json"] = {
            "displayName": "G", "transitionRoutes": [route({}, intent="gone"), route({}, targetPage="Anywhere")],
        }  # fmt: skip
        files[COLLECT] |= {"agentTransitionRouteGroups": ["G"], "transitionRouteGroups": ["G"]}

    found = {(finding.code, finding.place) for finding in bench(change)}

    assert found == {("CX104", "group G > route gone"), ("CX106", "Booking > Collect")}


def test_system_entity_types_are_always_there_and_intents_are_looked_at(bench: Bench) -> None:
    parameters = [{"id": "a", "entityType": "@sys.new"}, {"id": "b", "entityType": "@gone"}, {"id": "c"}]

    [finding] = bench(lambda files: files["intents/greet/greet.json"].update(parameters=parameters))

    assert (finding.code, finding.place) == ("CX105", "intent greet > parameter b")


def test_a_flexible_webhook_needs_no_tag(bench: Bench) -> None:
    assert bench.codes(lambda files: files[DONE]["transitionRoutes"][0]["triggerFulfillment"].update(tag="")) == []


@pytest.mark.parametrize("tag", ["hel*", "*lo", "h*o"])
def test_a_pattern_handles_a_tag(tag: str, bench: Bench) -> None:
    assert bench.codes(app=bench.app((HELLO, f'@webhook.handler("{tag}")'))) == []


def test_two_spellings_that_are_both_handled_are_fine(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["transitionRoutes"].append(route(call("Hello"), condition="true"))

    assert bench.codes(change, app=bench.app((HELLO, '@webhook.handler(["hello", "Hello"])'))) == []


def test_two_spellings_without_a_handler_are_one_of_each(bench: Bench) -> None:
    def change(files: Files) -> None:
        routes = [route(call(tag), condition="true") for tag in ("pay_it", "pay_it", "pay-it")]
        files[FLOW]["transitionRoutes"] += routes

    found = [(finding.code, finding.about) for finding in bench(change)]

    assert found == [("CX201", "pay_it"), ("CX204", "pay-it")]


@pytest.mark.parametrize(
    "narrowing",
    [
        'page="Start Page"',  # may be on that page
        f'page="{AGENT}/flows/{FLOW_ID}/pages/{COLLECT_ID}"',
        f'flow="{FLOW_ID}"',
        f'flow="{AGENT}/flows/{FLOW_ID}"',
        'intent="greet"',
        f'intent="{INTENT_ID}"',
        f'intent="{AGENT}/intents/{INTENT_ID}"',
        'language="de"',
        f'page="Done", flow="{FLOW_ID}", intent="greet"',
    ],
)
def test_a_narrowing_that_may_take_the_call_is_fine(narrowing: str, bench: Bench) -> None:
    assert bench.codes(app=bench.app((HELLO, f'@webhook.handler("hello", {narrowing})'))) == []


@pytest.mark.parametrize("narrowing", ['intent="book"', 'event="again"', f'page="{COLLECT_ID}", intent="book"'])
def test_a_narrowing_that_does_not_take_the_call_is_found(narrowing: str, bench: Bench) -> None:
    assert bench.codes(app=bench.app((HELLO, f'@webhook.handler("hello", {narrowing})'))) == ["CX203", "CX205"]


def test_an_intent_may_have_been_matched_before_an_event(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["eventHandlers"][1] = handler("again", call("once"))

    narrowed = '@webhook.handler("once", intent="greet")\ndef narrow(ctx):\n    return "x"'

    assert bench.codes(change, app=bench.app(added(narrowed))) == []


def test_an_event_narrows_its_handler(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["eventHandlers"][1] = handler("again", call("hello"))
        files[FLOW]["eventHandlers"].append(handler("other"))

    narrowed = '@webhook.handler("hello", event="{}")\ndef narrow(ctx):\n    return "x"'

    assert bench.codes(change, app=bench.app(added(narrowed.format("again")))) == []
    assert bench.codes(change, app=bench.app(added(narrowed.format("other")))) == ["CX203"]


@pytest.mark.parametrize(
    ("narrowing", "about"),
    [
        ('page="Gone"', "page Gone"),
        ('flow="Booking"', "flow Booking"),
        ('intent="gone"', "intent gone"),
        ('event="gone"', "event gone"),
    ],
)
def test_a_narrowing_to_what_is_not_there_is_told(narrowing: str, about: str, bench: Bench) -> None:
    source = f'@webhook.handler("hello", {narrowing})\ndef narrow(ctx):\n    return "x"'

    found = bench(app=bench.app(added(source)))

    assert [finding.about for finding in found if finding.code == "CX206"] == [about]


def test_a_call_in_a_group_that_no_page_lists_may_reach_any_handler(bench: Bench) -> None:
    group = {"displayName": "G", "transitionRoutes": [route(call("done"), condition="true")]}

    assert bench.codes(lambda files: files.update({"flows/Booking/transitionRouteGroups/G.json": group})) == []


@pytest.mark.parametrize(
    ("target", "codes"),
    [
        (f'ctx.page.sibling("{COLLECT_ID}")', []),
        ('ctx.page.sibling("END_SESSION")', []),
        ('ctx.page.sibling("Collect")', ["CX401"]),
        (f'ctx.page.sibling(page_id="{FLOW_ID[:-1]}9")', ["CX401"]),
        (f'ctx.agent.page("{FLOW_ID}", "{DONE_ID}")', []),
        (f'ctx.agent.page("{FLOW_ID}", "{FLOW_ID}")', ["CX401"]),
        (f'ctx.agent.page("{DONE_ID}", "{DONE_ID}")', ["CX401"]),
        ("ctx.page.sibling(IDS.DONE)", []),
        ("ctx.page.sibling(IDS.GONE)", ["CX401"]),
        ("ctx.page.sibling(IDS.unknown)", []),
        ("ctx.page.sibling(ctx.text)", []),
        ("ctx.page.sibling(str(5))", []),
        ("ctx.page.sibling(5)", []),
        (f'"{AGENT}/flows/{FLOW_ID}/pages/{DONE_ID}"', []),
        (f'"{AGENT}/flows/{FLOW_ID}/pages/END_SESSION"', []),
        (f'"{AGENT}/flows/{FLOW_ID}/pages/gone"', ["CX401"]),
        ('"what is this"', []),
        ("sorted([ctx.page.sibling('END_FLOW')])[0]", []),
        ('ctx.brochure.page("x", "y")', []),
        ('page("x", "y")', []),
    ],
)
def test_pages_in_replies_are_found_where_they_can_be_told(target: str, codes: list[str], bench: Bench) -> None:
    ids = f'class IDS:\n    DONE = "{DONE_ID}"\n    GONE = "gone"\n\n\ndef page(a, b):\n    return a'
    other = f"def other(ctx):\n    return Reply(target_page={target})"

    assert bench.codes(app=bench.app(added(ids), ("class Wanted", f"{other}\n\n\nclass Wanted"))) == codes


def test_flows_in_replies_are_found(bench: Bench) -> None:
    def codes(target: str) -> list[str]:
        return bench.codes(app=bench.app(added(f"def other(ctx):\n    return Reply(target_flow={target})")))

    assert codes(f'ctx.agent.flow("{FLOW_ID}")') == []
    assert codes('ctx.agent.flow("gone")') == ["CX401"]
    assert codes(f'"{AGENT}/flows/gone"') == ["CX401"]


def test_a_module_of_names_that_is_up_to_date_is_no_finding(bench: Bench) -> None:
    source = f'''
from cxfulfill import Reply
_HIDDEN = "0a000000-0000-4000-8000-00000000dead"
VERSION = "1.0"
COUNT = 3
FLOWS = {{"Booking": "{FLOW_ID}", 5: 6}}


class Pages:
    class Booking:
        DONE = "{AGENT}/flows/{FLOW_ID}/pages/{DONE_ID}"
'''
    gone = source.replace(DONE_ID, "0a000000-0000-4000-8000-00000000dead")
    stale = source.replace(f'"{FLOW_ID}", 5', '"0a000000-0000-4000-8000-00000000dead", 5')

    assert bench.codes(names=bench.module(source).__name__) == []
    assert [each.about for each in bench(names=bench.module(gone).__name__)] == ["Pages.Booking.DONE"]
    assert [each.about for each in bench(names=bench.module(stale).__name__)] == ["FLOWS['Booking']"]


def test_an_error_is_handled_by_the_page_or_by_the_flow(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["eventHandlers"] = [handler("again")]
        files[DONE]["eventHandlers"] = [handler("webhook.error")]

    assert {finding.place for finding in bench(change)} == {"Booking > Start Page", "Booking > Collect"}


def test_a_group_is_judged_by_the_pages_that_list_it(bench: Bench) -> None:
    def change(files: Files) -> None:
        files["flows/Other/Other.json"] = {"name": "o", "displayName": "Other"}
        files["flows/Other/pages/Far.json"] = {"name": "f", "displayName": "Far", "agentTransitionRouteGroups": ["G"]}
        files["agentTransitionRouteGroups/G.json"] = {
            "displayName": "G", "transitionRoutes": [route(call("hello"), intent="greet")],
        }  # fmt: skip
        files[COLLECT]["agentTransitionRouteGroups"] = ["G"]

    assert [(each.code, each.place) for each in bench(change)] == [("CX502", "Other > Far")]


@pytest.mark.parametrize(
    ("fulfillment", "codes"),
    [
        ({"returnPartialResponses": True, "messages": [{"text": {"text": ["One moment."]}}]}, []),
        ({"returnPartialResponses": True}, ["CX504"]),
        ({"messages": [{"text": {"text": ["One moment."]}}]}, ["CX504"]),
    ],
)
@pytest.mark.parametrize("options", ["timeout=20", "deferred=True, pending='One moment.'"])
def test_slow_work_is_announced(options: str, fulfillment: dict[str, Any], codes: list[str], bench: Bench) -> None:
    def change(files: Files) -> None:
        files[FLOW]["transitionRoutes"][0]["triggerFulfillment"] |= fulfillment
        files[HOTEL]["timeout"] = {"seconds": 30}

    assert bench.codes(change, app=bench.app((HELLO, f'@webhook.handler("hello", {options})'))) == codes


def test_http_is_fine_within_service_directory(bench: Bench) -> None:
    def change(files: Files) -> None:
        service = files[HOTEL].pop("genericWebService")
        inner = {**service, "uri": "http://hotel.example/webhook"}
        files[HOTEL]["serviceDirectory"] = {"service": "s", "genericWebService": inner}

    assert bench.codes(change) == []


BASIC = 'auth=BasicAuth("cx", "a-long-random-password")'


@pytest.mark.parametrize(
    ("auth", "service", "codes"),
    [
        ('AnyOf(BasicAuth("cx", "a-long-random-password"), HeaderSecret("X-Key", "a-long-random-secret"))', {}, []),
        (
            'HeaderSecret("X-Key", "a-long-random-secret")',
            {"secretVersionsForRequestHeaders": [{"key": "x-key", "value": {"secretVersion": "v"}}]},
            [],
        ),
        ('HeaderSecret("X-Key", "a-long-random-secret")', {}, ["CX603"]),
        (
            'AllOf(BasicAuth("cx", "a-long-random-password"), HeaderSecret("X-Key", "a-long-random-secret"))',
            {},
            ["CX603"],
        ),
        ("AllowUnauthenticated()", {}, []),
    ],
)
def test_what_the_application_accepts_is_what_the_webhook_sends(
    auth: str, service: dict[str, Any], codes: list[str], bench: Bench
) -> None:
    def change(files: Files) -> None:
        for name in (HOTEL, ORDERS, QUOTES):
            own = files[name]["genericWebService"]
            headers = [*own.get("requestHeaders", []), *service.get("requestHeaders", [])]
            own |= {**service, "requestHeaders": headers}

    imported = ("BasicAuth, GoogleIdToken", "AllOf, AnyOf, BasicAuth, GoogleIdToken, HeaderSecret")
    found = bench.codes(change, app=bench.app(imported, (BASIC, f"auth={auth}")))

    assert sorted(set(found)) == codes


def test_a_header_that_is_no_secret_proves_nothing(bench: Bench) -> None:
    def change(files: Files) -> None:
        own = files[HOTEL]["genericWebService"]
        del own["secretVersionForUsernamePassword"]
        own |= {"serviceAgentAuth": "NONE", "requestHeaders": [{"key": "X-Lang", "value": "en"}]}

    open_to_all = bench.app((BASIC, "auth=AllowUnauthenticated()"))
    by_header = (
        BASIC,
        'auth=AnyOf(HeaderSecret("X-Lang", "a-long-random-secret"), BasicAuth("c", "a-long-random-word"))',
    )
    imported = ("BasicAuth, GoogleIdToken", "AnyOf, BasicAuth, GoogleIdToken, HeaderSecret")

    assert bench.codes(change, app=open_to_all) == ["CX602"]
    assert bench.codes(change, app=bench.app(imported, by_header)) == []


def test_the_application_may_be_at_the_root(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[HOTEL]["genericWebService"]["uri"] = "https://hotel.example"

    assert bench.codes(change, app=bench.app((BASIC, f'{BASIC}, path="/"'))) == []


def test_a_route_may_have_an_authentication_of_its_own(bench: Bench) -> None:
    own = ('"/orders/<id>",', '"/orders/<id>", auth=GoogleIdToken(audience="https://x.example/", project_number=1),')

    [finding] = bench(app=bench.app(own))

    assert (finding.code, finding.place) == ("CX603", "webhook Orders")
    assert finding.problem == (
        "It sends Basic in authorization; the application wants Google ID token in authorization."
    )


def test_the_application_may_be_behind_a_prefix(bench: Bench) -> None:
    def change(files: Files) -> None:
        for name in (HOTEL, ORDERS, QUOTES):
            service = files[name]["genericWebService"]
            service["uri"] = service["uri"].replace("hotel.example/", "hotel.example/cx/v1/")

    assert bench.codes(change) == []


def test_webhooks_of_others_are_left_alone(bench: Bench) -> None:
    def change(files: Files) -> None:
        for name, kind in (("Sms", "FLEXIBLE"), ("Erp", "STANDARD")):
            service = {"uri": f"https://{name}.example/x", "webhookType": kind, "serviceAgentAuth": "NONE"}
            files[f"webhooks/{name}.json"] = {"displayName": name, "genericWebService": service}
            files[FLOW]["transitionRoutes"].append(route(call("x", name), condition="true"))

    assert bench.codes(change) == []
    assert "CX605" in bench.codes(change, chosen=["Erp"])
    assert "CX701" in bench.codes(change, chosen=["Hotel", "Sms"])


def test_a_chosen_webhook_is_there(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="the agent has no webhook 'Gone'"):
        bench(chosen=["Gone"])


def flexible_alone(files: Files) -> None:
    del files[HOTEL]
    files[FLOW]["transitionRoutes"].pop(0)
    files[COLLECT]["transitionRoutes"] = [route({}, targetPage="Done")]
    del files[DONE]["entryFulfillment"]


def test_an_agent_of_flexible_webhooks_alone_is_checked(bench: Bench) -> None:
    assert sorted(set(bench.codes(flexible_alone))) == ["CX203"]


def test_flexible_webhooks_of_others_are_left_alone_where_there_is_no_standard_one(bench: Bench) -> None:
    def change(files: Files) -> None:
        flexible_alone(files)
        service = {"uri": "https://sms.example/send", "webhookType": "FLEXIBLE", "serviceAgentAuth": "NONE"}
        files["webhooks/Sms.json"] = {"displayName": "Sms", "genericWebService": service}
        files[FLOW]["transitionRoutes"].append(route({"webhook": "Sms"}, condition="true"))

    def lost(files: Files) -> None:
        change(files)
        for name in (ORDERS, QUOTES):
            files[name]["genericWebService"]["uri"] = "https://hotel.example/gone"

    assert "CX701" not in bench.codes(change)
    assert bench.codes(lost).count("CX701") == 3


def test_standard_webhooks_are_of_others_where_the_application_has_flexible_routes_alone(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[HOTEL]["genericWebService"]["uri"] = "https://other.example/elsewhere"

    routes = "class State" + APP.partition("class State")[2]
    head = APP.partition("class Stay")[0]

    assert bench.codes(change, app=bench.app(source=head + routes)) == []
    assert "CX201" in bench.codes(app=bench.app(source=head + routes))


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"parameterMapping": [{"key": "status", "value": "status"}]}, []),
        ({"parameterMapping": [{"key": "a", "value": "$..status"}, {"key": "b", "value": "$.x[?(@.y == 1)]"}]}, []),
        ({"parameterMapping": [{"key": "a", "value": "$.status["}]}, ["CX704"]),
        ({"parameterMapping": [{"key": "a", "value": "nothing.here"}]}, ["CX704"]),
        ({"uri": "https://hotel.example/orders/5?x=1"}, []),
    ],
)
def test_response_configurations_are_read_as_cx_does(changes: dict[str, Any], codes: list[str], bench: Bench) -> None:
    assert bench.codes(lambda files: files[ORDERS]["genericWebService"].update(changes)) == codes


def test_paths_are_matched_whatever_a_variable_takes(bench: Bench) -> None:
    for converter in ("int:", "uuid:", "path:", "any(a,b):"):
        codes = bench.codes(app=bench.app(("/orders/<id>", f"/orders/<{converter}id>")))
        assert set(codes) <= ({"CX701", "CX706"} if converter.startswith("any") else set()), converter


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"requestHeaders": []}, ["lang"]),
        ({"requestBody": ""}, ["nights"]),
        ({"requestBody": "", "uri": "https://hotel.example/quotes?nights=$session.params.nights"}, []),
        ({"requestBody": "{nights}"}, [""]),
    ],
)
def test_what_a_route_requires_is_sent(changes: dict[str, Any], about: list[str], bench: Bench) -> None:
    found = bench(lambda files: files[QUOTES]["genericWebService"].update(changes))

    assert [finding.about for finding in found] == about


def test_a_body_goes_with_some_methods_only(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[ORDERS]["genericWebService"]["requestBody"] = "no JSON, and never sent"

    assert bench.codes(change) == []


def test_rules_are_sentences_and_codes_are_sorted() -> None:
    assert list(RULES) == sorted(RULES)
    assert sum(map(len, SECTIONS.values())) == len(RULES)
    for rule in RULES.values():
        assert rule.title[0].islower()
        assert rule.meaning.endswith(".")
        assert rule.advice.endswith(".")
        assert "|" not in rule.title + rule.meaning + rule.advice


def test_a_handler_whose_tag_another_application_gets_is_told_so(bench: Bench) -> None:
    def change(files: Files) -> None:
        files["webhooks/Shop.json"] = {
            "displayName": "Shop",
            "genericWebService": {"uri": "https://shop.example/cx", "serviceAgentAuth": "ID_TOKEN"},
        }
        files[FLOW]["transitionRoutes"].append(route(call("pay", "Shop"), condition="true"))

    app = bench.app(added('@webhook.handler("pay")\ndef pay(ctx):\n    return "Paid"'))

    [found] = bench(change, app=app)
    assert (found.code, found.problem) == (
        "CX203", "The agent calls 'pay' by 'Shop' alone, which does not lead to the application."
    )  # fmt: skip


PAY = ("class State", '@webhook.handler("pay-now")\ndef pay(ctx):\n    return "Paid"\n\n\nclass State')


def test_what_a_tool_of_a_playbook_describes_is_called(bench: Bench) -> None:
    app = bench.app(PAY)
    described = [for_tools(describe(app, **given)).document for given in ({"tag": "pay-now"}, {})]

    def change(files: Files) -> None:
        del files[ORDERS], files[QUOTES]
        files[DONE]["transitionRoutes"] = []
        for at, document in enumerate(described):
            files[f"tools/t{at}/schema.yaml"] = yaml.safe_dump(document, sort_keys=False)

    def without(files: Files) -> None:
        change(files)
        files["tools/t0/schema.yaml"] = files["tools/t1/schema.yaml"] = "paths: {}\n"

    assert bench.codes(change, app=app) == []
    assert bench.codes(without, app=app) == ["CX203", "CX706", "CX706"]


@pytest.mark.parametrize(("tag", "codes"), [("pay-now", []), ("pay-later", ["CX203", "CX701"])])
def test_a_flexible_webhook_may_make_standard_calls(tag: str, codes: list[str], bench: Bench) -> None:
    def change(files: Files) -> None:
        body = json.dumps({"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": {}}})
        service = {**files[HOTEL]["genericWebService"], "webhookType": "FLEXIBLE", "requestBody": body}
        files["webhooks/Pay.json"] = {"displayName": "Pay", "genericWebService": service}
        files[FLOW]["transitionRoutes"].append(route({"webhook": "Pay"}, condition="true"))

    assert bench.codes(change, app=bench.app(PAY)) == codes
