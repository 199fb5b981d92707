"""A flexible webhook's settings, read as ``cxfulfill routes --cx`` prints them."""

import re
from dataclasses import dataclass, field

from cxfulfill.simulator.flexible import FlexibleSettings

_BLOCK = re.compile(r"[A-Z]+ /.*: .*")


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

    @property
    def flexible(self) -> FlexibleSettings:
        return FlexibleSettings(
            method=self.fields["Method"],
            url=self.fields["URL"],
            headers=self.headers,
            body=self.body,
            mapping=self.mapping,
        )

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
