"""CX's side of a flexible webhook: what it sends of the settings, and what it takes of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cxfulfill.cx_settings import CxSettings, cx_settings
from cxfulfill.errors import BadRequest
from cxfulfill.http import WITH_BODY
from cxfulfill.protocol.json import MAX_REPLY_BYTES, loads
from cxfulfill.simulator.findings import Finding
from cxfulfill.simulator.substitution import substituted
from cxfulfill.simulator.values import doubles
from cxfulfill.webhook import Webhook

Request = tuple[str, str, Mapping[str, str], bytes]
"""Method, URL, header fields and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexibleSettings:
    """A flexible webhook as an agent's author enters it.

    Attributes:
        method: The HTTP method.
        url: The URL, with references to session parameters.
        headers: Values, with references, by header. Secrets may stand there, so that they are not shown.
        body: The template of the JSON body; empty for none.
        mapping: JSONPath by the session parameter that is set; ``$flow.name`` for one of the flow.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: CxSettings) -> Self:
        """Take the settings that a route calls for.

        Args:
            settings: What is to be entered.

        Returns:
            The same, as entered.
        """
        return cls(
            method=settings.method,
            url=settings.url,
            headers=settings.headers,
            body=settings.body,
            mapping=settings.response,
        )

    def request(self, parameters: Mapping[str, Any]) -> Request:
        """Make the request.

        Args:
            parameters: The session parameters.

        Returns:
            Method, URL, header fields without credentials, and body.

        Raises:
            ConfigurationError: The template of the body is no JSON.
        """
        headers = {name: substituted(value, parameters, "header") for name, value in self.headers.items()}
        body = b""
        if self.body and self.method in WITH_BODY:
            body = substituted(self.body, parameters, "body").encode()
            if not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
        return self.method, substituted(self.url, parameters, "url"), headers, body


def flexible_settings(webhook: Webhook, base: str) -> Mapping[tuple[str, str], FlexibleSettings]:
    """Enter an application's flexible routes, as ``cxfulfill routes --cx`` says.

    Args:
        webhook: The application.
        base: The URL that it is served at, without a slash at its end.

    Returns:
        Settings by method and the path's pattern: ``("GET", "/orders/<id>")``.
    """
    each = cx_settings(webhook, base)
    return {(settings.method, settings.route.pattern.text): FlexibleSettings.of(settings) for settings in each}


def mapped(answer: bytes, mapping: Mapping[str, str]) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """Take the session parameters out of an answer with status 200.

    Args:
        answer: The body.
        mapping: JSONPath by parameter: with a leading ``$``, or bare as in ``sessionInfo.parameters.x``.

    Returns:
        Values by parameter, without those for which there is nothing; and what is to be said of it.
    """
    if len(answer) > MAX_REPLY_BYTES:
        return {}, (Finding("", f"the answer has {len(answer)} bytes; CX reads {MAX_REPLY_BYTES} (64 KiB)"),)
    try:
        document = doubles(loads(answer))
    except BadRequest as error:
        return {}, (Finding("", f"the answer is no JSON ({error.reason})"),)
    except OverflowError:
        return {}, (Finding("", "the answer has a number beyond the range of a double"),)
    values, findings = {}, []
    for name, path in mapping.items():
        found, finding = _taken(name, path, document)
        if found:
            values[name] = found[0]
        if finding is not None:
            findings.append(finding)
    return values, tuple(findings)


def _taken(name: str, path: str, document: Any) -> tuple[list[Any], Finding | None]:
    # Only who maps answers pays for the import.
    from jsonpath_rfc9535 import JSONPathError, find  # noqa: PLC0415

    try:
        nodes = find(path if path.startswith("$") else f"$.{path}", document)
    except JSONPathError:
        return [], Finding(name, "what is to be taken of the answer is no JSONPath (RFC 9535)")
    found = [node.value for node in nodes]
    if not found:
        problem = "the answer has nothing at its path; what CX then does is not documented, and here it is left out"
        return [], Finding(name, problem, "warning")
    if len(found) > 1:
        problem = "its path finds several values; what CX then takes is not documented, and here it is the first"
        return found, Finding(name, problem, "warning")
    return found, None
