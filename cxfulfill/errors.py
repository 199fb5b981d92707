"""One exception tree: what went wrong, the HTTP status that tells CX, and the event that CX then raises.

Statuses and events are those of Google's webhook page: 400 raises ``webhook.error.bad-request``, 401 and 403
``webhook.error.rejected``, 404 ``webhook.error.not-found``, 503 ``webhook.error.unavailable``, everything else
``webhook.error``.
"""

import re
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Final, Self, TypeVar

T = TypeVar("T")

STATUSES_OF_CX: Final = frozenset({400, 401, 403, 404, 500, 503})
"""The statuses of errors that Google's webhook page names."""

_REASON = r"[a-z][a-z0-9_]{0,63}"


class CxFulfillError(Exception):
    """The root of all exceptions of this package."""


class ConfigurationError(CxFulfillError):
    """The application is put together wrongly; raised at import or at start, before a call is served."""

    @classmethod
    def for_extra(cls, what: str, extra: str) -> Self:
        """Say that an optional package is missing.

        Args:
            what: What needs it.
            extra: The extra of this package that installs it.

        Returns:
            The error.
        """
        return cls(f"{what} needs the extra {extra}: pip install 'cxfulfill[{extra}]'")


class ReplyError(CxFulfillError):
    """An answer that CX would refuse. The call ends with 500 and a log line that names the field.

    Attributes:
        field: The place in the answer in CX's spelling, such as ``sessionInfo.parameters.offer``.
        problem: What is wrong with it, as the rest of a sentence; never the value.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field or 'the value'} {self.problem}"

    def under(self, parent: str) -> Self:
        """Say the same of a place one level further up.

        Args:
            parent: The field, or index in brackets, that holds this error's field.

        Returns:
            A new error whose field starts with ``parent``.
        """
        joint = "." if self.field and not self.field.startswith("[") else ""
        return type(self)(f"{parent}{joint}{self.field}", self.problem)


class HttpError(CxFulfillError):
    """A failure that is answered with its own status. Raise one of the subclasses.

    Args:
        message: For the developer who reads the exception; it is neither sent nor logged.
        reason: A code for the answer and the log: lower-case letters, digits and underscores.
        detail: A sentence for the caller. It is sent, so nothing of the request belongs in it.
        headers: Response headers that the status calls for, such as ``("Allow", "POST")``.
        note: A sentence for whoever reads the log, such as what to set. It is logged and never sent; no secret
            and nothing of a body belongs in it.

    Raises:
        ValueError: ``reason`` is not such a code, or a header holds a control character.
    """

    status: ClassVar[int] = 500
    event: ClassVar[str] = "webhook.error"
    title: ClassVar[str] = "Internal Server Error"
    default_reason: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        reason: str | None = None,
        detail: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        note: str | None = None,
    ) -> None:
        super().__init__(message or detail or self.title)
        if reason is not None and not re.fullmatch(_REASON, reason):
            raise ValueError("reason takes lower-case letters, digits and underscores")
        if not isinstance(detail, str | None) or not isinstance(note, str | None):
            raise TypeError("detail and note take text")
        self.reason = reason or self.default_reason
        self.detail = detail
        self.note = note
        self.headers = tuple(headers)
        if any(not text.isprintable() for field in self.headers for text in field):
            raise ValueError("headers take printable text: a line end would begin another field")


class BadRequest(HttpError):
    """400: the call cannot be understood, or its parameters are wrong."""

    status = 400
    event = "webhook.error.bad-request"
    title = "Bad Request"
    default_reason = "bad_request"


class ParameterError(BadRequest):
    """400: parameters do not fit the handler's schema.

    Args:
        problems: See the attribute.
        messages: See the attribute.

    Attributes:
        problems: One ``(name, code)`` a problem: the parameter's name, and what is wrong: pydantic's error type
            (``missing``, ``int_parsing``, ...), the key of marshmallow's message, or an entity's own code. Never its
            value.
        messages: What could be said to the user about a parameter, by its name; without its value. They are not sent
            unless you do so.
    """

    default_reason = "invalid_parameters"

    def __init__(self, problems: Iterable[tuple[str, str]], messages: Mapping[str, str] | None = None) -> None:
        self.problems = tuple(problems)
        self.messages = dict(messages or {})
        named = ", ".join(f"{name} ({code})" for name, code in self.problems)
        super().__init__(detail=f"Parameters do not fit: {named}.")


class Unauthorized(HttpError):
    """401: the caller did not prove who it is. Carries at least one ``WWW-Authenticate`` challenge.

    Args:
        challenge: The challenges, such as ``Basic realm="webhook"``; without one it is Bearer's, since RFC 9110
            wants one.
        reason: As for `HttpError`.
        note: As for `HttpError`.
    """

    status = 401
    event = "webhook.error.rejected"
    title = "Unauthorized"
    default_reason = "unauthorized"

    def __init__(self, *challenge: str, reason: str | None = None, note: str | None = None) -> None:
        challenges = challenge or ('Bearer realm="webhook"',)
        super().__init__(reason=reason, note=note, headers=[("WWW-Authenticate", value) for value in challenges])


class Forbidden(HttpError):
    """403: the caller is known and may not do this."""

    status = 403
    event = "webhook.error.rejected"
    title = "Forbidden"
    default_reason = "forbidden"


class NotFound(HttpError):
    """404: no such path, tag or thing."""

    status = 404
    event = "webhook.error.not-found"
    title = "Not Found"
    default_reason = "not_found"


class MethodNotAllowed(HttpError):
    """405: the path does not take this method.

    Args:
        allow: The methods that it takes.
    """

    status = 405
    title = "Method Not Allowed"
    default_reason = "method_not_allowed"

    def __init__(self, *allow: str) -> None:
        super().__init__(headers=[("Allow", ", ".join(allow))])


class RequestTimeout(HttpError):
    """408: the body did not arrive in time."""

    status = 408
    title = "Request Timeout"
    default_reason = "body_too_slow"


class ContentTooLarge(HttpError):
    """413: the body is larger than the application reads."""

    status = 413
    title = "Content Too Large"
    default_reason = "body_too_large"


class UnsupportedMediaType(HttpError):
    """415: the body is not uncoded UTF-8 JSON."""

    status = 415
    title = "Unsupported Media Type"
    default_reason = "unsupported_media_type"


class InternalError(HttpError):
    """500: a defect of the application."""


class Unavailable(HttpError):
    """503: the work cannot be done now.

    Args:
        message: As for `HttpError`.
        retry_after: Seconds after which a new call makes sense, sent as ``Retry-After``.
        reason: As for `HttpError`.
        detail: As for `HttpError`.
        note: As for `HttpError`.
    """

    status = 503
    event = "webhook.error.unavailable"
    title = "Service Unavailable"
    default_reason = "unavailable"

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: int = 1,
        reason: str | None = None,
        detail: str | None = None,
        note: str | None = None,
    ) -> None:
        retry = ("Retry-After", str(max(0, int(retry_after))))
        super().__init__(message, reason=reason, detail=detail, note=note, headers=[retry])


def of_cx(error: Exception) -> Exception:
    """Tell what stands for an error of the user's code: those of the transport are not the user's to raise.

    Args:
        error: The error.

    Returns:
        The same, or an `InternalError` (``undocumented_status``) where it has a status that CX does not document.
    """
    if not isinstance(error, HttpError) or error.status in STATUSES_OF_CX:
        return error
    told = InternalError(reason="undocumented_status")
    told.__cause__ = error
    return told


def nearest(error: Exception, layers: Iterable[Mapping[type[Exception], T]]) -> T | None:
    """Find what is registered for an error, by the nearest of its classes.

    Args:
        error: The error.
        layers: What is registered, by class; the innermost router's first.

    Returns:
        What was found, or None.
    """
    for found in layers:
        for kind in type(error).__mro__:
            if kind in found:
                return found[kind]
    return None


def statement_of(error: BaseException) -> str:
    """Name the statement of a module that an exception came out of while the module was imported.

    Args:
        error: The exception.

    Returns:
        Such as `` (main.py, line 10)``; empty where no import was under way.
    """
    statements = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
    return "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in statements[-1:])
