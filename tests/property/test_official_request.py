"""What Google's own library prints as a request is read without loss."""

import json
from typing import Any, Final, Literal

import pytest
from google.cloud import dialogflowcx_v3, dialogflowcx_v3beta1
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxfulfill.protocol.sent import read_request
from tests.strategies.official import official_requests, printed

Version = Literal["v3", "v3beta1"]
KINDS: Final[dict[Version, Any]] = {
    "v3": dialogflowcx_v3.WebhookRequest.pb(),
    "v3beta1": dialogflowcx_v3beta1.WebhookRequest.pb(),
}


@pytest.mark.parametrize("version", KINDS)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_official_request_is_read_without_loss(version: Version, data: st.DataObject) -> None:
    message = data.draw(official_requests(version))

    dumped = read_request(printed(message).encode()).model_dump_json(by_alias=True, exclude_unset=True)

    # Compared as printed, since a message that holds NaN does not equal itself.
    assert _printed(json_format.Parse(dumped, KINDS[version]())) == _printed(message)


@pytest.mark.parametrize("version", KINDS)
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_attributes_hold_what_the_official_fields_hold(version: Version, data: st.DataObject) -> None:
    message: Any = data.draw(official_requests(version))

    request = read_request(printed(message).encode())

    assert (request.fulfillment_info.tag or "" if request.fulfillment_info else "") == message.fulfillment_info.tag
    assert (request.session_info.session or "" if request.session_info else "") == message.session_info.session
    for name in ("text", "trigger_intent", "transcript", "trigger_event", "dtmf_digits"):
        sent = getattr(message, name) if message.WhichOneof("query") == name else None
        assert getattr(request, name) == sent
    assert len(request.messages or ()) == len(message.messages)
    assert not request.model_extra


def _printed(message: Message) -> Any:
    return json.loads(printed(message))
