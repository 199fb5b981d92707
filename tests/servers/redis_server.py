"""A real redis-server on a port of 127.0.0.1, to be stopped, paused and started again."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.servers.debian import binary


def free_port() -> int:
    """Find a port that is free, and low enough for a cluster's bus, which is 10,000 above."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port <= 55_535:
            return port


class RedisServer:
    """A server that keeps nothing on disk.

    Args:
        folder: Where it runs.
        options: Further command-line options, such as ``--cluster-enabled yes``.

    Attributes:
        port: Its port; the same after a restart.
        url: Its URL.
        client: A client of the tests' own.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        # Longer than any start takes.
        retry = Retry(ConstantBackoff(0.02), 1_500, (redis.ConnectionError, redis.TimeoutError))
        self.client: Any = redis.Redis(port=self.port, host="127.0.0.1", retry=retry)
        self._command = [
            binary("redis-server", package="redis-server"),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--save", "", "--appendonly", "no"),
            *options,
        ]
        self._log = folder / "redis.log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.client.ping()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it at once; what it held is lost."""
        self._process.kill()
        self._process.wait()
        self.client.close()

    def pause(self) -> None:
        """Let it hang: connections stay open, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        self.stop()
