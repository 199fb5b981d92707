"""What is kept of an answer, as bytes: versioned and with lengths, so that what is foreign or cut off is found out."""

import json
from typing import Any, Final, NamedTuple, Protocol

from cxfulfill.errors import Unavailable

_MAGIC: Final = b"cxf\x01"
_NEXT_TURN: Final = ("targetPage", "targetFlow", "pageInfo")
"""What belongs to the turn in which it was said: a later one must not be led to another page by it."""


class Encryption(Protocol):
    """Hides answers at rest; `cryptography.fernet.MultiFernet` is one."""

    def encrypt(self, data: bytes) -> bytes:
        """Hide what is kept."""
        ...

    def decrypt(self, token: bytes) -> bytes:
        """Give it back; raise `Unavailable` where that cannot be done now, anything else where it was not made here."""
        ...


class KeptAnswer(NamedTuple):
    """An answer that was kept.

    Attributes:
        turn: ``detectIntentResponseId`` of the call that it answered.
        body: The answer.
    """

    turn: str
    body: bytes

    def __repr__(self) -> str:
        return f"KeptAnswer({len(self.body)} bytes)"

    def pack(self, encryption: Encryption | None) -> bytes:
        """Write it down.

        Args:
            encryption: Hides it; None for plain.

        Returns:
            The bytes to keep.
        """
        turn, body = self.turn.encode(), self.body
        plain = (_MAGIC, len(turn).to_bytes(4), turn, len(body).to_bytes(4), body)
        return b"".join(plain) if encryption is None else _MAGIC + encryption.encrypt(b"".join(plain[1:]))

    @classmethod
    def unpack(cls, data: bytes, encryption: Encryption | None) -> "KeptAnswer | None":
        """Read one.

        Args:
            data: What was kept.
            encryption: As for `pack`.

        Returns:
            The answer; None where these bytes are none.

        Raises:
            Unavailable: The encryption says that it cannot be told now, such as where keys are kept elsewhere.
        """
        if not data.startswith(_MAGIC):
            return None
        try:
            plain = encryption.decrypt(data[len(_MAGIC) :]) if encryption else data[len(_MAGIC) :]
            turn, rest = _part(plain)
            body, rest = _part(rest)
            return None if rest else cls(turn.decode(), body)
        except Unavailable:
            raise
        except Exception:  # whatever the user's encryption raises for bytes that are not its own
            return None

    def for_turn(self, turn: str) -> bytes:
        """Give the answer for a call.

        Args:
            turn: The call's ``detectIntentResponseId``.

        Returns:
            The answer byte for byte; in another turn without page transition and form changes.
        """
        if turn == self.turn:
            return self.body
        answer: dict[str, Any] = json.loads(self.body)
        kept = {name: value for name, value in answer.items() if name not in _NEXT_TURN}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _part(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4])
    if len(data) < end:
        raise ValueError("cut off")
    return data[4:end], data[end:]
