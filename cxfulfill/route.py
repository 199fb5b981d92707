"""A flexible handler as it is registered, and what becomes of its answer."""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Self

from cxfulfill.auth.base import Authenticator, check_policy, credential_headers
from cxfulfill.context import Call, log_of
from cxfulfill.errors import ConfigurationError, ReplyError
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.http import CREDENTIAL_HEADERS, METHODS
from cxfulfill.mapping import SingularPath, read_mapping
from cxfulfill.parameters.answers import ResponseSchema, response_for
from cxfulfill.parameters.base import Schema
from cxfulfill.paths import PathPattern, read_pattern
from cxfulfill.protocol import json
from cxfulfill.protocol.values import to_json_value
from cxfulfill.registration import Layer, Options, Registration
from cxfulfill.reply import Reply, is_response
from cxfulfill.structures import keyword_structure

_HEADER: Final = r"[A-Za-z0-9-]+"
_ANSWER: Final = "the handler's answer"
_log = logging.getLogger("cxfulfill")


@keyword_structure
class Route(Registration):
    """A registered flexible handler.

    Attributes:
        pattern: The path's pattern.
        methods: The methods that it takes; HEAD comes with GET.
        headers: Parameter by the header field that it is taken from.
        response: Schema of what the handler returns.
        mapping: What CX takes of the answer: paths by parameter.
        auth: Who may call; None leaves it to the application.
    """

    kind: ClassVar[type[Call]] = FlexibleContext

    pattern: PathPattern
    methods: tuple[str, ...]
    headers: Mapping[str, str]
    response: ResponseSchema | None
    mapping: Mapping[str, SingularPath]
    auth: Authenticator | None

    @classmethod
    def read(
        cls,
        path: str,
        options: Options,
        layer: Layer,
        *,
        methods: Iterable[str],
        headers: Mapping[str, str] | None,
        response: Any,
        mapping: Mapping[str, str] | None,
        auth: Authenticator | None,
        fallback: Any,
    ) -> Self:
        """Check what a flexible handler is registered with.

        Args:
            path: See `FlexibleRoutes.flexible`, as for all that follow but these two.
            options: The handler and its options.
            layer: What its router adds.
            methods: HTTP methods.
            headers: Parameter by header field.
            response: Type of what the handler returns.
            mapping: Paths by parameter.
            auth: Who may call.
            fallback: The answer when time is up.

        Returns:
            The route.

        Raises:
            ConfigurationError: One of them is wrong.
        """
        try:
            schema = None if response is None else _read_response(response)
            route = cls(
                options=options, fallback=None, layers=(layer,), pattern=read_pattern(path),
                methods=_read_methods(methods), headers=_read_headers(headers), response=schema,
                mapping=read_mapping(mapping, schema.shape() if schema else None), auth=auth,
            )  # fmt: skip
            route.check()
            route.check_schema(options.schema)
        except ConfigurationError as error:
            raise ConfigurationError(f"{options.function.place}: {error}") from error
        route.check_kind()
        return route if fallback is None else replace(route, fallback=route.encode_fallback(fallback))

    @property
    def conditions(self) -> str:
        """See `Registration`: methods and pattern."""
        return f"{','.join(self.methods)} {self.pattern.text}"

    def encode(self, call: Call, answer: Any) -> bytes:
        """See `Registration`; notes what the mapping does not find."""
        value = self._value(answer)
        missing = sorted(name for name, path in self.mapping.items() if not path.select(value))
        if missing:
            log = log_of(call)
            log.warning(
                "request_id=%s route=%s mapping: the answer has nothing for %s, which CX then leaves out",
                call.request_id, json.dumps(self.pattern.text).decode(), ", ".join(missing),
            )  # fmt: skip
        return json.bounded(json.dumps(value), _ANSWER, is_free=True)

    def encode_fallback(self, answer: Any) -> bytes:
        """Turn a ``fallback=`` into what is sent.

        Args:
            answer: What was given.

        Returns:
            JSON.

        Raises:
            ConfigurationError: CX would refuse it.
        """
        try:
            return json.bounded(json.dumps(self._value(answer)), _ANSWER, is_free=True)
        except ReplyError as error:
            raise ConfigurationError(f"{self.place}: fallback=: {error}") from error

    def check(self) -> None:
        """Check what the route says of itself.

        Raises:
            ConfigurationError: A header is a credential or no header, goes where something else goes as well, or the
                mapping has no answer to take from.
        """
        if self.auth is not None:
            check_policy(self.auth)
        if self.mapping and self.methods == ("HEAD",):
            raise ConfigurationError("mapping: the answer to HEAD has no body")
        targets = [*self.headers.values(), *self.pattern.variables]
        twice = next((name for name in targets if targets.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"the parameter {twice!r} would come from two places of path and headers")
        own = frozenset() if self.auth is None else credential_headers(self.auth)
        self.check_credentials(CREDENTIAL_HEADERS | own)

    def check_credentials(self, hidden: Collection[str]) -> None:
        """Check that no credential is taken for data.

        Args:
            hidden: Lower-case names of the header fields that no handler sees.

        Raises:
            ConfigurationError: A chosen header is one.
        """
        chosen = next((name for name in self.headers if name.lower() in hidden), None)
        if chosen is not None:
            raise ConfigurationError(f"headers= must not hold {chosen}: it is a credential, and no handler sees it")

    def check_schema(self, schema: Schema | None) -> None:
        """Check what the route feeds into the handler's schema, as far as it is known.

        Args:
            schema: The schema.

        Raises:
            ConfigurationError: A header goes to a parameter that the schema does not name, or a variable of the path to
                a field whose parameter has another name.
        """
        if schema is None or not schema.names:
            return
        hidden = (schema.fields or frozenset()).intersection(self.pattern.variables) - schema.names
        if hidden:
            raise ConfigurationError(
                f"the path's variable {min(hidden)!r} is a field, but not the name that its parameter is read by; "
                "a pydantic model can take both (validate_by_name=True)"
            )
        unknown = set(self.headers.values()) - schema.names
        if unknown:
            raise ConfigurationError(f"headers= names the parameter {min(unknown)!r}, which the handler's type lacks")

    def _value(self, answer: Any) -> Any:
        if isinstance(answer, Reply):
            answer = answer.response
        if is_response(answer):
            if self.response is not None:
                raise ReplyError(_ANSWER, "is that to a standard call, where response= says another type")
            return answer.model_dump(exclude_unset=True)
        if self.response is not None:
            answer = self.response.dump(answer)
        elif answer is None:
            answer = {}
        try:
            return to_json_value(answer)
        except ReplyError as error:
            raise error.under(_ANSWER) from None


def _read_methods(methods: Iterable[str]) -> tuple[str, ...]:
    """Check a ``methods=``.

    Args:
        methods: HTTP methods.

    Returns:
        The same in capitals, each once, and HEAD with GET (RFC 9110 9.3.2: the same without the body).

    Raises:
        ConfigurationError: There is none, or one that CX does not call with.
    """
    given = [methods] if isinstance(methods, str) else list(methods or ())
    if not given or not all(isinstance(method, str) and method.upper() in METHODS for method in given):
        raise ConfigurationError(f"methods= takes one or several of {', '.join(METHODS)}")
    names = {method.upper() for method in given}
    names |= {"HEAD"} if "GET" in names else set()
    return tuple(method for method in METHODS if method in names)


def _read_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Check a ``headers=``.

    Args:
        headers: Parameter by header field.

    Returns:
        The same.

    Raises:
        ConfigurationError: It is no such mapping.
    """
    if not isinstance(headers, Mapping | None):
        raise ConfigurationError('headers= takes the parameter by header field: {"X-Lang": "lang"}')
    given = dict(headers or {})
    if not all(isinstance(name, str) and re.fullmatch(_HEADER, name) for name in given):
        raise ConfigurationError("headers= takes names of header fields: letters, digits and hyphens")
    return given


def _read_response(kind: Any) -> ResponseSchema:
    try:
        return response_for(kind)
    except ConfigurationError as error:
        raise ConfigurationError(f"response=: {error}") from error
