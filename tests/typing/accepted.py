"""What mypy must accept; it is checked with the rest of the tests, and never run."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema
from pydantic import BaseModel
from typing_extensions import TypedDict

from cxfulfill import (
    Acquired,
    AllOf,
    Answer,
    AnyOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    CallRecord,
    Clock,
    CloudRunIam,
    Completed,
    Context,
    EnvironmentSecret,
    FetchedSecret,
    FileSecret,
    FlexibleContext,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    IdempotencyStore,
    InProgress,
    KeyDocument,
    KeySource,
    Lease,
    MutualTls,
    OAuthIntrospection,
    OAuthJwt,
    Principal,
    RecordSink,
    Reply,
    Router,
    SecretManager,
    SecretSource,
    StoreOnLoop,
    Text,
    Webhook,
    WebhookResponse,
)
from cxfulfill.parameters import fields
from cxfulfill.parameters.entities import Composite, Money, SysDate, SysPhoneNumber, SysUnitCurrency


@dataclass
class Stay:
    nights: int


class Room(TypedDict):
    number: int


class Mine:
    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal(http.headers["X-Mine"], "mine")


class Keys:
    def fetch(self) -> KeyDocument:
        return KeyDocument(b"{}", max_age=60)


class Vault(FetchedSecret):
    def fetch(self) -> bytes:
        return b"secret"


class Held:
    def get(self) -> str:
        return "secret"


class Told:
    def write(self, record: CallRecord) -> None:
        self.milliseconds: float = record.ms
        self.attempt: int | None = record.attempt


class Table:
    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Acquired | InProgress | Completed:
        return Acquired(Lease(key, owner, fingerprint))

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return True

    def release(self, lease: Lease) -> bool:
        return True

    def on_loop(self) -> StoreOnLoop:
        return TableOnLoop()


class TableOnLoop:
    bounded = True

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Acquired | Completed:
        return Completed(fingerprint, key.encode())

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return True

    async def release(self, lease: Lease) -> bool:
        return True


def clock() -> float:
    return 0.0


authenticator: Authenticator = Mine()
injected: Clock = clock
sink: RecordSink = Told()
store: IdempotencyStore = Table()
webhook = Webhook(
    auth=AnyOf(AllOf(BasicAuth("u", "p"), HeaderSecret("X-A", ["v", "w"])), authenticator), clock=injected
)
keys: KeySource = Keys()
sources: list[SecretSource] = [Held(), Vault("vault", max_age=60), EnvironmentSecret("A"), FileSecret("/a")]
google = GoogleIdToken(audience="https://a.example", project_number=1, keys=keys, clock=clock)
policies: dict[str, Authenticator] = {
    "draft": BasicAuth("u", ["p", EnvironmentSecret("P")]),
    "a": AllOf(MutualTls(["CN=a"]), google),
    "b": OAuthJwt(issuer="i", audience=["a"], keys=keys),
    "c": OAuthIntrospection(endpoint="e", client_id="c", client_secret=Held(), issuer="i", audience="a"),
    "d": HeaderSecret("X-A", SecretManager("s")),
    "e": BasicAuth.from_credentials(sources),
    "f": CloudRunIam(audience="a", service_accounts=["a@b.c"], i_confirm_the_service_is_not_public=True),
}
separated = Webhook(auth=ByEnvironment(policies), records=sink, allowed_agents=["projects/p/locations/l/agents/a"])
configured: Webhook = Webhook.from_env(timeout=3)
router = Router(timeout=3)


@webhook.handler("text")
def text(ctx: Context) -> str:
    return ctx.text or ""


@router.handler(["reply", "other"], page="Start", language=["en", "de-AT"])
def reply(ctx: Context, stay: Stay) -> Reply:
    return Reply("a", ["b", "c"], Text("d", channel="chat"), parameters={"nights": stay.nights}, merge="replace")


@webhook.handler("nothing", timeout=2.5, fallback="later")
def nothing(ctx: Context) -> None:
    ctx.log.info("nothing to do")


@webhook.handler("wire")
async def wire(ctx: Context, room: Room) -> WebhookResponse:
    return WebhookResponse.from_json({"payload": {"number": room["number"]}})


class Pizza(BaseModel):
    toppings: list[str]


class Booking(BaseModel):
    arrival: SysDate
    deposit: SysUnitCurrency | None
    phone: SysPhoneNumber
    pizza: Composite[Pizza]


class BookingSchema(Schema):
    arrival = fields.SysDate(required=True)


@webhook.handler("book", on_invalid="reprompt")
def book(ctx: Context, booking: Booking) -> str:
    arrival: date = booking.arrival
    deposit: Money | None = booking.deposit
    return f"{arrival} {deposit} {booking.phone} {booking.pizza.toppings}"


@webhook.handler("loaded", params=BookingSchema)
def loaded(ctx: Context, booking: dict[str, Any]) -> str:
    return str(booking["arrival"])


@router.flexible("/orders/<int:id>", methods=["GET", "HEAD"], response=Room, mapping={"number": "$.number"})
def order(ctx: FlexibleContext) -> Room:
    return {"number": ctx.path["id"]}


@webhook.flexible("/bookings", headers={"X-Lang": "lang"}, auth=google, timeout=2, fallback={}, idempotency_key="phone")
async def bookings(ctx: FlexibleContext, booking: Booking) -> list[str]:
    return [booking.phone, ctx.query["lang"]]


webhook.add_flexible("/either", order, idempotency_key=lambda ctx: ctx.parameters["id"], idempotent=None)


@webhook.on_startup
def opens() -> None: ...


@webhook.on_shutdown
async def closes() -> int:
    return 0


limited = Webhook(auth=authenticator, max_in_flight=8)


@webhook.middleware
def timed(call: Context) -> Generator[None, Answer, Answer]:
    answer = yield
    return Reply("nothing") if answer is None else None


@webhook.on_error(KeyError)
def missing(ctx: Context, error: KeyError) -> str:
    return "missing"


unchanged: str = text(Context.__new__(Context))
