"""CX's side of a flexible webhook: what it sends of the settings that an agent's author enters, and what it takes.

A stand-in that does what Google's page on webhooks says. It reads the settings as ``cxfulfill routes --cx`` prints
them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from jsonpath_rfc9535 import find_one

_REFERENCE = re.compile(r"\$session\.params\.([\w-]+)")
_BLOCK = re.compile(r"[A-Z]+ /.*: .*")
_NO_VALUE = object()


@dataclass
class Settings:
    """A webhook's settings, as they are printed."""

    fields: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return self._pairs("Request headers")

    @property
    def body(self) -> str:
        return "\n".join(self.parts.get("Request body", ()))

    @property
    def mapping(self) -> dict[str, str]:
        return self._pairs("Response configuration")

    def request(self, parameters: Mapping[str, Any]) -> tuple[str, str, str | None, dict[str, str]]:
        """Make the request: method, URL, body and headers."""
        url = substituted(self.fields["URL"], parameters, "url")
        body = substituted(self.body, parameters, "body") if self.body else None
        headers = {name: substituted(value, parameters, "header") for name, value in self.headers.items()}
        return self.fields["Method"], url, body, headers

    def _pairs(self, title: str) -> dict[str, str]:
        lines = [line.partition(": ") for line in self.parts.get(title, ()) if not line.startswith("none: ")]
        return {name: value for name, _, value in lines}


def printed(output: str) -> dict[str, Settings]:
    """Read what is printed: settings by method and path."""
    found: dict[str, Settings] = {}
    current, part = Settings(), ""
    for line in output.splitlines():
        text = line.strip()
        if not line.startswith(" "):
            current = Settings()
            if _BLOCK.fullmatch(line):
                found[line.partition(": ")[0]] = current
        elif line.startswith("    "):
            current.parts[part].append(line[4:])
        elif text in ("Request headers", "Request body", "Response configuration"):
            part = text
            current.parts[part] = []
        elif re.match(r"(?:Type|Method|URL): ", text):
            name, _, value = text.partition(": ")
            current.fields[name] = value
        else:
            current.remarks.append(text)
    return found


def substituted(template: str, parameters: Mapping[str, Any], into: Literal["url", "header", "body"]) -> str:
    """Put the values of session parameters in place of the references to them; one without a value stays."""
    if into == "body":
        return json.dumps(_filled(json.loads(template), parameters))

    def value_of(found: re.Match[str]) -> str:
        value = parameters.get(found[1], _NO_VALUE)
        if value is _NO_VALUE:
            return found[0]
        return quote(_text(value), safe="") if into == "url" else _text(value)

    return _REFERENCE.sub(value_of, template)


def mapped(answer: Any, mapping: Mapping[str, str]) -> dict[str, Any]:
    """Take the session parameters out of an answer; one for which there is nothing is left out."""
    found = {name: find_one(path, answer) for name, path in mapping.items()}
    return {name: node.value for name, node in found.items() if node is not None}


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member, parameters) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, parameters) for member in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return parameters.get(whole[1], value)
    return _REFERENCE.sub(lambda found: _text(parameters.get(found[1], found[0])), value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
