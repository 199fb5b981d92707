"""What mypy must refuse: each ignored line is an error, and an unused ignore is one too. Never run."""

from pydantic import BaseModel

from cxfulfill import (
    BasicAuth,
    ByEnvironment,
    Context,
    FlexibleContext,
    GoogleIdToken,
    HeaderSecret,
    MutualTls,
    Reply,
    Text,
    Webhook,
)
from cxfulfill.parameters.entities import SysDate
from cxfulfill.protocol.messenger import Chips, RichContent

webhook = Webhook()  # type: ignore[call-arg]
other = Webhook(auth="Basic")  # type: ignore[arg-type]
Webhook(auth=BasicAuth("u", "p"), records=print)  # type: ignore[arg-type]
GoogleIdToken(project_number=1)  # type: ignore[call-arg]
GoogleIdToken(audience="a", project_number=1, keys=5)  # type: ignore[arg-type]
HeaderSecret("X-A", 5)  # type: ignore[arg-type]
MutualTls(["CN=a"], [], "nginx")  # type: ignore[call-arg]
ByEnvironment({"a": "Basic"})  # type: ignore[dict-item]


@webhook.handler("no-context")  # type: ignore[type-var]
def no_context() -> str:
    return ""


@webhook.handler("too-many")  # type: ignore[type-var]
def too_many(ctx: Context, params: dict[str, object], third: int) -> str:
    return ""


@webhook.handler("number")  # type: ignore[type-var]
def number(ctx: Context) -> int:
    return 1


@webhook.handler("flexible")  # type: ignore[type-var]
def flexible(ctx: FlexibleContext) -> str:
    return ""


@webhook.flexible("/standard")  # type: ignore[type-var]
def standard(ctx: Context) -> str:
    return ""


@webhook.flexible("/nothing")  # type: ignore[type-var]
def nothing() -> str:
    return ""


@webhook.flexible("/third")  # type: ignore[type-var]
def third(ctx: FlexibleContext, params: object, more: int) -> str:
    return ""


@webhook.handler("again", on_invalid="ask")  # type: ignore[arg-type]
def again(ctx: Context, params: dict[str, object]) -> str:
    return ""


webhook.flexible("/mapping", mapping={"a": 5})  # type: ignore[dict-item]
webhook.flexible("/headers", headers=["X-Lang"])  # type: ignore[arg-type]


class Stay(BaseModel):
    arrival: SysDate


def wrong(stay: Stay) -> str:
    return stay.arrival  # type: ignore[return-value]


def frozen(ctx: Context) -> None:
    ctx.tag = "other"  # type: ignore[misc]
    ctx.state = {}  # type: ignore[misc]


@webhook.on_startup  # type: ignore[type-var]
def opens(ctx: Context) -> None: ...


Webhook(auth=HeaderSecret("X-A", "b"), max_in_flight="8")  # type: ignore[arg-type]
Reply(5)  # type: ignore[arg-type]
Reply("a", merge="drop")  # type: ignore[arg-type]
Text(1)  # type: ignore[arg-type]
RichContent("text")  # type: ignore[arg-type]
Chips(1)  # type: ignore[arg-type]
