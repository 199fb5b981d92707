"""What the check of an agent finds, and where."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the check.

    Attributes:
        code: Its code, which never changes.
        severity: ``error`` where a call or a conversation goes wrong, ``warning`` where it may.
        title: What it finds, in a few words.
        meaning: A sentence on why that matters.
        advice: A sentence on what to do.
    """

    code: str
    severity: Severity
    title: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the check found.

    Attributes:
        code: The rule's code.
        place: Where: ``flow > page > route``, a webhook, or a handler.
        about: What it is about, such as a tag: with code and place, what tells it from others.
        problem: A sentence on what is wrong there.
        file: The file, from the root of the export; of a handler, that of its module; empty where it is not known.
        line: The line of a module; 0 for none.
        is_in_app: Whether the file is one of the application's.
    """

    code: str
    place: str
    about: str
    problem: str
    file: str = ""
    line: int = 0
    is_in_app: bool = False

    @property
    def fingerprint(self) -> str:
        """Names the finding over changes of files, lines and wording."""
        return hashlib.sha256("\0".join((self.code, self.place, self.about)).encode()).hexdigest()[:32]
