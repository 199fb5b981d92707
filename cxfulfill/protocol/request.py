"""What CX posts: the WebhookRequest and its parts, v3 and v3beta1 (the two are the same message).

Field lists are those of ``google-cloud-dialogflow-cx`` 2.9. Real requests carry more members than these; they are
kept in ``model_extra``. A documented member may be missing or null, so every attribute may be None. An enum is
kept as the text, or number, that was sent.
"""

from typing import Any

from pydantic import StrictBool

from cxfulfill.protocol.base import Incoming


class FulfillmentInfo(Incoming):
    """Why the webhook is called.

    Attributes:
        tag: The ``Fulfillment.tag`` of the agent's author: any characters.
    """

    tag: str | None = None


class IntentParameterValue(Incoming):
    """A parameter of the matched intent.

    Attributes:
        original_value: The user's words.
        resolved_value: What they mean: text, number, list or object.
    """

    original_value: str | None = None
    resolved_value: Any = None


class IntentInfo(Incoming):
    """The intent matched last; absent on event turns and on turns that fill a form.

    Attributes:
        last_matched_intent: Full name of the intent.
        display_name: Its display name.
        parameters: Its parameters by name.
        confidence: Of the match, 0 to 1.
    """

    last_matched_intent: str | None = None
    display_name: str | None = None
    parameters: dict[str, IntentParameterValue] | None = None
    confidence: float | None = None


class ParameterInfo(Incoming):
    """A parameter of the current page's form.

    Attributes:
        display_name: Its name; always sent.
        required: Whether the form needs it.
        state: ``EMPTY``, ``INVALID`` or ``FILLED``.
        value: Its value.
        just_collected: Whether the last turn filled it.
    """

    display_name: str | None = None
    required: StrictBool | None = None
    state: str | int | None = None
    value: Any = None
    just_collected: StrictBool | None = None


class FormInfo(Incoming):
    """The current page's form.

    Attributes:
        parameter_info: Every parameter of it.
    """

    parameter_info: list[ParameterInfo] | None = None


class PageInfo(Incoming):
    """The current page.

    Attributes:
        current_page: Full name; its last segment may be symbolic (``START_PAGE``).
        display_name: Display name; missing in old agents' requests.
        form_info: Its form, if it has one.
    """

    current_page: str | None = None
    form_info: FormInfo | None = None
    display_name: str | None = None


class SessionInfo(Incoming):
    """The session.

    Attributes:
        session: Full name.
        parameters: The session parameters, nulls included.
    """

    session: str | None = None
    parameters: dict[str, Any] | None = None


class SentimentAnalysisResult(Incoming):
    """The sentiment of the user's words, if the agent analyses it.

    Attributes:
        score: From -1 (negative) to 1 (positive).
        magnitude: Strength, 0 or more.
    """

    score: float | None = None
    magnitude: float | None = None


class LanguageInfo(Incoming):
    """The language of the query.

    Attributes:
        input_language_code: As given by the caller.
        resolved_language_code: As detected.
        confidence_score: Of the detection, 0 to 1.
    """

    input_language_code: str | None = None
    resolved_language_code: str | None = None
    confidence_score: float | None = None


class QueuedMessage(Incoming):
    """An agent message that was queued before this call.

    At most one of the content attributes is set; each holds the content as CX sent it.

    Attributes:
        text: ``{"text": [variants]}``.
        payload: A custom payload.
        output_audio_text: ``{"text": ...}`` or ``{"ssml": ...}``.
        conversation_success: ``{"metadata": {...}}``.
        live_agent_handoff: ``{"metadata": {...}}``.
        end_interaction: ``{}``.
        play_audio: ``{"audioUri": ...}``.
        mixed_audio: ``{"segments": [...]}``.
        telephony_transfer_call: ``{"phoneNumber": ...}``.
        knowledge_info_card: A marker.
        tool_call: ``{"tool": ..., "action": ..., "inputParameters": {...}}``.
        channel: The channel it is meant for.
        response_type: Where it comes from (v3 only).
    """

    text: dict[str, Any] | None = None
    payload: dict[str, Any] | None = None
    output_audio_text: dict[str, Any] | None = None
    conversation_success: dict[str, Any] | None = None
    live_agent_handoff: dict[str, Any] | None = None
    end_interaction: dict[str, Any] | None = None
    play_audio: dict[str, Any] | None = None
    mixed_audio: dict[str, Any] | None = None
    telephony_transfer_call: dict[str, Any] | None = None
    knowledge_info_card: dict[str, Any] | None = None
    tool_call: dict[str, Any] | None = None
    channel: str | None = None
    response_type: str | int | None = None


class WebhookRequest(Incoming):
    """A call of the webhook.

    ``model_dump_json(by_alias=True, exclude_unset=True)`` gives back what was sent.

    Attributes:
        detect_intent_response_id: Id of the answer that CX is building; all calls of one turn share it.
        intent_info: The intent matched last.
        page_info: The current page.
        session_info: The session.
        fulfillment_info: Holds the tag.
        messages: Agent messages queued before this call.
        payload: ``QueryParameters.payload`` of the detect intent call; integrations fill it.
        sentiment_analysis_result: Only if the agent analyses sentiment.
        text: What the user typed.
        trigger_intent: Full name of the intent that the caller triggered.
        transcript: What the user said.
        trigger_event: Name of the event that the caller triggered.
        dtmf_digits: The keys that the user pressed, without the finish digit.
        language_code: Language of the query.
        language_info: More about it.
    """

    detect_intent_response_id: str | None = None
    intent_info: IntentInfo | None = None
    page_info: PageInfo | None = None
    session_info: SessionInfo | None = None
    fulfillment_info: FulfillmentInfo | None = None
    messages: list[QueuedMessage] | None = None
    payload: dict[str, Any] | None = None
    sentiment_analysis_result: SentimentAnalysisResult | None = None
    text: str | None = None
    trigger_intent: str | None = None
    transcript: str | None = None
    trigger_event: str | None = None
    dtmf_digits: str | None = None
    language_code: str | None = None
    language_info: LanguageInfo | None = None
