"""What CX accepts: the WebhookResponse in the wire's own shape, and its guards.

An instance is an answer that CX can parse: one of another shape cannot be built, one that is too large not written.
Every member is optional: ``{}`` is the valid answer "do nothing".
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, PlainValidator
from pydantic_core import PydanticSerializationError

from cxfulfill.errors import ReplyError
from cxfulfill.protocol import json
from cxfulfill.protocol.base import Outgoing, Part
from cxfulfill.protocol.messages import ResponseMessage, json_object
from cxfulfill.protocol.names import is_flow_name, is_page_name
from cxfulfill.protocol.values import MAX_DEPTH, to_json_value


def _check_page(name: str) -> str:
    if not is_page_name(name):
        raise ReplyError("targetPage", "must be a full page name; ctx.page.sibling() and ctx.agent.page() build it")
    return name


def _check_flow(name: str) -> str:
    if not is_flow_name(name):
        raise ReplyError("targetFlow", "must be a full flow name; ctx.agent.flow() builds it")
    return name


def _form_value(value: Any) -> Any:
    try:
        return to_json_value(value, depth=MAX_DEPTH - 1)
    except ReplyError as error:
        raise error.under("pageInfo.formInfo.parameterInfo.value") from None


class FulfillmentResponse(Part):
    """The messages of an answer.

    Attributes:
        messages: In the order in which the user gets them.
        merge_behavior: ``APPEND`` (the default) adds them to the queued messages of this turn, ``REPLACE``
            drops those of this fulfillment.
    """

    messages: list[ResponseMessage] | None = None
    merge_behavior: Literal["MERGE_BEHAVIOR_UNSPECIFIED", "APPEND", "REPLACE"] | None = None


class ParameterUpdate(Part):
    """The change of a parameter of the current page's form. A webhook cannot add or remove one.

    Attributes:
        display_name: Its name; required.
        required: Whether the form needs it.
        state: ``INVALID`` is the only one that acts.
        value: Its new value.
    """

    display_name: str
    required: bool | None = None
    state: Literal["PARAMETER_STATE_UNSPECIFIED", "EMPTY", "INVALID", "FILLED"] | None = None
    value: Annotated[Any, PlainValidator(_form_value)] = None


class FormUpdate(Part):
    """Changes of the current page's form."""

    parameter_info: list[ParameterUpdate] | None = None


class PageUpdate(Part):
    """Changes of the current page: of its form only, since CX ignores the rest."""

    form_info: FormUpdate | None = None


class SessionUpdate(Part):
    """Changes of the session.

    Attributes:
        parameters: Each key is written to the session; None removes the parameter.
    """

    parameters: Annotated[dict[str, Any], json_object("sessionInfo.parameters")] | None = None


class WebhookResponse(Outgoing):
    """An answer in the wire's own shape.

    Attributes:
        fulfillment_response: Messages for the user.
        page_info: Changes of form parameters.
        session_info: Changes of session parameters.
        payload: Goes to the caller of detect intent (``QueryResult.webhookPayloads``), not to the user.
        target_page: Full name of the page to go to.
        target_flow: Full name of the flow to go to; at most one of the two.

    Raises:
        ReplyError: CX would refuse it; the error names the member.
    """

    refused: ClassVar[Mapping[str, str]] = {
        "currentPage": "is ignored in an answer; a transition is targetPage",
        "displayName": "is ignored in an answer",
        "justCollected": "is ignored in an answer",
        "session": "is ignored in an answer",
        **ResponseMessage.refused,
    }

    fulfillment_response: FulfillmentResponse | None = None
    page_info: PageUpdate | None = None
    session_info: SessionUpdate | None = None
    payload: Annotated[dict[str, Any], json_object("payload")] | None = None
    target_page: Annotated[str, AfterValidator(_check_page)] | None = None
    target_flow: Annotated[str, AfterValidator(_check_flow)] | None = None

    def model_post_init(self, _: Any) -> None:
        """Refuse an answer with two transitions."""
        if self.target_page is not None and self.target_flow is not None:
            raise ReplyError("targetFlow", "cannot be set together with targetPage: one transition an answer")

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Check an answer that is at hand as JSON, such as one made without this package.

        Args:
            value: The JSON value, camelCase.

        Returns:
            The answer.

        Raises:
            ReplyError: CX would refuse it; unknown members are fatal there too.
        """
        if not isinstance(value, dict):
            raise ReplyError("WebhookResponse", "must be an object")
        return cls(**value)

    def encode(self) -> bytes:
        """Write the answer as CX reads it.

        Returns:
            UTF-8 JSON of at most 65,536 bytes.

        Raises:
            ReplyError: It is larger, or a text has a lone surrogate.
        """
        try:
            body = self.__pydantic_serializer__.to_json(self, exclude_unset=True)
        except (PydanticSerializationError, UnicodeEncodeError):
            # The pure Python encoder names the place that the fast one cannot.
            body = json.dumps(self.model_dump(exclude_unset=True))
        return json.bounded(body, "WebhookResponse")
