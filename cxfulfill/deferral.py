"""What a deferred handler answers besides its own answer: meanwhile, and where its work was lost."""

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.handlers import Function, read_function
from cxfulfill.protocol import json
from cxfulfill.registration import Options
from cxfulfill.reply import to_response
from cxfulfill.structures import structure

if TYPE_CHECKING:
    from cxfulfill.annotations import Answer, Lost
    from cxfulfill.protocol.response import WebhookResponse

_NO_NAME: Final = r"(?a)[^\w-]"


@structure
class Deferral:
    """How a handler is deferred.

    Attributes:
        pending: The answer while the work goes on.
        lost: What answers where the work was lost; None for 503 (``job_lost``).
    """

    pending: "WebhookResponse"
    lost: Function | None

    def meanwhile(self, parameter: str, job: str) -> bytes:
        """Give the answer while the work goes on.

        Args:
            parameter: The session parameter that names the job.
            job: Id of the job.

        Returns:
            The answer, which writes the parameter.

        Raises:
            ReplyError: It has become too large.
        """
        return with_parameter(self.pending.model_dump(exclude_unset=True), parameter, job)


def parameter_of(tag: str) -> str:
    """Name the session parameter that holds the job of a deferred handler.

    Args:
        tag: The call's tag.

    Returns:
        ``job-`` and the tag. What a parameter's name cannot have becomes an underscore, and six digits at the end tell
        the name from that of a like tag.
    """
    name = re.sub(_NO_NAME, "_", tag)
    return f"job-{name}" if name == tag else f"job-{name}-{hashlib.sha256(tag.encode()).hexdigest()[:6]}"


def with_parameter(answer: dict[str, Any], name: str, value: str | None) -> bytes:
    """Write an answer that sets one more session parameter.

    Args:
        answer: The answer, in the wire's own shape.
        name: The parameter.
        value: Its value; None removes it.

    Returns:
        The answer.

    Raises:
        ReplyError: It has become too large.
    """
    session = answer.get("sessionInfo", {})
    parameters = {**session.get("parameters", {}), name: value}  # whatever the answer says of the parameter
    written = {**answer, "sessionInfo": {**session, "parameters": parameters}}
    return json.bounded(json.dumps(written), "WebhookResponse")


def read_deferral(
    options: Options, *, deferred: bool, pending: "Answer", on_lost: "Lost", fallback: "Answer"
) -> Deferral | None:
    """Check what a handler says of its deferral.

    Args:
        options: The handler and its other options.
        deferred: ``deferred=``.
        pending: ``pending=``.
        on_lost: ``on_lost=``.
        fallback: ``fallback=``.

    Returns:
        How it is deferred; None where it is not.

    Raises:
        ConfigurationError: ``pending=`` is missing, or they contradict each other.
    """
    function = options.function
    if not deferred:
        if pending is not None or on_lost is not None:
            raise ConfigurationError(f"{function.place}: pending= and on_lost= need deferred=True")
        return None
    if pending is None:
        raise ConfigurationError(f"{function.place}: deferred=True needs pending=, the answer while the work goes on")
    if options.idempotent is False:
        raise ConfigurationError(f"{function.place}: deferred work lives in the idempotency store: no idempotent=False")
    if options.key is not None or fallback is not None:
        raise ConfigurationError(f"{function.place}: a deferred job has a key of its own, and pending= for fallback=")
    return Deferral(to_response(pending), _lost(on_lost))


def _lost(given: "Lost") -> Function | None:
    if given is None:
        return None
    if callable(given):
        read = read_function(given)
        if read.takes_params:
            raise ConfigurationError(f"{read.place}: on_lost= takes an answer, or a function f(ctx)")
        return read
    answer = to_response(given)
    return Function(lambda _: answer, is_async=False, place="on_lost=", takes_params=False, annotation=None)
