"""What every authenticator, key source and secret source must do, as tests; `cxfulfill.testing` hands them out."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cxfulfill.auth.base import (
    Authenticator,
    NeedsIO,
    Principal,
    check_authenticator,
    credential_headers,
    identify,
    is_ready,
)
from cxfulfill.auth.keys import KeyCache, KeyDocument, KeySource
from cxfulfill.auth.sources import SecretSource
from cxfulfill.errors import Forbidden, HttpError, Unauthorized, Unavailable
from cxfulfill.http import CREDENTIAL_HEADERS, Headers, HttpRequest


class _Unreadable:
    def read(self, limit: int, timeout: float) -> bytes:
        del limit, timeout
        raise AssertionError("an authenticator must not read the body")


def _head(fields: Mapping[str, str]) -> HttpRequest:
    return HttpRequest("POST", "/webhook", Headers(fields), body=_Unreadable())


def settled(authenticator: Authenticator, http: HttpRequest) -> Principal:
    """Ask an authenticator as the pipeline does: fetch what it asks for, and ask it again.

    Args:
        authenticator: The authenticator.
        http: The request.

    Returns:
        The caller.

    Raises:
        AssertionError: It asks without end.
        HttpError: It refused.
    """
    for _ in range(8):
        try:
            return identify(authenticator, http)
        except NeedsIO as need:
            fetch = need.fetch
        fetch()
    raise AssertionError("it asks for one fetch after another")


class AuthenticatorContract:
    """What every authenticator must do."""

    def authenticator(self) -> Authenticator:
        """Make the authenticator."""
        raise NotImplementedError("write authenticator(): return the authenticator that is tested, a new one each time")

    def accepted(self) -> Iterable[Mapping[str, str]]:
        """Give header fields that let a caller in."""
        raise NotImplementedError("write accepted(): return header fields that let a caller in, a dict for each case")

    def refused(self) -> Iterable[Mapping[str, str]]:
        """Give header fields that do not: wrong, malformed or expired credentials."""
        raise NotImplementedError("write refused(): return header fields with wrong credentials, a dict for each case")

    def test_it_is_an_authenticator(self) -> None:
        """It has the right shape, and tells whether it is ready without failing."""
        authenticator = self.authenticator()
        check_authenticator(authenticator)
        assert is_ready(authenticator) in (True, False), "its ready() must tell True or False"

    def test_it_accepts(self) -> None:
        """A right credential gives a principal, each time the same, and the body is not read."""
        authenticator = self.authenticator()
        for case, fields in _cases("accepted", self.accepted()):
            principal = settled(authenticator, _head(fields))
            assert principal.name, f"the principal of {case} has no name"
            assert principal.method, f"the principal of {case} has no method"
            again = settled(authenticator, _head(fields))
            assert again == principal, f"the principal of {case} is another one when it is asked again"

    def test_it_refuses(self) -> None:
        """Everything else is a refusal that CX understands, a 401 with a challenge, and never another error."""
        authenticator = self.authenticator()
        garbled = ((f"{case} with a garbled value", fields) for case, fields in _garbled(self.accepted()))
        for case, fields in (("a request without credentials", {}), *_cases("refused", self.refused()), *garbled):
            refusal = _refusal(authenticator, fields)
            assert refusal is not None, f"it lets in who must stay out: {case}"
            assert isinstance(refusal, Unauthorized | Forbidden | Unavailable), (
                f"it must refuse with Unauthorized, Forbidden or Unavailable, which CX understands: {case}"
            )
            challenged = any(name == "WWW-Authenticate" for name, _ in refusal.headers)
            assert challenged or not isinstance(refusal, Unauthorized), f"the 401 has no challenge: {case}"

    def test_it_hides_secrets(self) -> None:
        """Its ``repr`` shows no value of a header, and the headers with secrets are hidden from handlers."""
        authenticator = self.authenticator()
        hidden = CREDENTIAL_HEADERS | credential_headers(authenticator)
        for case, fields in _cases("accepted", self.accepted()):
            shown = [name for name, value in fields.items() if value in repr(authenticator)]
            assert not shown, f"its repr shows the value of {', '.join(shown)} in {case}"
            open_ones = {name.lower() for name in fields} - hidden
            assert not open_ones, f"credential_headers lacks {', '.join(sorted(open_ones))}, so handlers can see it"


def _cases(method: str, given: Iterable[Mapping[str, str]]) -> list[tuple[str, Mapping[str, str]]]:
    cases = [(f"case {number} of {method}()", fields) for number, fields in enumerate(given, 1)]
    assert cases, f"{method}() gives no case, so that this test would prove nothing"
    return cases


def _refusal(authenticator: Authenticator, fields: Mapping[str, str]) -> HttpError | None:
    try:
        settled(authenticator, _head(fields))
    except HttpError as refusal:
        return refusal
    return None


def _garbled(accepted: Iterable[Mapping[str, str]]) -> Iterable[tuple[str, Mapping[str, str]]]:
    for number, fields in enumerate(accepted, 1):
        for name, value in fields.items():
            for other in ("", " ", "\x00", "é" * 10, value[:-1], f"{value},{value}", f"{value} x", value[::-1]):
                yield f"case {number} of accepted()", {**fields, name: other}


class KeySourceContract:
    """What every source of keys must do."""

    def source(self) -> KeySource:
        """Make the source."""
        raise NotImplementedError("write source(): return the source of keys that is tested, a new one each time")

    def test_it_gives_a_document(self) -> None:
        """Its document is a JSON object, and the age of it a number of seconds or not known."""
        document = self.source().fetch()
        assert isinstance(document, KeyDocument), "fetch() must return a KeyDocument"
        assert _is_object(document.content), "the document must be a JSON object: a JWK set, or a map of certificates"
        assert document.max_age is None or document.max_age >= 0, "max_age must be seconds, or None where not known"

    def test_a_cache_takes_it(self) -> None:
        """A cache can hold what it gives."""
        cache: KeyCache[Any] = KeyCache(self.source(), lambda document: document)
        cache.warm()
        assert cache.ready(), "a cache holds nothing of what it gives; the log tells why"


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


class SecretSourceContract:
    """What every source of a secret must do."""

    def source(self) -> SecretSource:
        """Make the source."""
        raise NotImplementedError("write source(): return the source of a secret that is tested, a new one each time")

    def secret(self) -> str:
        """Give the secret that it holds."""
        raise NotImplementedError("write secret(): return the secret that the source holds")

    def test_it_gives_the_secret(self) -> None:
        """The value is text, each time the same, whether it must be fetched first or not."""
        source = self.source()
        for _ in range(3):
            try:
                value = source.get()
            except NeedsIO as need:
                need.fetch()
                value = source.get()
            assert isinstance(value, str), "get() must return text"
            assert value == self.secret(), "get() returns another text than secret()"

    def test_it_hides_the_secret(self) -> None:
        """Its ``repr`` does not show it."""
        source = self.source()
        assert self.secret() not in repr(source), "its repr shows the secret"
