"""A description as CX's OpenAPI tools, by which playbooks call an API, take it: in OpenAPI 3.0, without what they lack.

Google's page on playbook tools says: parameters stand in path, query and headers, and are no objects; a body is empty
or JSON. Its examples are OpenAPI 3.0, and have an ``operationId`` in each operation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.openapi.lowering import lowered

OPENAPI_OF_TOOLS: Final = "3.0.3"
_CERTIFICATE: Final = "mutualTLS"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ForTools:
    """A description for tools.

    Attributes:
        document: It, in OpenAPI 3.0.
        remarks: Sentences on what it does not say that the application does.
    """

    document: dict[str, Any]
    remarks: tuple[str, ...]


def for_tools(document: Document) -> ForTools:
    """Make a description that CX's tools take.

    HEAD is left out, since a tool would learn nothing of its answer; so is a parameter outside of the body that takes
    a list or an object, which this package reads as JSON, and with it the operation where it is required; and client
    certificates, which OpenAPI 3.0 does not know.

    Args:
        document: What `cxfulfill.openapi.describe` gives.

    Returns:
        The description, and what was left out.
    """
    lost = _names_of_certificates(document["components"]["securitySchemes"])
    work = _Work(lost)
    paths = {path: item for path, given in document["paths"].items() if (item := work.item(path, given))}
    if lost:
        work.remarks.append("Client certificates are left out, which OpenAPI 3.0 does not know.")
    components = document["components"]
    schemes = {name: scheme for name, scheme in components["securitySchemes"].items() if name not in lost}
    schemas = {name: lowered(schema) for name, schema in components["schemas"].items()}
    made = {
        **document,
        "openapi": OPENAPI_OF_TOOLS,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": schemes},
    }
    return ForTools(made, tuple(work.remarks))


@dataclass(frozen=True, slots=True)
class _Work:
    """The operations while they are changed.

    Attributes:
        lost: Names of the security schemes that 3.0 does not know.
        remarks: What was left out.
    """

    lost: frozenset[str]
    remarks: list[str] = field(default_factory=list)

    def item(self, path: str, given: Document) -> dict[str, Any]:
        """Change the operations of a path; those that a tool cannot call are left out."""
        return dict(self._operations(path, given))

    def _operations(self, path: str, given: Document) -> Iterator[tuple[str, dict[str, Any]]]:
        for method, operation in given.items():
            if method == "head":
                continue
            structured = {each["name"]: each["required"] for each in operation["parameters"] if "content" in each}
            place = f"{method.upper()} {path}"
            if any(structured.values()):
                self._leave_out(place, [name for name, is_required in structured.items() if is_required])
                continue
            self.remarks.extend(
                f"The parameter {name} of {place} is left out: it takes a list or an object." for name in structured
            )
            yield method, self._operation(operation)

    def _leave_out(self, place: str, names: list[str]) -> None:
        self.remarks.append(
            f"{place} is left out: it needs {', '.join(names)}, a list or an object, which a tool sends in a body only."
        )

    def _operation(self, given: Document) -> dict[str, Any]:
        operation = dict(given)
        parameters = [each for each in given["parameters"] if "content" not in each]
        operation["parameters"] = [{**each, "schema": lowered(each["schema"])} for each in parameters]
        if "requestBody" in given:
            operation["requestBody"] = _lowered_content(given["requestBody"])
        operation["responses"] = {status: _lowered_content(each) for status, each in given["responses"].items()}
        ways = [{name: each for name, each in way.items() if name not in self.lost} for way in given["security"]]
        # A way in without any scheme would let everybody in.
        kept = [now for now, before in zip(ways, given["security"], strict=True) if now or not before]
        del operation["security"]
        if kept:
            operation["security"] = kept
        return operation


def _lowered_content(given: Document) -> dict[str, Any]:
    if "content" not in given:
        return dict(given)
    content = {kind: {**each, "schema": lowered(each["schema"])} for kind, each in given["content"].items()}
    return {**given, "content": content}


def _names_of_certificates(schemes: Document) -> frozenset[str]:
    return frozenset(name for name, scheme in schemes.items() if scheme["type"] == _CERTIFICATE)
