"""Firestore's own protocol on 127.0.0.1, by the npm package @firestore-emulator/server under node."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.servers.debian import binary

PACKAGE = "@firestore-emulator/server@0.3.15"


def install(cache: Path) -> Path:
    """Install the package where it is not yet.

    Args:
        cache: A folder that is kept.

    Returns:
        The folder in which node finds it.
    """
    folder = cache / PACKAGE.replace("/", "-")
    if not folder.is_dir():
        # Beside its place, so that a half of it is never taken for the whole.
        made = cache / f"{folder.name}.{os.getpid()}"
        made.mkdir()
        command = [binary("npm", package="npm"), "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run([*command, PACKAGE], check=False, cwd=made, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        try:
            made.rename(folder)
        except OSError:
            shutil.rmtree(made)  # another process was faster
    return folder


class FirestoreServer:
    """A server that keeps everything in memory.

    Args:
        cache: Where its package is kept.

    Attributes:
        address: Host and port, as ``FIRESTORE_EMULATOR_HOST`` has it; the same after a restart.
    """

    def __init__(self, cache: Path) -> None:
        self._node = binary("node", package="nodejs")
        self._folder = install(cache)
        self._port = "0"
        self.start()
        self.address = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._node, str(Path(__file__).with_name("firestore.js")), str(self._folder), self._port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._port = self._process.stdout.readline().strip()
        assert self._port, "it did not start"

    def stop(self) -> None:
        """End it at once; what it held is lost."""
        self._process.kill()
        self._process.communicate()

    def pause(self) -> None:
        """Let it hang: connections stay open, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.stop()
