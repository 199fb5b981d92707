"""Whose a connection from this machine is: the other end of it belongs to a user, which Linux tells."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS: Final = "0A"
_ROOT: Final = 0
_CLOSED: Final = "0"
"""Inode of a connection that no process has any more: its user stands there as root."""
_LOOKS: Final = 3
"""How often a connection is looked for: one may be missing from a list that changes while it is read."""


class _Row(NamedTuple):
    local: str
    remote: str
    state: str
    user: int
    inode: str


def is_of_another_user(peer: tuple[str, int], port: int, tables: tuple[Path, ...] = TABLES) -> bool:
    """Tell whether a connection to a server of this process was made by another user than its own and root.

    Args:
        peer: IPv4 address and port of the other end, which is on this machine.
        port: The server's port.
        tables: Where the system lists its connections.

    Returns:
        Whether it was, or its other end is gone already; False where the system does not tell.
    """
    address = int.from_bytes(socket.inet_aton(peer[0]), sys.byteorder)
    local, remote = f"{address:08X}:{peer[1]:04X}", f":{port:04X}"  # within tcp6 behind ::ffff:
    rows: list[_Row] = []
    for _ in range(_LOOKS):
        rows = [row for table in tables for row in _rows(table)]
        for row in rows:
            if row.local.endswith(local) and row.remote.endswith(remote):
                return row.inode == _CLOSED or row.user not in (os.geteuid(), _ROOT)
    return any(row.local.endswith(remote) and row.state == _LISTENS for row in rows)


def _rows(table: Path) -> Iterator[_Row]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, local, remote, state, _, _, _, user, _, inode, *_ = line.split()
        yield _Row(local, remote, state, int(user), inode)
