"""Servers that end with the module that started them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.server.wire import ROOT, Server, start


class Serve(Protocol):
    """Starts a server."""

    def __call__(self, *command: str, cwd: Path = ROOT, **environment: str) -> Server: ...


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    servers = []

    def run(*command: str, cwd: Path = ROOT, **environment: str) -> Server:
        servers.append(start(*command, folder=tmp_path_factory.mktemp("server"), cwd=cwd, **environment))
        return servers[-1]

    yield run
    for server in servers:
        server.stop()
