"""Which handler answers which tag.

A tag is matched exactly or by a pattern in which ``*`` stands for any characters. An exact tag wins over a
pattern, a pattern with more other characters over one with fewer, and among the handlers of one tag the one with
more narrowing. Two handlers that could both be meant are an error when the second is registered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cxfulfill.deferral import read_deferral
from cxfulfill.errors import ConfigurationError
from cxfulfill.flexible import FlexibleRoutes
from cxfulfill.handlers import (
    M,
    check_exception_class,
    check_middleware,
    place_of,
    read_error_handler,
)
from cxfulfill.idempotency.business import check_idempotent
from cxfulfill.narrowing import Narrowing
from cxfulfill.registration import Key, Layer, Options, check_timeout
from cxfulfill.reply import encode_reply
from cxfulfill.table import Entry

if TYPE_CHECKING:
    from cxfulfill.annotations import Answer, Handler, Lost, Middleware

H = TypeVar("H", bound="Handler")
E = TypeVar("E", bound=Callable[..., Any])
Names = str | Iterable[str] | None


class Router(FlexibleRoutes):
    """Handlers with defaults of their own, to be included in a `Webhook` or another router.

    Args:
        timeout: Seconds for handlers that name none; see `handler`.
        idempotent: Whether handlers that do not say so are de-duplicated; see `handler`.
        middleware: Runs around its handlers, outermost first.
        on_error: Functions ``f(ctx, error)`` by exception class; see `on_error`.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        idempotent: bool | None = None,
        middleware: Iterable["Middleware"] = (),
        on_error: Mapping[type[Exception], Callable[..., Any]] | None = None,
    ) -> None:
        super().__init__()
        self.layer = Layer(
            timeout=check_timeout(timeout),
            idempotent=check_idempotent("Router", idempotent),
            middlewares=[check_middleware(function) for function in middleware],
            error_handlers={kind: read_error_handler(kind, function) for kind, function in (on_error or {}).items()},
        )
        self._exact: dict[str, list[Entry]] = {}
        self._patterns: list[Entry] = []

    def entries(self) -> Iterator[Entry]:
        """List the registered handlers.

        Yields:
            Exact tags first, in the order of registration.
        """
        for entries in self._exact.values():
            yield from entries
        yield from self._patterns

    def handler(
        self,
        tag: str | Iterable[str],
        *,
        params: Any = None,
        timeout: float | None = None,
        fallback: "Answer" = None,
        deferred: bool = False,
        pending: "Answer" = None,
        on_lost: "Lost" = None,
        idempotent: bool | None = None,
        idempotency_key: Key = None,
        ttl: float | None = None,
        on_invalid: Literal["reprompt"] | None = None,
        page: Names = None,
        flow: Names = None,
        intent: Names = None,
        event: Names = None,
        language: Names = None,
    ) -> Callable[[H], H]:
        """Register a handler; the decorated function is returned unchanged.

        Args:
            tag: The fulfillment's tag, several of them, or a pattern with ``*``.
            params: Type of the handler's second argument, where its annotation cannot name it.
            timeout: Seconds from the arrival of the call within which it is answered, at most 30. A plain
                handler then runs in a thread of a bounded pool.
            fallback: The answer when time is up; without it that is 503.
            deferred: True for work that may take longer than CX waits: a call that is not done in time answers
                ``pending`` and writes the session parameter ``job-TAG``, and the next call with it collects the result.
            pending: The answer while deferred work goes on.
            on_lost: The answer, or a function ``f(ctx)`` that gives it, where deferred work was lost with its worker;
                without it that is 503.
            idempotent: False for a look-up that may well run for each delivery of a call; by default a retry gets
                the answer of the first delivery.
            idempotency_key: A key of your own: the name of a field of the parameters, a function of the context, or
                an `IdempotencyKey`.
            ttl: Seconds that the answer is kept for retries.
            on_invalid: ``"reprompt"`` asks the user again where parameters of the current page's form do not fit; by
                default that is a 400.
            page: Only on this page, or these: display name, id or full name.
            flow: Only in this flow, or these: id or full name.
            intent: Only if this intent, or one of these, was matched: display name, id or full name.
            event: Only if this event, or one of these, was triggered.
            language: Only in this language, or these: ``en`` means ``en-US`` too.

        Returns:
            The decorator.

        Raises:
            ConfigurationError: The function is not ``f(ctx)`` or ``f(ctx, params)``, or another handler could
                be meant as well; the error names both places.
        """
        if callable(tag):
            raise ConfigurationError(f'{place_of(tag)}: write @handler with a tag: @handler("book-room")')

        def register(function: H) -> H:
            self.add_handler(
                tag, function, params=params, timeout=timeout, fallback=fallback,
                deferred=deferred, pending=pending, on_lost=on_lost,
                idempotent=idempotent, idempotency_key=idempotency_key, ttl=ttl,
                on_invalid=on_invalid, page=page, flow=flow, intent=intent, event=event, language=language,
            )  # fmt: skip
            return function

        return register

    def add_handler(
        self,
        tag: str | Iterable[str],
        function: "Handler",
        *,
        params: Any = None,
        timeout: float | None = None,
        fallback: "Answer" = None,
        deferred: bool = False,
        pending: "Answer" = None,
        on_lost: "Lost" = None,
        idempotent: bool | None = None,
        idempotency_key: Key = None,
        ttl: float | None = None,
        on_invalid: Literal["reprompt"] | None = None,
        page: Names = None,
        flow: Names = None,
        intent: Names = None,
        event: Names = None,
        language: Names = None,
    ) -> None:
        """Register a handler: the explicit twin of `handler`, with the same arguments."""
        options = Options.read(
            function, params=params, timeout=timeout,
            idempotent=idempotent, idempotency_key=idempotency_key, ttl=ttl,
        )  # fmt: skip
        place = options.function.place
        entry = Entry(
            tag="",
            options=options,
            narrowing=Narrowing.of(page=page, flow=flow, intent=intent, event=event, language=language),
            fallback=None if fallback is None else encode_reply(None, fallback),
            reprompts=_check_on_invalid(on_invalid, options),
            deferral=read_deferral(options, deferred=deferred, pending=pending, on_lost=on_lost, fallback=fallback),
            layers=(self.layer,),
        )
        entry.check_kind()
        for each in _tags(tag, place):
            self._add(replace(entry, tag=each))

    def fallback(self, function: H) -> H:
        """Register the handler of every tag that no other handler takes: the pattern ``*``."""
        self.add_handler("*", function)
        return function

    def middleware(self, function: M) -> M:
        """Register a middleware: ``def m(call): answer = yield; return None``, or a replacement.

        Those of an outer router run around those of an inner one.
        """
        self.check_open()
        self.layer.middlewares.append(check_middleware(function))
        return function

    def on_error(self, *kinds: type[Exception]) -> Callable[[E], E]:
        """Register a function ``f(ctx, error)`` that answers in place of a failure.

        The nearest class in the error's MRO decides, in the innermost router first.

        Args:
            kinds: Exception classes.

        Returns:
            The decorator.

        Raises:
            ConfigurationError: The class has such a function already, it is no exception class, or the function
                is not ``f(ctx, error)``.
        """
        for kind in kinds or (None,):
            check_exception_class(kind)

        def register(function: E) -> E:
            self.check_open()
            functions = self.layer.error_handlers
            for kind in kinds:
                read = read_error_handler(kind, function)
                if kind in functions:
                    first, second = functions[kind].place, place_of(function)
                    raise ConfigurationError(f"on_error({kind.__name__}) is set twice: {first} and {second}")
                functions[kind] = read
            return function

        return register

    def include(self, router: "Router", *, prefix: str = "") -> None:
        """Take over the handlers of another router, which is closed by that.

        Args:
            router: The router.
            prefix: Put in front of its tags as it stands; paths of flexible handlers are not changed.

        Raises:
            ConfigurationError: One of its handlers is in conflict with one of this router.
        """
        if "*" in prefix:
            raise ConfigurationError("include: prefix is literal and must not hold *")
        if router is self:
            raise ConfigurationError("include: a router cannot hold itself")
        for entry in router.entries():
            self._add(replace(entry, tag=prefix + entry.tag, layers=(*entry.layers, self.layer)))
        for route in router.routes():
            self.add_route(replace(route, layers=(*route.layers, self.layer)))
        router.close_registration("it was included")

    def _add(self, entry: Entry) -> None:
        self.check_open()
        others = self._patterns if entry.is_pattern else self._exact.setdefault(entry.tag, [])
        for other in others:
            if entry.conflicts(other):
                raise ConfigurationError(
                    f"two handlers could answer {entry.tag!r}: {other.place} ({other.tag!r}) and "
                    f"{entry.place}; narrow one of them"
                )
        others.append(entry)


def _tags(tag: str | Iterable[str], place: str) -> list[str]:
    tags = [tag] if isinstance(tag, str) else list(tag)
    if not tags or not all(isinstance(each, str) and each for each in tags):
        raise ConfigurationError(f"{place}: a handler needs a tag, or several, of at least one character")
    return tags


def _check_on_invalid(on_invalid: str | None, options: Options) -> bool:
    if on_invalid not in (None, "reprompt"):
        raise ConfigurationError(f'{options.function.place}: on_invalid is "reprompt" or None')
    if on_invalid and not options.function.takes_params:
        raise ConfigurationError(f"{options.function.place}: on_invalid= needs a handler f(ctx, params)")
    return on_invalid == "reprompt"
