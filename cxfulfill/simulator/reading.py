"""Reads an answer as Dialogflow CX reads it: strictly, where a single unknown member makes the whole of it invalid."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any, Final

from cxfulfill.errors import ConfigurationError, CxFulfillError
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from cxfulfill.simulator.findings import Finding, Reading, Version
from cxfulfill.simulator.official import OfficialRefusal, official_parser, ordered
from cxfulfill.simulator.strict import TOO_DEEP, StrictReader
from cxfulfill.simulator.tolerated import take_out

_PACKAGE: Final = "google-cloud-dialogflow-cx"
_NEWER: Final = f"is not known to this release, though it is to the installed {_PACKAGE}"
_REFUSED: Final = f"is refused by the message types of {_PACKAGE}"


class _Refused(CxFulfillError):
    """A body that is no JSON as CX's parser reads it."""


def read_answer(body: bytes, *, version: Version = "v3", official: bool | None = None) -> Reading:
    """Read an answer, and find what is wrong with it.

    Numbers in parameters and payloads become ``float``, since CX keeps doubles alone.

    Args:
        body: The body of the answer.
        version: The API's version whose messages the answer is read as.
        official: Whether Google's own message types (package google-cloud-dialogflow-cx) have the last word on it; None
            for where they are installed. The result is the same but for what their release knows and this one does not.

    Returns:
        The answer, or why it is refused.

    Raises:
        ConfigurationError: ``official`` is True and the package is not installed.
    """
    parse = None if official is False else official_parser(version)
    if official and parse is None:
        raise ConfigurationError(f"The official reading of answers needs {_PACKAGE}: pip install {_PACKAGE}")
    try:
        answer = _loads(_text(body))
    except _Refused as error:
        return Reading(None, (Finding("", str(error)),))
    passing = take_out(answer, version)
    reader = StrictReader(version)
    value: Any = reader.read(answer)
    findings = reader.findings
    if parse:
        value, findings = _confirmed(parse, answer, value, reader)
    refused = any(finding.severity == "error" for finding in findings)
    return Reading(None if refused else value, (*passing, *findings))


def _confirmed(parse: Callable[[Any], Any], answer: Any, value: Any, reader: StrictReader) -> tuple[Any, list[Finding]]:
    """Ask the official parser about an answer in which nothing is wrong but, perhaps, names that are not known."""
    findings = reader.findings
    wrong = {finding for finding in findings if finding.severity == "error"}
    if wrong - reader.strangers:
        return None, findings
    try:
        read = parse(answer)
    except OfficialRefusal:
        return None, findings if wrong else [*findings, Finding("", _REFUSED)]
    return ordered(read, value), [Finding(it.place, _NEWER, "warning") if it in wrong else it for it in findings]


def _text(body: bytes) -> str:
    if len(body) > MAX_REPLY_BYTES:
        raise _Refused(f"has {len(body)} bytes; CX reads at most {MAX_REPLY_BYTES}")
    if not body.strip():
        raise _Refused("is empty; an answer that does nothing is {}")
    if body.startswith(BOM_UTF8):
        raise _Refused("starts with a byte order mark, which CX's parser does not read")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _Refused("is not UTF-8") from None


def _loads(text: str) -> Any:
    """Parse JSON in the dialect of the official parser, which is Python's without duplicate members."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _Refused(f"is not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _Refused(TOO_DEEP) from None
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise _Refused("has a number beyond the range of a double") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused("has a member twice in one object")
    return members
