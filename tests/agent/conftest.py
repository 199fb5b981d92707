"""A local agent for each test."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.agent.cx_server import CxServer
from tests.agent.support import Agent


@pytest.fixture
def server() -> Iterator[CxServer]:
    with closing(CxServer()) as made:
        yield made


@pytest.fixture
def agent(server: CxServer, tmp_path: Path) -> Agent:
    return Agent(server, tmp_path)
