"""From registrations to a pipeline: what is compiled when an application is frozen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.base import Authenticator, credential_headers
from cxfulfill.context import Clock, Context
from cxfulfill.deduplication import Deduplication
from cxfulfill.errors import ConfigurationError
from cxfulfill.gate import Gate
from cxfulfill.http import CREDENTIAL_HEADERS
from cxfulfill.idempotency.policy import Idempotency
from cxfulfill.lifecycle import Lifecycle
from cxfulfill.load import Load
from cxfulfill.paths import Paths
from cxfulfill.pipeline import HEALTH_PATH, READY_PATH, Pipeline
from cxfulfill.readiness import Probes, StoreProbe
from cxfulfill.records import RecordSink
from cxfulfill.routing import Router
from cxfulfill.structures import keyword_structure
from cxfulfill.table import Entry, Table
from cxfulfill.target import DEFAULT_TIMEOUT, Target
from cxfulfill.telemetry import Telemetry

if TYPE_CHECKING:
    from cxfulfill.calls import Served
    from cxfulfill.recording import Recording
    from cxfulfill.route import Route


@keyword_structure
class Parts:
    """What an application has beside its handlers; see `Webhook` for what they mean.

    Attributes:
        auth: Who may call, where a flexible route has no policy of its own.
        idempotency: How calls are de-duplicated; None runs every delivery.
        path: Path of the standard webhook.
        max_body: Largest body in bytes.
        allowed_agents: Whose sessions are served; None for all.
        strict_cx_status: Whether transport refusals are folded.
        records: Takes the record of each call.
        telemetry: Traces and measures calls.
        clock: Seconds that only go up.
        new_id: Makes the ids of calls.
        lifecycle: Start-up and shutdown.
        load: How many calls are handled at a time.
        trust: Gives the authenticator that is asked in place of one of the application's own: for tools that call an
            application which is an object in their own process.
        recording: Keeps calls and their answers in files; None for nothing.
    """

    auth: Authenticator
    idempotency: Idempotency | None
    path: str
    max_body: int
    allowed_agents: AllowedAgents | None
    strict_cx_status: bool
    records: RecordSink
    telemetry: Telemetry | None
    clock: Clock
    new_id: Callable[[], str]
    lifecycle: Lifecycle
    load: Load
    trust: Callable[[Authenticator], Authenticator] = lambda auth: auth
    recording: "Recording | None" = None


def assemble(router: Router, parts: Parts) -> Pipeline:
    """Compile an application.

    Args:
        router: Its handlers and routes.
        parts: What it has beside them.

    Returns:
        The way of a request.

    Raises:
        ConfigurationError: What can only be checked now is wrong, such as an annotation that cannot be resolved.
    """
    policy = parts.idempotency
    policies = [parts.auth, *(route.auth for route in router.routes() if route.auth is not None)]
    gate = Gate(
        auth=parts.trust(parts.auth),
        allowed_agents=parts.allowed_agents,
        clock=parts.clock,
        hidden=CREDENTIAL_HEADERS.union(*map(credential_headers, policies)),
    )
    served = [_served(route, gate, parts) for route in router.routes()]
    table = Table((entry, _target(entry, policy)) for entry in router.entries())
    routes = Paths((each.route.pattern.text, each.route.methods, each) for each in served)
    deduplication = None if policy is None else Deduplication.of(policy, parts.path, parts.clock, parts.load)
    probe = None if deduplication is None else StoreProbe(deduplication.store, parts.clock)
    gates = (gate, *(each.gate for each in served if each.gate is not gate))
    return Pipeline(
        path=parts.path, gate=gate, probes=Probes(parts.lifecycle, probe, gates), table=table, routes=routes,
        deduplication=deduplication, lifecycle=parts.lifecycle, load=parts.load,
        error_handlers=router.layer.error_handlers_of(Context), max_body=parts.max_body,
        timeout=router.layer.timeout or DEFAULT_TIMEOUT, strict_cx_status=parts.strict_cx_status, records=parts.records,
        telemetry=parts.telemetry, clock=parts.clock, new_id=parts.new_id, recording=parts.recording,
    )  # fmt: skip


def _target(entry: Entry, policy: Idempotency | None) -> Target:
    if entry.deferral is not None and policy is None:
        raise ConfigurationError(f"{entry.place}: deferred work lives in the idempotency store, which is None here")
    return Target.of(entry, reprompts=entry.reprompts, deferral=entry.deferral)


def _served(route: "Route", gate: Gate, parts: Parts) -> "Served":
    from cxfulfill.calls import serve  # noqa: PLC0415 - see `FlexibleRoutes.add_flexible`

    if route.auth is not None:
        gate = Gate(auth=parts.trust(route.auth), allowed_agents=None, clock=gate.clock, hidden=gate.hidden)
    try:
        return serve(route, gate, taken=(parts.path, HEALTH_PATH, READY_PATH))
    except ConfigurationError as error:
        raise ConfigurationError(f"{route.place}: {error}") from error
