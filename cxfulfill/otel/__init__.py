"""OpenTelemetry (extra ``otel``): a span for each call and for its stages, and metrics by tag.

What is made here goes where the application's own OpenTelemetry SDK sends it; without an SDK it goes nowhere.
"""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from cxfulfill.errors import ConfigurationError
from cxfulfill.http import HttpRequest

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from cxfulfill.otel.spans import TracedCall

SCOPE = "cxfulfill"
"""Name of the package, the tracer and the meter."""


class OpenTelemetry:
    """Traces and measures calls through OpenTelemetry: ``Webhook(telemetry=OpenTelemetry())``.

    A call is one server span: its own, with the parent that ``traceparent`` (W3C Trace Context) or
    ``X-Cloud-Trace-Context`` names, or the one that an instrumentation of Flask or WSGI has begun for it. Below it
    stand the spans ``cxfulfill.handler``, ``cxfulfill.auth`` and ``cxfulfill.store``, the last two where they
    may wait. No value of a header, a parameter or the user's words stands in a span or a metric, nor an exception's
    text.

    Args:
        tracer_provider: Makes the spans; None for the global one.
        meter_provider: Makes the metrics; None for the global one.

    Raises:
        ConfigurationError: The extra ``otel`` is not installed.
    """

    def __init__(
        self, *, tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 - only those who want it have it

            from cxfulfill.otel.measured import meters_of  # noqa: PLC0415 - as above
            from cxfulfill.otel.spans import TracedCall  # noqa: PLC0415 - as above
        except ModuleNotFoundError:
            raise ConfigurationError.for_extra("OpenTelemetry", "otel") from None
        own = version(SCOPE)
        self._given = tracer_provider, meter_provider
        tracer = trace.get_tracer(SCOPE, own, tracer_provider)
        meters = meters_of(meter_provider, lambda: metrics.get_meter(SCOPE, own, meter_provider))
        self._begin: Callable[[HttpRequest], TracedCall] = partial(TracedCall, tracer, meters)

    @property
    def has_sdk(self) -> bool:
        """Whether there is an SDK that takes what is made here."""
        from opentelemetry import trace  # noqa: PLC0415 - as above

        is_global = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
        return is_global or any(self._given)

    def call(self, http: HttpRequest) -> "TracedCall":
        """Begin a call.

        Args:
            http: The request.

        Returns:
            A block around the call, in its own thread or task; it raises nothing of its own.
        """
        return self._begin(http)
