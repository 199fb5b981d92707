"""ID tokens that were verified before: let in again at once, and never where a verification would refuse them."""

from typing import Any

import pytest

from cxfulfill import GoogleIdToken, Unauthorized
from cxfulfill.auth.base import NeedsIO, Principal
from cxfulfill.auth.verified import Verified, digest_of
from tests.auth.tokens_support import K2, NOW, Source, app_g, bearing, claims, jwk, settled, token
from tests.clock import Clock


class Counting:
    """Counts the look-ups of keys: each one is a verification."""

    def __init__(self, auth: GoogleIdToken, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        find = auth.keys.find

        def counted(key_id: str) -> Any:
            self.count += 1
            return find(key_id)

        monkeypatch.setattr(auth.keys, "find", counted)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def auth(source: Source, clock: Clock) -> GoogleIdToken:
    made = app_g(source, clock=clock)
    made.warm()
    return made


def test_a_token_is_verified_once(auth: GoogleIdToken, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(auth, monkeypatch)
    bearer = bearing(f"Bearer {token()}")
    assert [auth.authenticate(bearer) for _ in range(5)] == [auth.authenticate(bearer)] * 5
    assert counting.count == 1


def test_it_is_not_remembered_past_its_expiry(
    auth: GoogleIdToken, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bearer = bearing(f"Bearer {token(claims(exp=int(NOW) + 60))}")
    auth.authenticate(bearer)
    counting = Counting(auth, monkeypatch)
    clock.seconds = NOW + 59
    auth.authenticate(bearer)
    assert counting.count == 0
    clock.seconds = NOW + 60  # within the skew of two clocks: verified again, and let in
    auth.authenticate(bearer)
    assert counting.count == 1
    clock.seconds = NOW + 90
    with pytest.raises(Unauthorized) as refused:
        auth.authenticate(bearer)
    assert refused.value.reason == "token_expired"


def test_a_clock_that_is_set_back_lets_nobody_in(auth: GoogleIdToken, clock: Clock) -> None:
    bearer = bearing(f"Bearer {token()}")
    auth.authenticate(bearer)
    clock.seconds = NOW - 3_600
    with pytest.raises(Unauthorized) as refused:
        auth.authenticate(bearer)
    assert refused.value.reason == "token_not_yet_valid"


def test_a_remembered_token_does_not_outlive_its_key(source: Source, clock: Clock) -> None:
    source.max_age = 60.0
    auth = app_g(source, clock=clock)
    auth.warm()
    bearer = bearing(f"Bearer {token()}")
    auth.authenticate(bearer)
    source.keys = [jwk(K2, "k2")]
    clock.seconds += 61
    with pytest.raises(NeedsIO) as need:  # the keys' age counts for what is remembered, too
        auth.authenticate(bearer)
    need.value.fetch()
    clock.seconds += 31
    with pytest.raises(Unauthorized) as refused:
        settled(auth, bearer)
    assert refused.value.reason == "unknown_key"


def test_the_same_keys_fetched_again_cost_one_verification(
    source: Source, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.max_age = 60.0
    auth = app_g(source, clock=clock)
    auth.warm()
    bearer = bearing(f"Bearer {token()}")
    auth.authenticate(bearer)
    clock.seconds += 61
    auth.warm()
    counting = Counting(auth, monkeypatch)
    auth.authenticate(bearer)
    auth.authenticate(bearer)
    assert counting.count == 1


def test_what_one_verifier_remembers_is_nothing_to_another(source: Source, clock: Clock) -> None:
    first, other = app_g(source, clock=clock), app_g(source, clock=clock, audience="https://other.example/cx")
    first.warm()
    other.warm()
    bearer = bearing(f"Bearer {token()}")
    first.authenticate(bearer)
    with pytest.raises(Unauthorized) as refused:
        other.authenticate(bearer)
    assert refused.value.reason == "audience_not_allowed"


@pytest.mark.parametrize("place", [10, -1, -40])
def test_a_token_that_is_alike_is_verified(auth: GoogleIdToken, place: int) -> None:
    good = token()
    auth.authenticate(bearing(f"Bearer {good}"))
    at = place % len(good)
    changed = good[:at] + ("A" if good[at] != "A" else "Q") + good[at + 1 :]
    with pytest.raises(Unauthorized):
        auth.authenticate(bearing(f"Bearer {changed}"))


def test_a_refused_token_is_refused_again(auth: GoogleIdToken, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(auth, monkeypatch)
    forged = bearing(f"Bearer {token(signature=token().rpartition('.')[2][:-8] + 'AAAAAAAA')}")
    for _ in range(3):
        with pytest.raises(Unauthorized) as refused:
            auth.authenticate(forged)
        assert refused.value.reason == "bad_signature"
    assert counting.count == 3


def test_the_oldest_makes_room(source: Source, clock: Clock) -> None:
    auth = app_g(source, clock=clock)
    auth.warm()
    verified, keys = Verified(limit=2), auth.keys.held()
    caller = Principal("a@b.example", "google-id-token")
    digests = [digest_of(text) for text in ("one", "two", "three")]
    for digest in (*digests, digests[2]):
        verified.note(digest, caller, keys, since=NOW, until=NOW + 60)
    assert [verified.find(digest, auth.keys, NOW) for digest in digests] == [None, caller, caller]


def test_no_token_is_held_in_memory(auth: GoogleIdToken) -> None:
    value = token()
    auth.authenticate(bearing(f"Bearer {value}"))
    held = repr(vars(auth._verified))
    assert value not in held
    assert value.rpartition(".")[2] not in held


@pytest.mark.parametrize("value", ["Bearer \ud800", "Bearer " + "a" * 10_000, ""])
def test_a_header_of_any_kind_can_be_digested(auth: GoogleIdToken, value: str) -> None:
    with pytest.raises(Unauthorized):
        auth.authenticate(bearing(value))
