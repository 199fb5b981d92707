"""Dialogflow CX over a webhook of this process, as a test of a user has it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cxfulfill import (
    AllowUnauthenticated,
    Authenticator,
    BadRequest,
    BasicAuth,
    ByEnvironment,
    ConfigurationError,
    Context,
    FlexibleContext,
    GoogleIdToken,
    HeaderSecret,
    Idempotency,
    OAuthIntrospection,
    OAuthJwt,
    Principal,
    Reply,
    Webhook,
)
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.credentials import BasicCredential, HeaderCredential, NoCredential, OAuthCredential
from cxfulfill.simulator.cx import Cx
from cxfulfill.simulator.in_process import InProcess, InWsgi
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.session import AGENT, Session
from cxfulfill.simulator.telling import told
from cxfulfill.simulator.token_endpoint import TokenEndpoint
from cxfulfill.simulator.turns import Intent, Sentiment
from tests.pipeline.support import LIMIT, SOON
from tests.simulator.test_trusted import EACH, Make

PASSWORD = "Zg7-käse-41xB-9f2c"
OTHER = "Zg7-brot-41xB-9f2c"


class App(Webhook):
    """A webhook whose handler ``echo`` answers with what it has got."""

    def __init__(self, auth: Authenticator | None = None, **options: Any) -> None:
        super().__init__(auth=auth or BasicAuth("cx", PASSWORD), **options)
        self.runs: list[str] = []
        self.add_handler("echo", self.echo)
        self.add_handler("broken", self.broken)

    def echo(self, ctx: Context) -> Reply:
        self.runs.append(ctx.text or ctx.event or ctx.digits or "")
        return Reply(f"{ctx.text}/{ctx.event}/{ctx.digits}/{ctx.intent.display_name if ctx.intent else None}")

    def broken(self, ctx: Context) -> Reply:
        if ctx.parameters.get("refuse"):
            raise BadRequest(reason="no_such_room", detail="There is no such room.", note="see the rooms")
        raise LookupError("canary-5d0e")


@pytest.fixture
def app() -> Iterator[App]:
    made = App()
    yield made
    made.close()


@pytest.fixture
def cx(app: App) -> Cx:
    return Cx.of(app)


def test_by_url_there_is_nothing_to_end_but_its_own_connections(app: App) -> None:
    with_own = Cx.at("https://hotel.example/webhook")
    with_own.close()
    given = Cx.at(
        "https://hotel.example/webhook", transport=InWsgi(app.wsgi), credential=BasicCredential("cx", PASSWORD)
    )
    given.close()
    assert given.call("echo").ok
    Cx(given.session, given.caller).close()


def test_it_ends_its_threads_and_leaves_the_application_open(app: App) -> None:
    before = set(threading.enumerate())
    made = Cx.of(app)
    assert made.call("echo").ok
    begun = set(threading.enumerate()) - before
    assert {each.name for each in begun} == {"cxfulfill-leases"}

    made.close()
    for each in begun:
        each.join(LIMIT)

    assert not begun & set(threading.enumerate())
    assert Cx.of(app, own_store=True).call("echo").ok


# --- Turns -----------------------------------------------------------------------------------------------------------


def test_each_way_to_speak_is_a_query_of_its_own(cx: Cx) -> None:
    assert cx.call("echo").texts == ["None/None/None/None"]
    assert cx.say("two nights").texts == ["two nights/None/None/None"]
    assert cx.speak("two nights").texts == ["two nights/None/None/None"]
    assert cx.press("12#").texts == ["None/None/12#/None"]
    assert cx.event("late").texts == ["None/late/None/None"]
    assert cx.trigger("Default Welcome Intent").texts == ["None/None/None/Default Welcome Intent"]
    assert cx.say("hi", "broken").tag == cx.say("hi").tag == "broken"
    assert repr(cx) == "<Cx 8 calls>"


def test_a_turn_has_what_is_said_of_it(cx: Cx) -> None:
    result = cx.say(
        "two nights", "echo", intent="Book", sentiment=Sentiment(0.5, 1.5), payload={"a": 1}, parameters={"n": 2},
        page="Booking", form={"nights": None}, collect={"nights": 2}, queued=["Well."],
    )  # fmt: skip
    assert result.request["intentInfo"]["displayName"] == "Book"
    assert result.request["sentimentAnalysisResult"] == {"score": 0.5, "magnitude": 1.5}
    assert (result.request["payload"], result.page) == ({"a": 1}, "Booking")
    assert result.parameters == {"n": 2, "nights": 2}
    assert result.request["messages"][0]["text"]["text"] == ["Well."]
    matched = cx.say("three", intent=Intent("Change", parameters={"n": ("three", 3)}))
    assert matched.request["intentInfo"]["parameters"]["n"] == {"originalValue": "three", "resolvedValue": 3}


def test_a_call_may_go_on_in_the_turn_of_the_call_before(cx: Cx) -> None:
    first, second, third = cx.say("hi", "echo"), cx.call("echo", same_turn=True), cx.call("echo")
    ids = [each.request["detectIntentResponseId"] for each in (first, second, third)]
    assert ids[0] == ids[1] != ids[2]
    assert second.request["text"] == "hi"
    assert len(second.request["messages"]) == 1
    with pytest.raises(ConfigurationError, match="same_turn goes on in the turn of the call before"):
        cx.call("echo", same_turn=True, intent="Book")
    with pytest.raises(ConfigurationError, match="same_turn goes on"):
        cx.say("hi", same_turn=True)


def test_the_first_call_needs_a_tag(cx: Cx) -> None:
    with pytest.raises(ConfigurationError, match="name the tag that this leads to"):
        cx.say("hi")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"params": {"a": 1}}, "no option params=; did you mean parameters=?"),
        ({"tone": "kind"}, "no option tone=, but parameters, page, form, "),
        ({"turn": {"a": 1}}, "the second argument is a Turn; .* parameters="),
        ({"fault": "lots"}, "fault= is one of none, lost, late"),
        ({"faults": 2}, "faults= is how often fault= happens, and there is none"),
        ({"fault": "lost", "faults": 0}, "faults= is at least 1"),
    ],
)
def test_what_is_misspelt_is_told_and_calls_nothing(app: App, cx: Cx, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        cx.call("echo", **options)
    assert (app.runs, cx.results) == ([], [])


# --- Retries ---------------------------------------------------------------------------------------------------------


def test_a_retry_is_no_second_run(app: App, cx: Cx) -> None:
    result = cx.say("once", "echo", fault="lost")
    assert (result.replayed, result.texts, app.runs) == (True, ["once/None/None/None"], ["once"])
    assert len({each.answer.body for each in result.delivery.attempts if each.answer}) == 1
    late = cx.say("late", fault="late", faults=2)
    assert (late.event, app.runs, late.record and late.record.outcome) == (
        "webhook.error.timeout", ["once", "late"], "replayed"
    )  # fmt: skip


@pytest.mark.parametrize("concurrently", [False, True])
def test_a_call_that_is_delivered_twice_runs_once(app: App, cx: Cx, concurrently: bool) -> None:
    first, second = cx.call_twice("echo", concurrently=concurrently, parameters={"a": 1})
    assert (first.replayed, second.replayed, len(app.runs)) == (False, True, 1)
    assert first.body == second.body
    with pytest.raises(ConfigurationError, match="call_twice takes no fault"):
        cx.call_twice("echo", fault="lost")


def test_retries_and_timeout_are_those_of_the_test(app: App) -> None:
    cx = Cx.of(app, retries=0, timeout=1.0)
    result = cx.call("echo", fault="late")
    assert [each.detail for each in result.delivery.attempts] == ["no answer within 1 seconds"]


def test_conversations_do_not_see_each_other_unless_they_share_the_store(app: App) -> None:
    session = Session(session_id="s", new_id=lambda: "same")
    assert [Cx.of(app, session=session).call("echo").replayed for _ in range(2)] == [False, False]
    assert [Cx.of(app, session=session, own_store=True).call("echo").replayed for _ in range(2)] == [False, True]


def test_deferred_work_is_collected_by_a_later_turn(app: App) -> None:
    let_go = Event()

    def slow(ctx: Context) -> str:
        assert let_go.wait(LIMIT)
        return "Done."

    app.add_handler("slow", slow, deferred=True, pending="One moment.", timeout=SOON)
    cx = Cx.of(app, own_store=True)
    begun = cx.say("go", "slow")
    assert begun.texts == ["One moment."]
    assert "\n  pending has answered: the work goes on, and a later call collects it\n" in told(begun)
    let_go.set()
    deduplication = app.pipeline().deduplication
    assert deduplication is not None
    assert deduplication.flights.drain(LIMIT)
    done = cx.say("well?")
    assert (done.texts, done.parameters) == (["Done."], {})


# --- Callers ---------------------------------------------------------------------------------------------------------

NAMES = [
    "basic", "header", "google", "cloud run", "jwt", "introspection", "subject", "behind envoy", "any", "all",
]  # fmt: skip
MAKES: dict[str, Make] = {
    **{name: EACH[name] for name in NAMES},
    "environment": lambda: ByEnvironment({"draft": BasicAuth("cx", PASSWORD)}),
}


@pytest.mark.parametrize("name", MAKES)
def test_every_kind_of_authentication_is_opened_by_its_credential_alone(name: str) -> None:
    app = App(MAKES[name]())
    cx = Cx.of(app)
    result = cx.say("hi", "echo")
    assert (result.ok, result.texts) == (True, ["hi/None/None/None"])
    assert cx.wrong.call("echo").event == "webhook.error.rejected"
    assert cx.as_caller(None).call("echo").event == "webhook.error.rejected"
    assert cx.say("again").ok
    assert app.runs == ["hi", "again"]


def test_everybody_is_let_in_where_everybody_is() -> None:
    cx = Cx.of(App(AllowUnauthenticated()))
    assert cx.call("echo").ok
    with pytest.raises(ConfigurationError, match="NoCredential"):
        _ = cx.wrong
    with pytest.raises(ConfigurationError, match="no credential that could be wrong"):
        _ = cx.as_caller(None).wrong


def test_conversations_share_an_issuer_whose_key_takes_long_to_make(app: App) -> None:
    assert Cx.of(app).issuer is Cx.of(app).issuer


def test_another_service_account_has_a_token_of_its_own() -> None:
    audience = "https://wh.example/webhook"
    cx = Cx.of(App(GoogleIdToken(audience=audience, service_accounts=["cx@p.iam.gserviceaccount.com"])))
    assert cx.as_service_account("cx@p.iam.gserviceaccount.com", audience).call("echo").ok
    assert cx.as_service_account("else@p.iam.gserviceaccount.com", audience).call("echo").status == 403
    assert cx.as_service_account("cx@p.iam.gserviceaccount.com", "https://else.example").call("echo").status == 401


def test_a_credential_of_ones_own() -> None:
    class Team:
        def authenticate(self, http: Any) -> Principal:
            return Principal(http.headers["x-team"], "team")

    app = App(Team())
    app.add_handler("who", lambda ctx: ctx.principal.name)
    with pytest.raises(ConfigurationError, match="Team is an authenticator of your own"):
        Cx.of(app)
    credential = HeaderCredential({"X-Team": "$session.params.team"})
    assert Cx.of(app, credential=credential).call("who", parameters={"team": "blue"}).texts == ["blue"]


def test_a_session_is_one_that_the_application_serves() -> None:
    agent = "projects/p/locations/l/agents/mine"
    app = App(allowed_agents=[agent])
    assert Cx.of(app).call("echo").request["sessionInfo"]["session"].startswith(f"{agent}/sessions/")
    other = Cx.of(app, session=Session(agent=AGENT))
    assert other.call("echo").event == "webhook.error.rejected"


SECRET = "5d0e-41xB-9f2c-own"


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    with TokenEndpoint(LocalIssuer(), "api", clients={"cx-agent": PASSWORD, "webhook": SECRET}) as made:
        yield made


def test_third_party_oauth_goes_over_the_token_endpoint(provider: TokenEndpoint) -> None:
    credential = OAuthCredential(provider.token_url, "cx-agent", PASSWORD)
    app = App(OAuthIntrospection(
        endpoint=provider.introspection_url, client_id="webhook", client_secret=SECRET, issuer=provider.url,
        client_ids=["cx-agent"],
    ))  # fmt: skip
    # The authenticator itself is asked: it asks the provider about the provider's token.
    caller = Caller(InProcess(app), url="https://hotel.example/webhook", credential=credential)
    cx = Cx(Session(), caller, app)
    assert [cx.call("echo").ok for _ in range(2)] == [True, True]
    assert [asked.path for asked in provider.asked].count("/token") == 1
    by_keys = App(OAuthJwt(issuer=provider.url, audience="api", keys=provider.keys_url, client_ids=["cx-agent"]))
    caller = Caller(InProcess(by_keys), url="https://hotel.example/webhook", credential=credential)
    assert Cx(Session(), caller, by_keys).call("echo").ok


def test_a_token_endpoint_that_is_down_is_a_call_that_is_not_sent(app: App, provider: TokenEndpoint) -> None:
    credential = OAuthCredential(provider.token_url, "cx-agent", "not the secret of the client")
    cx = Cx.of(app, credential=credential)
    result = cx.call("echo")
    assert (result.status, result.event, app.runs) == (None, "webhook.error.not-found", [])
    assert "token" in result.verdict.sentence
    assert len(result.delivery.attempts) == 1


# --- Flexible webhooks -----------------------------------------------------------------------------------------------


@pytest.fixture
def flexible() -> Iterator[Cx]:
    app = App()

    @app.flexible("/rooms/<int:number>", methods=["GET"], mapping={"found": "$.room"})
    def room(ctx: FlexibleContext) -> Any:
        return {"room": ctx.path["number"], "by": ctx.principal.name}

    @app.flexible("/rooms/<int:number>", methods=["DELETE"], auth=HeaderSecret("X-Key", OTHER))
    def gone(ctx: FlexibleContext) -> Any:
        return {}

    yield Cx.of(app)
    app.close()


def test_a_flexible_route_is_called_as_it_is_entered(flexible: Cx) -> None:
    result = flexible.flexible("/rooms/<int:number>", {"number": 7}, method="GET")
    assert (result.status, result.parameters, result.json["room"]) == (200, {"number": 7, "found": 7}, 7)
    assert result.delivery.outgoing.url == "https://webhook.test/rooms/7"


def test_a_route_with_an_authenticator_of_its_own_gets_its_credential(flexible: Cx) -> None:
    own = flexible.flexible("/rooms/<int:number>", {"number": 7}, method="DELETE")
    assert (own.status, own.delivery.outgoing.headers["x-key"]) == (200, OTHER.encode().decode("latin-1"))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "other", [lambda cx: cx.wrong, lambda cx: cx.as_caller(None), lambda cx: cx.as_caller(NoCredential())]
)
def test_a_stranger_stays_one_on_every_route(flexible: Cx, method: str, other: Callable[[Cx], Cx]) -> None:
    assert other(flexible).flexible("/rooms/<int:number>", {"number": 7}, method=method).status == 401


@pytest.mark.parametrize(("path", "method"), [("/rooms/<int:number>", ""), ("/rooms/<int:number>", "PUT"), ("/x", "")])
def test_a_route_must_be_named(flexible: Cx, path: str, method: str) -> None:
    there = "GET /rooms/<int:number>, DELETE /rooms/<int:number>"
    with pytest.raises(ConfigurationError, match=f"flexible routes, which are: {there}$"):
        flexible.flexible(path, method=method)


def test_an_application_may_have_none(cx: Cx) -> None:
    with pytest.raises(ConfigurationError, match=r"which are: none$"):
        cx.flexible("/rooms")


def test_a_session_that_is_over_calls_nothing(flexible: Cx) -> None:
    flexible.session.goto("END_SESSION")
    with pytest.raises(ConfigurationError, match="the session is over"):
        flexible.flexible("/rooms/<int:number>", {"number": 7}, method="GET")
    assert flexible.session.state.parameters == {}


# --- What is told of a failure ---------------------------------------------------------------------------------------


def test_the_applications_record_says_why(cx: Cx) -> None:
    broken = cx.call("broken")
    assert (broken.status, broken.reason, broken.record and broken.record.error) == (500, "internal", "LookupError")
    assert told(broken).splitlines()[-1].startswith("  exception LookupError at ")
    refused = cx.call("broken", parameters={"refuse": True})
    assert told(refused).splitlines()[-2:] == ["  because there is no such room.", "  because see the rooms"]
    assert "canary" not in told(broken)


def test_a_header_from_a_parameter_with_a_line_break_is_an_error(app: App) -> None:
    cx = Cx.of(app, credential=HeaderCredential({"X-Key": "$session.params.key"}))
    with pytest.raises(ConfigurationError, match="the header x-key has a value with a line break"):
        cx.call("echo", parameters={"key": "a\r\nX-Admin: yes"})
    assert app.runs == []


def test_without_idempotency_every_delivery_runs() -> None:
    app = App(idempotency=None)
    first, second = Cx.of(app).call_twice("echo")
    assert (first.replayed, second.replayed, len(app.runs)) == (False, False, 2)


def test_a_policy_keeps_its_own_settings(app: App) -> None:
    keyed = App(idempotency=Idempotency(application="hotel", key=lambda application, principal, ctx: None))
    first, second = Cx.of(keyed).call_twice("echo")
    assert (first.replayed, second.replayed) == (False, False)


# --- The example -----------------------------------------------------------------------------------------------------

STAY = {
    "check-in": date(2030, 6, 14), "nights": 3, "guests": 2, "room-type": "double",
    "guest-name": {"name": "Ada", "original": "ada"},
}  # fmt: skip
RIDE = {"pickup": datetime(2030, 6, 14, 9, 30), "phone-number": "+14155550100", "passengers": 2}
BOOKING = {"page": "Collect booking", "form": {"nights": None}}
EXAMPLE: Mapping[str, Callable[[Cx], Result]] = {
    "welcome": lambda cx: cx.trigger("", "welcome"),
    "phone-greeting": lambda cx: cx.speak("hello", "phone-greeting"),
    "room-info": lambda cx: cx.say("a double?", "room-info", parameters={"room-type": "double"}),
    "keypad-menu": lambda cx: cx.press("2", "keypad-menu"),
    "check-nights": lambda cx: cx.say("three", "check-nights", page="Collect booking", form={"nights": 3}),
    "book-room": lambda cx: cx.say("yes", "book-room", parameters=STAY),
    "airport-transfer": lambda cx: cx.say("yes", "airport-transfer", parameters=RIDE),
    "booking-status": lambda cx: cx.say("well?", "booking-status", parameters={"reference": "HH-1"}),
    "loyalty-reminder": lambda cx: cx.event("loyalty-reminder", "loyalty-reminder", parameters={"points": 9}),
    "human": lambda cx: cx.say("a person!", "human"),
    "forget-me": lambda cx: cx.say("forget me", "forget-me", parameters={"name": "Ada"}),
    "*": lambda cx: cx.say("spa", "spa.massage"),
    "check-nights, refused": lambda cx: cx.say("45", "check-nights", **BOOKING, collect={"nights": 45}),  # type: ignore[arg-type]
    "book-room, sold out": lambda cx: cx.say("yes", "book-room", parameters={**STAY, "room-type": "castle"}),
    "airport-transfer, asked again": lambda cx: cx.say(
        "yes", "airport-transfer", page="Ride", form={**RIDE, "passengers": 99}
    ),
    "/bookings/<reference>": lambda cx: cx.flexible("/bookings/<reference>", {"reference": "HH-1"}),
    "/quotes": lambda cx: cx.flexible("/quotes", {"nights": 3, "lang": "de", "room-types": ["suite"]}),
}


@pytest.fixture(scope="module")
def hotel() -> Webhook:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOTEL_USERNAME", "cx-agent")
        environment.setenv("HOTEL_PASSWORD", "for-tests-only-0123456789")
        from example_app.main import webhook

    return webhook


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize("name", EXAMPLE)
def test_cx_takes_every_answer_of_the_example(hotel: Webhook, name: str, official: bool) -> None:
    result = EXAMPLE[name](Cx.of(hotel))
    assert (result.status, result.verdict.sentence, result.merged.findings) == (200, "CX takes the answer.", ())
    if result.tag:
        assert judge(result.delivery, official=official) == judge(result.delivery, "v3beta1", official=official)
        assert judge(result.delivery, official=official).answer == result.verdict.answer


def test_every_handler_of_the_example_is_called_here(hotel: Webhook) -> None:
    handlers = {entry.tag for entry in hotel.entries()} | {route.pattern.text for route in hotel.routes()}
    assert {name for name in EXAMPLE if ", " not in name} - {"*"} == handlers - {"*"}
    assert len(list((Path(__file__).parents[2] / "example_app/requests").glob("*.json"))) == 12
