"""Findings for machines: JSON, SARIF 2.1.0 and the annotations of GitHub's workflows."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cxfulfill import __version__
from cxfulfill.agent.findings import Finding, Rule
from cxfulfill.agent.lines import line_of
from cxfulfill.agent.model import Agent
from cxfulfill.agent.rules import RULES

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME: Final = "%SRCROOT%"
"""SARIF's usual name for the root of a checkout, which paths are relative to."""


def path_of(agent: Agent, finding: Finding) -> str:
    """Tell which file a finding is in, for a reader in the current directory.

    Args:
        agent: The agent.
        finding: The finding.

    Returns:
        The path with ``/``, relative to the current directory where it is below that. For an agent in a zip it is that
        of the zip.
    """
    path = Path(finding.file) if finding.is_in_app and finding.file else agent.source
    if not finding.is_in_app and finding.file and agent.source.is_dir():
        path = agent.source / agent.root / finding.file
    whole, here = path.resolve(), Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def as_json(agent: Agent, findings: Iterable[Finding]) -> dict[str, Any]:
    """Give findings as JSON.

    Args:
        agent: The agent.
        findings: The findings.

    Returns:
        The document.
    """
    rows = [_row(agent, each) for each in findings]
    counts = {severity: sum(row["severity"] == severity for row in rows) for severity in ("error", "warning")}
    return {"version": 1, "agent": agent.name, "counts": counts, "findings": rows}


def _row(agent: Agent, finding: Finding) -> dict[str, Any]:
    rule = RULES[finding.code]
    return {
        "code": finding.code,
        "severity": rule.severity,
        "title": rule.title,
        "place": finding.place,
        "about": finding.about,
        "problem": finding.problem,
        "advice": rule.advice,
        "path": path_of(agent, finding),
        "file": "" if finding.is_in_app else finding.file,
        "line": line_of(agent, finding) or None,
        "fingerprint": finding.fingerprint,
    }


def as_sarif(agent: Agent, findings: Iterable[Finding]) -> dict[str, Any]:
    """Give findings in SARIF 2.1.0.

    Args:
        agent: The agent.
        findings: The findings.

    Returns:
        The log.
    """
    driver = {
        "name": "cxfulfill agent check",
        "version": __version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    results = [_result(agent, each) for each in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": f"{rule.title[0].upper()}{rule.title[1:]}."},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": rule.advice},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(agent: Agent, finding: Finding) -> dict[str, Any]:
    path = path_of(agent, finding)
    is_below = not path.startswith("/")
    uri = quote(path) if is_below else Path(path).as_uri()
    artifact = {"uri": uri, "uriBaseId": _HOME} if is_below else {"uri": uri}
    # A line is asked for by readers of SARIF; a file as a whole is its first.
    physical = {"artifactLocation": artifact, "region": {"startLine": max(line_of(agent, finding), 1)}}
    return {
        "ruleId": finding.code,
        "ruleIndex": list(RULES).index(finding.code),
        "level": RULES[finding.code].severity,
        "message": {"text": f"{finding.place}: {finding.problem}"},
        "locations": [{"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": finding.place}]}],
        "partialFingerprints": {"cxfulfill/v1": finding.fingerprint},
    }


def as_annotations(agent: Agent, findings: Iterable[Finding]) -> Iterator[str]:
    """Give findings as workflow commands of GitHub, which shows them beside the files.

    Args:
        agent: The agent.
        findings: The findings.

    Yields:
        A line for each.
    """
    for each in findings:
        rule = RULES[each.code]
        title = _property(f"{each.code} {rule.title}")
        where = f"file={_property(path_of(agent, each))},line={max(line_of(agent, each), 1)},title={title}"
        yield f"::{rule.severity} {where}::{_data(f'{each.place}: {each.problem} {rule.advice}')}"


def _data(text: str) -> str:
    safe = "".join(each if each.isprintable() or each in "\r\n" else "?" for each in text)
    return safe.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
