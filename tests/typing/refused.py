"""What mypy must refuse: each ignored line is an error, and an unused ignore is one too. Never run."""

from cxfulfill import ByEnvironment, Context, GoogleIdToken, HeaderSecret, MutualTls, Reply, Text, Webhook
from cxfulfill.protocol.messenger import Chips, RichContent

webhook = Webhook()  # type: ignore[call-arg]
other = Webhook(auth="Basic")  # type: ignore[arg-type]
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


def frozen(ctx: Context) -> None:
    ctx.tag = "other"  # type: ignore[misc]
    ctx.state = {}  # type: ignore[misc]


Reply(5)  # type: ignore[arg-type]
Reply("a", merge="drop")  # type: ignore[arg-type]
Text(1)  # type: ignore[arg-type]
RichContent("text")  # type: ignore[arg-type]
Chips(1)  # type: ignore[arg-type]
