"""Whose a connection is, by the lists of Linux."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from cxfulfill.simulator.peers import TABLES, is_of_another_user

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
HERE, MARK = (f"{int.from_bytes(bytes(each), sys.byteorder):08X}" for each in ((127, 0, 0, 1), (0, 0, 255, 255)))
MAPPED = f"0000000000000000{MARK}{HERE}"
PORT, PEER = 8765, ("127.0.0.1", 40000)
OTHER = os.geteuid() + 1


def row(local: str, remote: str, state: str = "01", user: int | None = None, inode: int = 1461) -> str:
    uid = os.geteuid() if user is None else user
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:5d}        0 {inode} 1 00 100 0"


def client(user: int | None = None, here: str = HERE, **more: Any) -> str:
    return row(f"{here}:{PEER[1]:04X}", f"{here}:{PORT:04X}", user=user, **more)


SERVER = row(f"{HERE}:{PORT:04X}", "00000000:0000", "0A")
ITS_END = row(f"{HERE}:{PORT:04X}", f"{HERE}:{PEER[1]:04X}")


@pytest.mark.parametrize(
    ("rows", "is_other"),
    [
        ([SERVER, ITS_END, client()], False),
        ([SERVER, ITS_END, client(user=0)], False),
        ([SERVER, ITS_END, client(user=OTHER)], True),
        ([SERVER, ITS_END, client(user=OTHER, here=MAPPED)], True),
        ([SERVER, ITS_END, client(here=MAPPED)], False),
        ([SERVER, client(user=0, state="06", inode=0)], True),
        ([SERVER, client(state="05")], False),
        ([SERVER], True),
        ([SERVER, row(f"{HERE}:{PEER[1]:04X}", f"{HERE}:1234", user=OTHER), client()], False),
        ([], False),
    ],
)
def test_a_connection_is_that_of_its_other_end_s_user(tmp_path: Path, rows: list[str], is_other: bool) -> None:
    table = tmp_path / "tcp"
    table.write_text("\n".join([HEAD, *rows, ""]), encoding="ascii")
    assert is_of_another_user(PEER, PORT, (table, tmp_path / "none")) is is_other


@pytest.mark.skipif(not TABLES[0].exists(), reason="the system has no such list")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_real_connection_of_the_same_user(family: socket.AddressFamily) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as other:
        port = server.getsockname()[1]
        other.connect(("127.0.0.1" if family is socket.AF_INET else "::ffff:127.0.0.1", port))
        connection, peer = server.accept()
        with connection:
            assert not is_of_another_user(peer, port)
