"""Harbour Hotel, tested by conversations: ``cx`` calls the webhook as Dialogflow CX does."""

from collections.abc import Callable
from datetime import date, datetime

import pytest

from cxfulfill.testing import Cx, Intent
from example_app import hotel

STAY = {
    "check-in": date(2030, 6, 14),
    "nights": 3,
    "guests": 2,
    "room-type": "double",
    "guest-name": {"name": "Ada", "original": "ada"},
}


def test_the_guest_is_welcomed(cx: Cx) -> None:
    result = cx.say("hi", "welcome", intent="Default Welcome Intent")

    assert result.texts == ["Welcome to Harbour Hotel!"]
    assert [item["type"] for item in result.messages[1]["payload"]["richContent"][0]] == ["info", "image", "chips"]


def test_a_room_is_booked(cx: Cx) -> None:
    result = cx.call("book-room", parameters={**STAY, "offer": "QUAY10"})

    assert result.texts == ["Booked, Ada! Your reference is HH-07800; the stay is 387 euros."]
    assert result.parameters["total"] == 387
    assert "offer" not in result.parameters  # used up


def test_a_retry_of_dialogflow_books_once(cx: Cx, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = []

    def book(**stay: object) -> hotel.Booking:
        booked.append(stay)
        return hotel.Booking("HH-1", 387)

    monkeypatch.setattr(hotel, "book", book)

    first, second = cx.call_twice("book-room", parameters=STAY, concurrently=True)

    assert len(booked) == 1
    assert second.replayed
    assert second.body == first.body


def test_an_answer_that_got_lost_is_not_lost(cx: Cx) -> None:
    result = cx.call("book-room", parameters=STAY, fault="lost")

    assert len(result.delivery.attempts) == 2
    assert result.replayed
    assert result.parameters["total"] == 387


def test_a_room_that_is_sold_out_is_told(cx: Cx) -> None:
    result = cx.call("book-room", parameters={**STAY, "room-type": "penthouse"})

    assert result.texts == ["I am sorry, that room is sold out. May I offer you another one?"]


def test_a_booking_without_a_date_raises_an_event(cx: Cx) -> None:
    result = cx.call("book-room", parameters={**STAY, "check-in": None})

    assert (result.status, result.event) == (400, "webhook.error.bad-request")


def test_the_agent_asks_again_for_too_many_nights(cx: Cx) -> None:
    form = {"check-in": date(2030, 6, 14), "nights": None}

    result = cx.say("45 nights", "check-nights", page="Collect booking", form=form, collect={"nights": 45})

    assert result.texts == ["We can offer 30 nights. How many shall it be?"]
    assert result.reprompt == ["nights"]
    assert result.page == "Collect booking"

    result = cx.say("three then", collect={"nights": 3})

    assert result.page == "12f7d9c5-86ab-4e04-b3c8-5d60e1a9f27e"  # "Confirm booking"
    assert result.parameters["nights"] == 3


def test_a_question_on_the_phone(cx: Cx) -> None:
    asked = Intent("room.info", parameters={"room-type": ("a double", "double")})

    result = cx.speak("what is a double room", "room-info", intent=asked, parameters={"room-type": "double"})

    assert result.texts == ["A double room is 129 euros a night."]


@pytest.mark.parametrize(("keys", "transferred"), [("2", ["+14155550100"]), ("1", [])])
def test_a_key_transfers_the_call(cx: Cx, keys: str, transferred: list[str]) -> None:
    result = cx.press(keys, "keypad-menu")

    found = [each["telephonyTransferCall"]["phoneNumber"] for each in result.messages if "text" not in each]
    assert found == transferred


def test_the_hotel_triggers_an_event(cx: Cx) -> None:
    result = cx.event("loyalty-reminder", "loyalty-reminder", parameters={"points": 1250})

    assert result.texts == ["You have 1250 points. Would you like to use them?"]
    assert result.payload == {"points": 1250}


def test_a_transfer_asks_for_a_number_of_passengers_that_fits(cx: Cx) -> None:
    form = {"pickup": datetime(2030, 6, 14, 9, 30), "phone-number": "+14155550137", "passengers": 12}

    result = cx.call("airport-transfer", page="Collect transfer", form=form)

    assert result.texts == ["Our cars take eight passengers. How many are you?"]
    assert result.reprompt == ["passengers"]


def test_everything_is_forgotten(cx: Cx) -> None:
    result = cx.call("forget-me", parameters={"reference": "HH-20417", "offer": {"code": "QUAY10"}})

    assert result.parameters == {}


def test_a_flexible_webhook_tells_the_status(cx: Cx) -> None:
    result = cx.flexible("/bookings/<reference>", {"reference": "HH-20417"})

    assert result.json == {"reference": "HH-20417", "status": "confirmed"}
    assert result.parameters["booking-status"] == "confirmed"


def test_a_flexible_webhook_takes_lists_and_amounts(cx: Cx) -> None:
    wanted = {"nights": 2, "room-types": ["single", "double"], "budget": {"amount": 200, "currency": "EUR"}}

    result = cx.flexible("/quotes", {**wanted, "lang": "en"})

    assert result.parameters["best-room"] == "single"
    assert result.parameters["best-offer"] == {"amount": 178, "currency": "EUR"}


def test_the_handoff_is_the_one_that_was_looked_at(cx: Cx, cx_snapshot: Callable[..., None]) -> None:
    result = cx.call("human", parameters={"reference": "HH-20417"}, page="Handoff")

    cx_snapshot(result, ignore=["answer.fulfillmentResponse.messages.*.liveAgentHandoff.metadata.session"])


@pytest.mark.parametrize("tag", ["welcome", "book-room"])
def test_nobody_else_may_call(cx: Cx, tag: str) -> None:
    for stranger in (cx.as_caller(None), cx.wrong):
        result = stranger.call(tag)
        assert (result.status, result.event) == (401, "webhook.error.rejected")
