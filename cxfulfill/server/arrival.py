"""How long a request has waited before a thread took it up: the kernel tells.

A server's own queue has no clock, and a header that names a time could come from the caller. The kernel knows when
the last bytes of a connection came in, and that is when a request that nobody has looked at yet was there.
"""

import socket
import struct
import sys
from typing import Any, Final

_LAST_RECEIVED: Final = struct.Struct("@52xI")
"""``tcpi_last_data_recv`` in Linux's ``struct tcp_info`` (linux/tcp.h): milliseconds."""
_LEAST: Final = 0.02
"""Seconds below which it is no waiting: the kernel's ticks are some milliseconds, and gunicorn reads the head."""
_LEVEL: Final = socket.IPPROTO_TCP
_OPTION: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
"""Elsewhere the structure is another one."""


def seconds_since_data(connection: Any) -> float:
    """Tell how long ago the last bytes of a connection came in.

    Args:
        connection: The server's side of it; None where the server does not show it.

    Returns:
        Seconds, to the kernel's tick of some milliseconds; 0 where they are less than 20 milliseconds, or where it does
        not tell: no TCP, or not Linux.
    """
    if connection is None or _OPTION is None:
        return 0.0
    try:
        told: bytes = connection.getsockopt(_LEVEL, _OPTION, _LAST_RECEIVED.size)
    except (OSError, AttributeError):
        return 0.0
    seconds = float(_LAST_RECEIVED.unpack(told)[0]) / 1e3 if len(told) == _LAST_RECEIVED.size else 0.0
    return seconds if seconds >= _LEAST else 0.0
