"""A server in a thread, which keeps what it is sent."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.servers import Candidate, Server


@contextmanager
def recording(status: int = 200, *, keep: bool = True) -> Iterator[tuple[Server, list[bytes]]]:
    """Serve.

    Args:
        status: What it answers.
        keep: Whether it keeps connections.

    Yields:
        The server, whose process is another that does nothing, and the bodies.
    """
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n%s\r\n{}" % (
                status,
                b"" if keep else b"Connection: close\r\n",
            )
            self.wfile.write(answer)
            self.close_connection = not keep

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            pass

    class Threads(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client has left

    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
        Threads(("127.0.0.1", 0), Handler) as served,
    ):
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield Server(Candidate("recording", None, ("x",)), served.server_address[1], process), bodies
        finally:
            served.shutdown()
            thread.join()
            process.communicate(b"\n")
