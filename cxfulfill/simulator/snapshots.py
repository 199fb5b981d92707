"""Answers that are kept in files and compared: golden files."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cxfulfill.simulator.printable import printable
from cxfulfill.simulator.result import Result

IGNORED: Final = "[ignored]"
_NO_NAME: Final = re.compile(r"[^\w.-]+")


def snapshot_of(result: Result, ignore: Iterable[str] = ()) -> str:
    """Write what became of a call as a golden file has it.

    Args:
        result: The result.
        ignore: Places whose values may differ, such as ``parameters.reference``; ``*`` is any one member or index.

    Returns:
        Text: status, event, page, session parameters and the answer, as JSON in a fixed order.
    """
    try:
        answer = result.json
    except ValueError:
        answer = result.body.decode(errors="backslashreplace")
    document: Any = {
        "status": result.status,
        "event": result.event,
        "page": result.page,
        "parameters": result.parameters,
        "answer": answer if result.ok else {"reason": result.reason},
    }
    document = json.loads(json.dumps(document))  # a copy that can be changed
    for place in ignore:
        _hide(document, place.split("."))
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def file_name(test: str, number: int) -> str:
    """Name the golden file of a test.

    Args:
        test: The test's name, with its parameters.
        number: The how manieth of the test, from 1.

    Returns:
        A name that any file system takes.
    """
    plain = _NO_NAME.sub("-", test).strip("-")[:120]
    # Of two tests whose names are alike but for such characters, or far behind, each has its own file.
    mark = (
        "" if plain in (test, f"{test.rstrip(']').replace('[', '-')}") else f"-{sha256(test.encode()).hexdigest()[:6]}"
    )
    return f"{plain}{mark}{'' if number == 1 else f'-{number}'}.json"


def difference(path: Path, text: str) -> str:
    """Compare with a golden file.

    Args:
        path: The file.
        text: What it is compared with.

    Returns:
        What is different, line by line; empty where nothing is.
    """
    kept = path.read_text(encoding="utf-8")
    lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), f"{path.name} (kept)", "now", lineterm="")
    return "\n".join(map(printable, lines))


def _hide(value: Any, steps: list[str]) -> None:
    step, *rest = steps
    names = list(value) if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        if step not in ("*", str(name)):
            continue
        if rest:
            _hide(value[name], rest)
        else:
            value[name] = IGNORED
