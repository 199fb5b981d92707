"""What is taken out of a call before it is kept in a file: what its name says is private, addresses, long numbers.

Types stay as they are, so that what is left is still a call. What users say in other words stays too.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import parse_qsl, urlencode

from cxfulfill.http import REDACTED

LONG: Final = 7
"""Digits from which on a number may be that of a telephone, an account or a card."""

_SHORTEST_ECHO: Final = 4
"""Characters of a private value from which on it is looked for in other texts."""
_SHORTEST_NUMBER: Final = 3
"""The same where all of them are digits: a card's code has three."""
_LONGEST_PATTERN: Final = 64
"""Characters of a private value up to which it is looked for in any case, and as whole words."""
_MOST_ECHOES: Final = 256
_ANYWHERE: Final = (
    "password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey", "passport", "email",
    "phone", "address", "birth", "creditcard", "cardnumber", "pincode", "callerid", "pwd", "authorization", "bearer",
    "cookie", "jwt", "privatekey", "accesskey", "securitycode", "socialsecurity", "bankaccount", "accountnumber",
)  # fmt: skip
"""What makes a name private wherever it stands in it."""
_WORDS: Final = frozenset(
    {"pin", "cvv", "cvc", "card", "iban", "ssn", "caller", "otp", "dob", "auth", "mail", "mobile"}
)
"""What makes a name private as a word of it, also in the plural."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])")
_BETWEEN: Final = re.compile(r"[\W\d_]+")

_PART: Final = r"[^\s@<>\"'(),;:]"
_FOUND: Final = re.compile(
    rf"(?<!{_PART}){_PART}+@{_PART}+"
    # What is kept though it has many digits: dates and times of ISO 8601, and UUIDs.
    r"|(?P<kept>(?<!\d)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)"
    r"(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d))?"
    r"|(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-]))"
    rf"|\+?\(?\d(?:[\s\-./()_\u00b7\u200b-\u200d\u2010-\u2015]{{0,3}}\d){{{LONG - 1},}}"
)
_ASSIGNED: Final = re.compile(
    r"""(?<![\w-])(?P<name>\w[\w-]*)(?P<mark>=|\\?["']\s*:\s*\\?["'])(?P<value>[^\s&"'\\]+)"""
)
"""A name and its value within a text, as in a URL or in JSON that is a text."""
_NAME: Final = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/agents/[^/\s]+(?:/[^\s]*)?")
"""A name of CX's, whose ids are no numbers of anybody."""
_SESSIONS: Final = "/sessions/"
_DIGITS: Final = ("dtmfDigits", "dtmf_digits")
_NAMES: Final = ("displayName", "display_name", "name", "key")
"""Members that say what the ``value`` beside them is."""


@lru_cache(512)
def is_private(name: str) -> bool:
    """Tell whether a member's or parameter's name says that its value is nobody's business.

    Args:
        name: The name, in any form: ``cardNumber``, ``card-number``, ``CARD_NUMBER``.

    Returns:
        Whether it does.
    """
    plain = normalize("NFKC", name)
    words = [word for word in _BETWEEN.split(_HUMP.sub(" ", plain).casefold()) if word]
    joined = "".join(words)
    return any(part in joined for part in _ANYWHERE) or any(word.removesuffix("s") in _WORDS for word in words)


class Redaction:
    """Takes what is private out of a call.

    Args:
        sources: JSON values of the call. What is private in them by its name is taken out of all other texts too: it is
            what the user has said, and what the answer repeats.
    """

    def __init__(self, *sources: Any) -> None:
        texts = sorted({text for source in sources for text in _private_texts(source)}, key=len, reverse=True)
        # Long ones are looked for in one go: patterns of them could be tried at each character of a text.
        self._long = [text for text in texts if len(text) > _LONGEST_PATTERN]
        echoes = "|".join(map(re.escape, texts[len(self._long) :][:_MOST_ECHOES]))
        self._echoes = re.compile(rf"(?<!\w)(?:{echoes})(?!\w)", re.IGNORECASE) if echoes else None

    def text(self, text: str) -> str:
        """Take addresses and long numbers out of a text, and what is private elsewhere.

        Args:
            text: The text.

        Returns:
            The text with ``[redacted]`` in their place; dates and times of ISO 8601, UUIDs and names of CX's are kept.
        """
        if _NAME.fullmatch(text):
            parent, mark, own = text.partition(_SESSIONS)
            return f"{parent}{mark}{self._session(own)}"
        return self._without(text)

    def value(self, value: Any, *, private: bool = False) -> Any:
        """Take what is private out of a JSON value.

        Args:
            value: The value.
            private: Whether all of it is.

        Returns:
            A value of the same shape: texts are ``[redacted]`` and numbers 0, or texts without what is private.
        """
        if isinstance(value, str):
            return self.text(value) if not private else value and REDACTED
        if isinstance(value, dict):
            return {
                self.text(name): self._member(name, item, private=private or hidden)
                for name, item, hidden in _members(value)
            }
        if isinstance(value, list):
            return [self.value(item, private=private) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        return 0 if private or abs(value) >= 10 ** (LONG - 1) else value

    def request(self, request: Any) -> Any:
        """Take what is private out of a WebhookRequest.

        Args:
            request: The request, as JSON.

        Returns:
            The same without it; its tag and id are kept.
        """
        kept = self.value(request)
        if isinstance(request, dict):
            if "detectIntentResponseId" in request:
                kept["detectIntentResponseId"] = request["detectIntentResponseId"]
            if isinstance(request.get("fulfillmentInfo"), dict) and "tag" in request["fulfillmentInfo"]:
                kept.setdefault("fulfillmentInfo", {})["tag"] = request["fulfillmentInfo"]["tag"]
        return kept

    def query(self, query: str) -> str:
        """Take what is private out of a query string.

        Args:
            query: The query, without its question mark.

        Returns:
            The query; as it was where there is nothing in it.
        """
        given = parse_qsl(query, keep_blank_values=True)
        kept = [(self.text(name), self.value(value, private=is_private(name))) for name, value in given]
        return query if kept == given else urlencode(kept)

    def _member(self, name: str, item: Any, *, private: bool) -> Any:
        if name in _DIGITS and isinstance(item, str) and not private:
            return item if len(item) == 1 else re.sub(r"\d", "0", item)
        return self.value(item, private=private)

    def _session(self, own: str) -> str:
        """Keep a session's id, unless it is somebody's number or address."""
        return own if self._without(own) == own else f"recorded-{sha256(own.encode()).hexdigest()[:12]}"

    def _without(self, text: str) -> str:
        for each in self._long:
            text = text.replace(each, REDACTED)
        if self._echoes is not None:
            text = self._echoes.sub(REDACTED, text)
        text = _ASSIGNED.sub(_unassigned, text)
        return _FOUND.sub(lambda found: found["kept"] or REDACTED, text)


def _unassigned(found: re.Match[str]) -> str:
    return f"{found['name']}{found['mark']}{REDACTED}" if is_private(found["name"]) else found[0]


def _members(value: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Give name and value of each member, and whether it is private by a name.

    A form's parameter is taken for what its display name says: its value stands beside it. So are pairs of another
    kind, of a name and a value.
    """
    named = (value[each] for each in _NAMES if each in value)
    hides = any(isinstance(each, str) and is_private(each) for each in named)
    for name, item in value.items():
        yield name, item, is_private(name) or (hides and name == "value")


def _private_texts(value: Any, *, private: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for _, item, hidden in _members(value):
            yield from _private_texts(item, private=private or hidden)
    elif isinstance(value, list):
        for item in value:
            yield from _private_texts(item, private=private)
    elif private and isinstance(value, str | int | float) and not isinstance(value, bool):
        text = f"{value:.15g}" if isinstance(value, float) else str(value).strip()
        if len(text) >= (_SHORTEST_NUMBER if text.isdigit() else _SHORTEST_ECHO):
            yield text
