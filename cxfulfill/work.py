"""A handler and what it is run with."""

from collections.abc import Callable
from typing import Any

from cxfulfill.context import Call
from cxfulfill.errors import Unavailable
from cxfulfill.handlers import Invocation
from cxfulfill.stages import Stages
from cxfulfill.structures import structure


class DeadlineExceeded(Unavailable):
    """503: the handler did not answer in time."""

    default_reason = "deadline"


@structure
class Work:
    """A handler and what it is run with.

    Attributes:
        invocation: The handler with its middleware.
        call: The call.
        arguments: The handler's arguments.
        watched: Whether a plain handler is cut off at the deadline.
        encoding: Turns what the handler returned into what is sent.
        stages: How long the stages of the call take.
        ends_in_time: Whether a call whose time is up is a 503, and not begun.
        failure: Writes down a failure that is to be kept like an answer; None where failures are not kept.
        cancels: Whether an ``async`` handler is cancelled at the deadline: nobody keeps what it would return.
    """

    invocation: Invocation
    call: Call
    arguments: tuple[Any, ...]
    watched: bool
    encoding: Callable[[Call, Any], bytes]
    stages: Stages
    cancels: bool = False
    ends_in_time: bool = False
    failure: Callable[[Exception], bytes] | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether nobody waits for the handler beyond the deadline."""
        return self.watched or self.invocation.function.is_async

    def check_time(self) -> None:
        """Check that there is time to begin; where a handler is not cut off, there always is.

        Raises:
            DeadlineExceeded: There is none (``no_time_left``).
        """
        if self.ends_in_time and self.call.deadline.remaining() <= 0:
            raise DeadlineExceeded(reason="no_time_left")

    def encode(self, answer: Any) -> bytes:
        """Turn what the handler returned into what is sent.

        Args:
            answer: What it returned.

        Returns:
            The body.

        Raises:
            ReplyError: CX would refuse it.
        """
        return self.encoding(self.call, answer)
