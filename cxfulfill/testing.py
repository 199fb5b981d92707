"""Help for tests: of handlers, which are plain functions and get what `make_context` makes, and of one's own parts.

A contract is a class of tests that every implementation must pass. Subclass it in a test module and say what it is
about: ``class TestTeamHeader(AuthenticatorContract): ...``.
"""

import json
import time
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
from cxfulfill.auth.keys import KeyCache, KeySource
from cxfulfill.auth.sources import SecretSource
from cxfulfill.context import Context, Deadline
from cxfulfill.errors import Forbidden, HttpError, Unauthorized, Unavailable
from cxfulfill.http import CREDENTIAL_HEADERS, Headers, HttpRequest
from cxfulfill.protocol.request import WebhookRequest, read_request

AGENT = "projects/test-project/locations/global/agents/test-agent"
_MEMBERS = {info.alias for info in WebhookRequest.model_fields.values() if info.alias}

PAGE = f"{AGENT}/flows/test-flow/pages/test-page"


def make_request(
    tag: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    **members: Any,
) -> WebhookRequest:
    """Make the request of a webhook call.

    Args:
        tag: The tag.
        parameters: Session parameters.
        form: Values of the current page's form parameters; None is an empty one.
        members: Further members of the request in CX's spelling, such as ``transcript="two nights"``.

    Returns:
        The request.

    Raises:
        BadRequest: A member has the wrong shape.
        TypeError: A WebhookRequest has no such member.
    """
    unknown = members.keys() - _MEMBERS
    if unknown:
        raise TypeError(f"a WebhookRequest has no member {min(unknown)}; it has {', '.join(sorted(_MEMBERS))}")
    page: dict[str, Any] = {"currentPage": PAGE, "displayName": "Test page"}
    if form is not None:
        page["formInfo"] = {"parameterInfo": [_form_parameter(name, value) for name, value in form.items()]}
    body = {
        "detectIntentResponseId": "00000000-0000-4000-8000-000000000001",
        "pageInfo": page,
        "sessionInfo": {"session": f"{AGENT}/sessions/test-session", "parameters": dict(parameters or {})},
        "fulfillmentInfo": {"tag": tag},
        "languageCode": "en",
        **members,
    }
    return read_request(json.dumps(body).encode())


def make_context(
    tag: str = "test",
    *,
    parameters: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    seconds: float = 4.5,
    **members: Any,
) -> Context:
    """Make the context of a webhook call, to call a handler with.

    Args:
        tag: The tag.
        parameters: Session parameters.
        form: Values of the current page's form parameters; None is an empty one.
        seconds: Time until the deadline.
        members: Further members of the request in CX's spelling, such as ``text="hello"``.

    Returns:
        The context.

    Raises:
        BadRequest: A member has the wrong shape.
        TypeError: A WebhookRequest has no such member.
    """
    return Context(
        http=HttpRequest.build("POST", "/webhook"),
        principal=Principal("test", "none"),
        deadline=Deadline(time.monotonic() + seconds, time.monotonic),
        request_id="00000000-0000-4000-8000-000000000002",
        request=make_request(tag, parameters=parameters, form=form, **members),
    )


def _form_parameter(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"displayName": name, "required": True, "state": "EMPTY"}
    return {"displayName": name, "required": True, "state": "FILLED", "value": value}


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
        raise NotImplementedError

    def accepted(self) -> Iterable[Mapping[str, str]]:
        """Give header fields that let a caller in."""
        raise NotImplementedError

    def refused(self) -> Iterable[Mapping[str, str]]:
        """Give header fields that do not: wrong, malformed or expired credentials."""
        raise NotImplementedError

    def test_it_is_an_authenticator(self) -> None:
        """It has the right shape, and tells whether it is ready without failing."""
        authenticator = self.authenticator()
        check_authenticator(authenticator)
        assert is_ready(authenticator) in (True, False)

    def test_it_accepts(self) -> None:
        """A right credential gives a principal, each time the same, and the body is not read."""
        authenticator = self.authenticator()
        for fields in self.accepted():
            principal = settled(authenticator, _head(fields))
            assert principal.name
            assert principal.method
            assert settled(authenticator, _head(fields)) == principal

    def test_it_refuses(self) -> None:
        """Everything else is a refusal that CX understands, a 401 with a challenge, and never another error."""
        authenticator = self.authenticator()
        for fields in ({}, *self.refused(), *_garbled(self.accepted())):
            refusal = _refusal(authenticator, fields)
            assert isinstance(refusal, Unauthorized | Forbidden | Unavailable), "it lets in who must stay out"
            challenged = any(name == "WWW-Authenticate" for name, _ in refusal.headers)
            assert challenged or not isinstance(refusal, Unauthorized)

    def test_it_hides_secrets(self) -> None:
        """Its ``repr`` shows no value of a header, and the headers with secrets are hidden from handlers."""
        authenticator = self.authenticator()
        hidden = CREDENTIAL_HEADERS | credential_headers(authenticator)
        for fields in self.accepted():
            assert not [value for value in fields.values() if value in repr(authenticator)]
            assert {name.lower() for name in fields} <= hidden


def _refusal(authenticator: Authenticator, fields: Mapping[str, str]) -> HttpError | None:
    try:
        settled(authenticator, _head(fields))
    except HttpError as refusal:
        return refusal
    return None


def _garbled(accepted: Iterable[Mapping[str, str]]) -> Iterable[Mapping[str, str]]:
    for fields in accepted:
        for name, value in fields.items():
            for other in ("", " ", "\x00", "é" * 10, value[:-1], f"{value},{value}", f"{value} x", value[::-1]):
                yield {**fields, name: other}


class KeySourceContract:
    """What every source of keys must do."""

    def source(self) -> KeySource:
        """Make the source."""
        raise NotImplementedError

    def test_it_gives_a_document(self) -> None:
        """Its document is a JSON object, and the age of it a number of seconds or not known."""
        document = self.source().fetch()
        assert isinstance(json.loads(document.content), dict)
        assert document.max_age is None or document.max_age >= 0

    def test_a_cache_takes_it(self) -> None:
        """A cache can hold what it gives."""
        cache: KeyCache[Any] = KeyCache(self.source(), lambda document: document)
        cache.warm()
        assert cache.ready()


class SecretSourceContract:
    """What every source of a secret must do."""

    def source(self) -> SecretSource:
        """Make the source."""
        raise NotImplementedError

    def secret(self) -> str:
        """Give the secret that it holds."""
        raise NotImplementedError

    def test_it_gives_the_secret(self) -> None:
        """The value is text, each time the same, whether it must be fetched first or not."""
        source = self.source()
        for _ in range(3):
            try:
                value = source.get()
            except NeedsIO as need:
                need.fetch()
                value = source.get()
            assert value == self.secret()

    def test_it_hides_the_secret(self) -> None:
        """Its ``repr`` does not show it."""
        source = self.source()
        assert self.secret() not in repr(source)
