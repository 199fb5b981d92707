"""The documented members of a request, as pydantic-core reads them.

They are those of `cxfulfill.protocol.request`, whose models most processes never need; a test holds the two together.
"""

from typing import Final

from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema
from pydantic_core.core_schema import (
    any_schema,
    bool_schema,
    dict_schema,
    float_schema,
    int_schema,
    list_schema,
    nullable_schema,
    str_schema,
    typed_dict_field,
    typed_dict_schema,
    union_schema,
)

_known: set[str] = set()


def _object(**members: CoreSchema) -> CoreSchema:
    """Give the schema of an object; each member may be missing, and goes by two names."""
    fields = {}
    for name, schema in members.items():
        alias = to_camel(name)
        _known.add(alias)
        names: list[list[str | int]] = [[alias], [name]]
        fields[name] = typed_dict_field(schema, required=False, validation_alias=names)
    return typed_dict_schema(fields, extra_behavior="ignore")


def _part(**members: CoreSchema) -> CoreSchema:
    """Give the schema of a member that is an object, or null."""
    return nullable_schema(_object(**members))


def _list(item: CoreSchema) -> CoreSchema:
    return nullable_schema(list_schema(item))


def _map(value: CoreSchema) -> CoreSchema:
    """Give the schema of an object with members of any names, or null."""
    return nullable_schema(dict_schema(str_schema(), value))


_ANY: Final = any_schema()
_TEXT: Final = nullable_schema(str_schema())
_NUMBER: Final = nullable_schema(float_schema())
_FLAG: Final = nullable_schema(bool_schema(strict=True))
_ENUM: Final = nullable_schema(union_schema([str_schema(), int_schema()]))
_JSON: Final = _map(_ANY)

REQUEST: Final = _object(
    detect_intent_response_id=_TEXT,
    intent_info=_part(
        last_matched_intent=_TEXT,
        display_name=_TEXT,
        parameters=_map(_object(original_value=_TEXT, resolved_value=_ANY)),
        confidence=_NUMBER,
    ),
    page_info=_part(
        current_page=_TEXT,
        form_info=_part(
            parameter_info=_list(
                _object(display_name=_TEXT, required=_FLAG, state=_ENUM, value=_ANY, just_collected=_FLAG)
            )
        ),
        display_name=_TEXT,
    ),
    session_info=_part(session=_TEXT, parameters=_JSON),
    fulfillment_info=_part(tag=_TEXT),
    messages=_list(
        _object(
            text=_JSON,
            payload=_JSON,
            output_audio_text=_JSON,
            conversation_success=_JSON,
            live_agent_handoff=_JSON,
            end_interaction=_JSON,
            play_audio=_JSON,
            mixed_audio=_JSON,
            telephony_transfer_call=_JSON,
            knowledge_info_card=_JSON,
            tool_call=_JSON,
            channel=_TEXT,
            response_type=_ENUM,
        )
    ),
    payload=_JSON,
    sentiment_analysis_result=_part(score=_NUMBER, magnitude=_NUMBER),
    text=_TEXT,
    trigger_intent=_TEXT,
    transcript=_TEXT,
    trigger_event=_TEXT,
    dtmf_digits=_TEXT,
    language_code=_TEXT,
    language_info=_part(input_language_code=_TEXT, resolved_language_code=_TEXT, confidence_score=_NUMBER),
)
"""The schema of a request."""

KNOWN: Final = frozenset(_known)
"""The names of all documented members, as CX spells them."""
