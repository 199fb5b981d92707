"""What the tests of agents share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.agent.agents import Bench
from tests.agent.cx_server import CxServer
from tests.agent.support import Agent


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[CxServer]:
    with closing(CxServer()) as made:
        yield made


@pytest.fixture(params=["v3", "v3beta1"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agent]:
    """An agent of each version of the API."""
    with closing(CxServer(request.param)) as made:
        yield Agent(made, tmp_path)


@pytest.fixture
def agent(server: CxServer, tmp_path: Path) -> Agent:
    return Agent(server, tmp_path)
