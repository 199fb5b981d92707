"""What an exported agent has besides flows: webhooks, entity types, intents, test cases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class WebhookResource:
    """A webhook as the agent has it. Of secrets it holds that they are there, and nothing else.

    Attributes:
        name: Its name.
        id: Its id.
        file: Its file, from the root of the export.
        url: Its URL without user and fragment; what is no reference to a parameter is taken out of the query.
        is_flexible: Whether it is a flexible one.
        method: Its HTTP method; POST for a standard one.
        body: Template of the JSON body, with ``...`` for what looks like a secret; empty for none.
        mapping: Paths into the answer by the parameter that takes what is there.
        headers: Names of the header fields that it sends.
        sends: How it proves who calls: header fields in lower case, and the kind of value in each.
        has_credential: Whether one of them looks like a credential: ``Authorization``, or a header named like a secret.
        in_the_clear: What of it is a secret that stands readable in the export: names, not values.
        timeout: Seconds that CX waits.
        is_disabled: Whether it is turned off.
        uses_service_directory: Whether it is called through Service Directory.
    """

    name: str
    id: str
    file: str
    url: str = field(repr=False)
    is_flexible: bool = False
    method: str = "POST"
    body: str = field(default="", repr=False)
    mapping: Mapping[str, str] = field(default_factory=dict, hash=False)
    headers: tuple[str, ...] = ()
    sends: frozenset[tuple[str, str]] = frozenset()
    has_credential: bool = False
    in_the_clear: tuple[str, ...] = ()
    timeout: float = 5.0
    is_disabled: bool = False
    uses_service_directory: bool = False


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type of the agent's author.

    Attributes:
        name: Its name, without ``@``.
        file: Its file, from the root of the export.
        kind: ``KIND_MAP``, ``KIND_LIST`` or ``KIND_REGEXP``.
        values: Its values, of all languages, each once.
        is_open: Whether it takes other values as well: automatic expansion.
    """

    name: str
    file: str
    kind: str
    values: tuple[str, ...] = ()
    is_open: bool = False

    @property
    def is_composite(self) -> bool:
        """Whether it gives objects: an entry of a list may be made of other entity types, as in ``@room @sys.date``."""
        return self.kind == "KIND_LIST" and any("@" in value for value in self.values)


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent.

    Attributes:
        name: Its name.
        id: Its id.
        file: Its file, from the root of the export.
        parameters: Entity type by parameter.
        lists: The parameters that are lists.
    """

    name: str
    id: str
    file: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a test case.

    Attributes:
        text: What the user said; None for another kind of input.
        event: The event; empty for none.
        digits: The keys that were pressed; empty for none.
        uses_webhook: Whether webhooks were called; None where the recording does not tell.
        injected: Parameters that were set before the turn.
        parameters: The session's parameters after the turn; None where they were not recorded.
        intent: The intent that was matched; empty for none.
        flow: The flow after the turn.
        page: The page after the turn.
        texts: What the agent said.
    """

    text: str | None
    event: str
    digits: str
    uses_webhook: bool | None
    injected: Mapping[str, Any] = field(hash=False)
    parameters: Mapping[str, Any] | None = field(hash=False)
    intent: str
    flow: str
    page: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test case.

    Attributes:
        name: Its name.
        file: Its file, from the root of the export.
        language: Language of the conversation.
        flow: The flow that it begins in; empty for the agent's first.
        page: The page that it begins on; empty for the start page.
        tags: Its tags.
        turns: Its turns.
    """

    __test__ = False  # no test of pytest's

    name: str
    file: str
    language: str = ""
    flow: str = ""
    page: str = ""
    tags: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
