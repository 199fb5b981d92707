"""Each code: the small agent has no finding, and one detail of it, or of the application, makes the finding."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import Webhook
from cxfulfill.agent.rules import RULES
from tests.agent.agents import (
    COLLECT,
    DONE_ID,
    FLOW,
    HOTEL,
    ORDERS,
    QUOTES,
    Bench,
    Change,
    Files,
    call,
    handler,
    parameter,
    route,
)

BASIC = 'BasicAuth("cx", "a-long-random-password")'
Case = Callable[[Bench], tuple[list[Change], Webhook | None, dict[str, Any]]]


def agent(change: Change) -> Case:
    return lambda bench: ([change], None, {})


def app(*changes: tuple[str, str]) -> Case:
    return lambda bench: ([], bench.app(*changes), {})


def both(change: Change, *changes: tuple[str, str]) -> Case:
    return lambda bench: ([change], bench.app(*changes), {})


def on_flow(*routes: dict[str, Any]) -> Change:
    return lambda files: files[FLOW]["transitionRoutes"].extend(routes)


def handled(*handlers: dict[str, Any]) -> Change:
    return lambda files: files[FLOW]["eventHandlers"].extend(handlers)


def service(webhook: str, **settings: Any) -> Change:
    def change(files: Files) -> None:
        own = files[webhook]["genericWebService"]
        own.update(settings)
        for name in [name for name, value in settings.items() if value is None]:
            del own[name]

    return change


def member(file: str, **members: Any) -> Change:
    return lambda files: files[file].update(members)


def form(*parameters: dict[str, Any]) -> Change:
    return member(COLLECT, form={"parameters": list(parameters)})


def unused(files: Files) -> None:
    files["webhooks/Old.json"] = {**files[HOTEL], "displayName": "Old"}


def outdated(bench: Bench) -> tuple[list[Change], Webhook | None, dict[str, Any]]:
    source = 'class Pages:\n    DONE = "0a000000-0000-4000-8000-00000000dead"\n'
    return [], None, {"names": bench.module(source).__name__}


SLOW = ('@webhook.handler("hello")', '@webhook.handler("hello", timeout=4.9, deferred=True, pending="One moment.")')
NARROW = ('@webhook.handler("hello")', '@webhook.handler("hello", intent="book")')

BAD: Mapping[str, Case] = {
    "CX101": agent(on_flow(route(call("hello", "Gone"), condition="true"))),
    "CX102": agent(on_flow(route({}, condition="true", targetPage="Gone"))),
    "CX103": agent(on_flow(route({}, condition="true", targetFlow="Gone"))),
    "CX104": agent(on_flow(route({}, intent="gone"))),
    "CX105": agent(form(parameter("arrival", "@sys.date"), parameter("room", "@gone"))),
    "CX106": agent(member(COLLECT, transitionRouteGroups=["Gone"])),
    "CX107": agent(on_flow(route({"webhook": "Hotel"}, condition="true"))),
    "CX108": agent(unused),
    "CX201": agent(on_flow(route(call("pay"), condition="true"))),
    "CX202": both(
        on_flow(route(call("pay"), condition="true")),
        ("class State", '@webhook.fallback\ndef other(ctx):\n    return "?"\n\n\nclass State'),
    ),
    "CX203": app(("class State", '@webhook.handler("pay")\ndef pay(ctx):\n    return "Paid"\n\n\nclass State')),
    "CX204": agent(on_flow(route(call("Hello "), condition="true"))),
    "CX205": app(NARROW),
    "CX206": app(('page="Done"', 'page=["Done", "Gone"]')),
    "CX301": agent(form(parameter("room", "@room"))),
    "CX302": agent(form(parameter("arrival", "@sys.number"), parameter("room", "@room"))),
    "CX303": agent(member("entityTypes/room/entities/en.json", entities=[{"value": "double"}, {"value": "suite"}])),
    "CX401": app((DONE_ID, "0a000000-0000-4000-8000-00000000dead")),
    "CX402": app(('event="again"', 'event="gone"')),
    "CX403": outdated,
    "CX501": agent(on_flow(route(call("hello"), condition="true", targetPage="Done"))),
    "CX502": agent(member(FLOW, eventHandlers=[handler("again"), handler("webhook.error.timeout")])),
    "CX503": agent(handled(handler("webhook.error.timeout", call("hello")))),
    "CX504": app(SLOW),
    "CX505": agent(member(HOTEL, timeout={"seconds": 3, "nanos": 500_000_000})),
    "CX601": agent(service(HOTEL, uri="http://hotel.example/webhook")),
    "CX602": lambda bench: (
        [service(each, secretVersionForUsernamePassword=None, serviceAgentAuth="NONE") for each in (HOTEL, ORDERS)],
        bench.app((BASIC, "AllowUnauthenticated()")),
        {},
    ),
    "CX603": app((BASIC, 'GoogleIdToken(audience="https://hotel.example/webhook", project_number=1)')),
    "CX604": agent(
        service(HOTEL, username="cx", password="a-long-random-password", secretVersionForUsernamePassword=None)
    ),
    "CX605": agent(service(HOTEL, uri="https://hotel.example/hook")),
    "CX606": agent(member(HOTEL, disabled=True)),
    "CX701": agent(service(ORDERS, uri="https://hotel.example/order/$session.params.reference")),
    "CX702": agent(service(ORDERS, httpMethod="DELETE")),
    "CX703": agent(service(QUOTES, requestBody="{}")),
    "CX704": agent(service(ORDERS, parameterMapping=[{"key": "status", "value": "$.state"}])),
    "CX705": agent(service(QUOTES, requestBody='["$session.params.nights"]')),
    "CX706": app(("class Wanted", '@webhook.flexible("/x")\ndef idle(ctx):\n    return {}\n\n\nclass Wanted')),
}


def test_every_code_has_a_case() -> None:
    assert list(BAD) == list(RULES)


def test_the_small_agent_has_no_finding(bench: Bench) -> None:
    assert bench() == []


@pytest.mark.parametrize("code", BAD)
def test_a_bad_agent_has_the_finding(code: str, bench: Bench) -> None:
    changes, webhook, options = BAD[code](bench)

    findings = bench(*changes, app=webhook, **options)

    assert code in {finding.code for finding in findings}
    assert len({(finding.code, finding.fingerprint) for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.place
        assert finding.problem.endswith(".")
        assert "a-long-random-password" not in repr(finding)


BESIDES: Mapping[str, set[str]] = {
    "CX205": {"CX203"},  # nothing else calls it
    "CX701": {"CX706"},  # nor the route
}


@pytest.mark.parametrize("code", BAD)
def test_it_is_the_only_code(code: str, bench: Bench) -> None:
    changes, webhook, options = BAD[code](bench)

    assert set(bench.codes(*changes, app=webhook, **options)) == {code, *BESIDES.get(code, ())}


def test_the_places_are_told(bench: Bench) -> None:
    [finding] = bench(on_flow(route(call("pay"), condition="true")))

    assert (finding.place, finding.about, finding.file) == ("Booking > Start Page > route true", "pay", FLOW)


def test_a_handler_is_told_with_its_line(bench: Bench) -> None:
    webhook = bench.app((DONE_ID, "0a000000-0000-4000-8000-00000000dead"))

    [finding] = bench(app=webhook)

    assert finding.is_in_app
    assert finding.file.endswith(".py")
    assert "sibling" in Path(finding.file).read_text(encoding="utf-8").splitlines()[finding.line - 1]
