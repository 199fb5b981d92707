"""The conversation of a test: Dialogflow CX over a `Webhook` in this process."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Self, Unpack

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.caller import CX_TIMEOUT, Caller
from cxfulfill.simulator.credentials import IdTokenCredential
from cxfulfill.simulator.cx_options import Options, fault_of, input_of
from cxfulfill.simulator.flexible import flexible_settings
from cxfulfill.simulator.in_process import InProcess
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.over_http import OverHttp
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Credential, Transport
from cxfulfill.simulator.served import whose
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Simulator
from cxfulfill.simulator.trusted import credential_for, trusting
from cxfulfill.simulator.turns import Turn
from cxfulfill.simulator.wrong import wrong_credential
from cxfulfill.webhook import Webhook

BASE_URL: Final = "https://webhook.test"
"""Where an application in this process is called; nothing is looked up or connected."""


class Cx(Simulator):
    """Dialogflow CX, as a test drives it; `Cx.of` makes one for a webhook, and `Cx.at` one for a URL.

    Args:
        session: The session.
        caller: Makes the calls.
        webhook: The application; None where it runs in another process.
        issuer: Signs tokens that it trusts; None where there is none.
        close: Ends what it holds, such as connections; None for nothing.
    """

    def __init__(
        self,
        session: Session,
        caller: Caller,
        webhook: Webhook | None = None,
        issuer: LocalIssuer | None = None,
        *,
        close: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(session, caller)
        self.webhook = webhook
        self.issuer = issuer
        self._close = close
        self._right = caller.credential

    @classmethod
    def of(
        cls,
        webhook: Webhook,
        *,
        session: Session | None = None,
        credential: Credential | None = None,
        timeout: float = CX_TIMEOUT,
        retries: int = 1,
        own_store: bool = False,
    ) -> Self:
        """Call a webhook in this process: its own pipeline, without a socket.

        Calls are remembered in memory, by this object alone. Tokens are signed by an issuer of this process, whose
        keys stand in the place of Google's, or your identity provider's, for these calls only.

        Args:
            webhook: The application; it is frozen.
            session: The session; a new one of an agent that the application serves by default.
            credential: What calls prove themselves with; the right one by default.
            timeout: Seconds that CX waits for an answer.
            retries: How often CX repeats a call that got no answer.
            own_store: Whether calls are remembered in the application's own store.

        Returns:
            The conversation.

        Raises:
            ConfigurationError: The application cannot be frozen, or its credential cannot be made up here.
        """
        issuer = _issuer()
        session = session or Session(**whose(webhook))
        transport = InProcess(webhook, trust=lambda auth: trusting(auth, issuer), own_store=own_store)
        right = credential or credential_for(webhook, issuer, session=session.name)
        caller = Caller(transport, url=f"{BASE_URL}{webhook.path}", credential=right, timeout=timeout, retries=retries)
        return cls(session, caller, webhook, issuer, close=transport.close)

    @classmethod
    def at(
        cls,
        url: str,
        *,
        session: Session | None = None,
        credential: Credential | None = None,
        transport: Transport | None = None,
        timeout: float = CX_TIMEOUT,
        retries: int = 1,
    ) -> Self:
        """Call whatever is served on a URL.

        Args:
            url: The whole URL of the standard webhook.
            session: The session; a new one by default.
            credential: What calls prove themselves with; nothing by default.
            transport: Carries the calls; an `OverHttp` by default.
            timeout: Seconds that CX waits for an answer.
            retries: How often CX repeats a call that got no answer.

        Returns:
            The conversation.

        Raises:
            ConfigurationError: The URL is none.
        """
        own = OverHttp()
        caller = Caller(transport or own, url=url, credential=credential, timeout=timeout, retries=retries)
        return cls(session or Session(), caller, close=own.close)

    def call(self, tag: str, turn: Turn | None = None, **options: Unpack[Options]) -> Result:
        """Make a call, in a turn of its own.

        Args:
            tag: The fulfillment's tag.
            turn: What the user does; by default nothing, as in a fulfillment that no words have led to.
            options: As in `Options`.

        Returns:
            What became of it, whatever it is.

        Raises:
            ConfigurationError: Nothing can be called so: an option that there is none of, a session that is over.
        """
        fault, faults = fault_of(options)
        return self.make(input_of(tag, turn, options), fault=fault, faults=faults)

    def call_twice(
        self, tag: str, turn: Turn | None = None, *, concurrently: bool = False, **options: Unpack[Options]
    ) -> tuple[Result, Result]:
        """Make a call that is delivered twice, with the same bytes.

        Args:
            tag: The fulfillment's tag.
            turn: As for `call`.
            concurrently: Whether the second delivery is sent while the first still runs.
            options: As in `Options`, without faults.

        Returns:
            What became of each delivery: first the one whose handler has run.
        """
        if options.keys() & {"fault", "faults"}:
            raise ConfigurationError("call_twice takes no fault: both deliveries are answered")
        return self.make_twice(input_of(tag, turn, options), concurrently=concurrently)

    def say(self, text: str, tag: str = "", **options: Unpack[Options]) -> Result:
        """Type something.

        Args:
            text: The text.
            tag: The tag that it leads to; that of the call before by default.
            options: As in `Options`.

        Returns:
            What became of the call.
        """
        return self.call(self._tag(tag), Turn("text", text), **options)

    def speak(self, transcript: str, tag: str = "", **options: Unpack[Options]) -> Result:
        """Say something on the phone; as for `say`."""
        return self.call(self._tag(tag), Turn("transcript", transcript), **options)

    def press(self, digits: str, tag: str = "", **options: Unpack[Options]) -> Result:
        """Press keys of the phone, without the finish digit; as for `say`."""
        return self.call(self._tag(tag), Turn("dtmf", digits), **options)

    def event(self, name: str, tag: str = "", **options: Unpack[Options]) -> Result:
        """Trigger an event, as the program that calls the agent does; as for `say`."""
        return self.call(self._tag(tag), Turn("event", name), **options)

    def trigger(self, name: str, tag: str = "", **options: Unpack[Options]) -> Result:
        """Trigger an intent by its display name, such as ``Default Welcome Intent`` for a phone call; as for `say`."""
        return self.call(self._tag(tag), Turn.of("intent", name), **options)

    def flexible(self, path: str, parameters: Mapping[str, Any] | None = None, *, method: str = "") -> Result:
        """Call a flexible webhook of the application, with what `cxfulfill routes --cx` says to enter in CX.

        Args:
            path: The pattern of its path, as it is registered: ``/orders/<int:id>``.
            parameters: Session parameters that are set before; references in URL, headers and body get their values.
            method: The HTTP method; needed where the path takes several.

        Returns:
            What became of it; what the mapping takes of the answer are session parameters then.

        Raises:
            ConfigurationError: There is no such path, or it takes several methods.
        """
        if self.webhook is None or self.issuer is None:
            raise ConfigurationError("by URL, call it with what is entered in CX: make_flexible(FlexibleSettings(...))")
        known = flexible_settings(self.webhook, BASE_URL)
        found = [verb for verb, pattern in known if pattern == path and method in ("", verb)]
        if len(found) != 1:
            there = ", ".join(f"{verb} {pattern}" for verb, pattern in known) or "none"
            raise ConfigurationError(f"name one of the application's flexible routes, which are: {there}")
        self.check_going_on()
        self.session.set(parameters or {})
        settings = known[found[0], path]
        routes = self.webhook.routes()
        route = next(each for each in routes if each.pattern.text == path and settings.method in each.methods)
        if route.auth is None or self.caller.credential is not self._right:
            return self.make_flexible(settings)
        own = credential_for(self.webhook, self.issuer, session=self.session.name, route=route)
        return self.as_caller(own).make_flexible(settings)

    @property
    def wrong(self) -> Self:
        """The same conversation by a caller whose credential is of the right kind, and wrong."""
        if self.caller.credential is None:
            raise ConfigurationError("there is no credential that could be wrong: the webhook lets everybody in")
        return self.as_caller(wrong_credential(self.caller.credential))

    def as_service_account(self, email: str, audience: str) -> Self:
        """Give the same conversation by another service account, with a token of Google that is valid.

        Args:
            email: Its e-mail address.
            audience: Whom the token is for.

        Returns:
            The conversation.

        Raises:
            ConfigurationError: The application runs in another process.
        """
        if self.issuer is None:
            raise ConfigurationError("by URL, give IdTokenCredential(issuer, ...) of an issuer that is trusted there")
        return self.as_caller(IdTokenCredential(self.issuer, email=email, audience=audience))

    def close(self) -> None:
        """End its threads and connections; a transport that was given, and the application, stay open."""
        if self._close is not None:
            self._close()

    def __repr__(self) -> str:
        return f"<Cx {len(self.results)} calls>"

    def _tag(self, tag: str) -> str:
        if not tag and not self.results:
            raise ConfigurationError("name the tag that this leads to, as in cx.say('two nights', 'check-nights')")
        return tag or self.results[-1].tag


@cache
def _issuer() -> LocalIssuer:
    """Make the issuer of this process, once: its key takes longer than many a test."""
    return LocalIssuer()
