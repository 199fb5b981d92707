"""Random ids, from bytes that are fetched from the operating system many at a time."""

import os
from typing import Final

from cxfulfill.forks import begin_in_each_process

_BYTES: Final = 16
_MANY: Final = 256


class RandomIds:
    """Makes ids of 128 random bits; a forked process begins with random bytes of its own."""

    def __init__(self) -> None:
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without random bytes; see `cxfulfill.forks`."""
        self._ids: list[str] = []

    def new(self) -> str:
        """Make an id.

        Returns:
            32 hexadecimal digits.
        """
        try:
            return self._ids.pop()  # one step, so that no two threads get the same one
        except IndexError:
            digits = os.urandom(_BYTES * _MANY).hex()
            fresh = [digits[at : at + 2 * _BYTES] for at in range(0, len(digits), 2 * _BYTES)]
            given = fresh.pop()
            self._ids.extend(fresh)
            return given


_IDS: Final = RandomIds()
new_id: Final = _IDS.new
"""Makes an id of 128 random bits, as 32 hexadecimal digits."""
