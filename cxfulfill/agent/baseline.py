"""Findings that are known and put up with, in a file beside the code."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.replacing import replace_text
from cxfulfill.errors import ConfigurationError

_VERSION: Final = 1


def read_baseline(path: Path) -> frozenset[str]:
    """Read a baseline.

    Args:
        path: The file.

    Returns:
        The findings' fingerprints.

    Raises:
        ConfigurationError: It is no baseline.
    """
    try:
        document: Any = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            raise ConfigurationError(f"the baseline is not of version {_VERSION}")
        return frozenset(str(each["fingerprint"]) for each in document["findings"])
    except OSError as error:
        raise ConfigurationError(f"the baseline cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigurationError("the file that is there is no baseline") from None


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write a baseline.

    Args:
        path: The file; a baseline that is there is replaced.
        findings: The findings.

    Raises:
        ConfigurationError: It cannot be written, or the file is another one than a baseline.
    """
    if path.exists():
        read_baseline(path)  # a slip of the name is not to cost a file
    rows = [
        {"code": each.code, "place": each.place, "about": each.about, "fingerprint": each.fingerprint}
        for each in findings
    ]
    document = {"version": _VERSION, "findings": rows}
    try:
        replace_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ConfigurationError(f"the baseline cannot be written: {error.strerror}") from None
