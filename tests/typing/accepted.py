"""What mypy must accept; it is checked with the rest of the tests, and never run."""

from collections.abc import Generator
from dataclasses import dataclass

from typing_extensions import TypedDict

from cxfulfill import (
    AllOf,
    Answer,
    AnyOf,
    Authenticator,
    BasicAuth,
    Clock,
    Context,
    HeaderSecret,
    HttpRequest,
    Principal,
    Reply,
    Router,
    Text,
    Webhook,
    WebhookResponse,
)


@dataclass
class Stay:
    nights: int


class Room(TypedDict):
    number: int


class Mine:
    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal(http.headers["X-Mine"], "mine")


def clock() -> float:
    return 0.0


authenticator: Authenticator = Mine()
injected: Clock = clock
webhook = Webhook(
    auth=AnyOf(AllOf(BasicAuth("u", "p"), HeaderSecret("X-A", ["v", "w"])), authenticator), clock=injected
)
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


@webhook.middleware
def timed(call: Context) -> Generator[None, Answer, Answer]:
    answer = yield
    return Reply("nothing") if answer is None else None


@webhook.on_error(KeyError)
def missing(ctx: Context, error: KeyError) -> str:
    return "missing"


unchanged: str = text(Context.__new__(Context))
