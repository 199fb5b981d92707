"""An application that gunicorn loads before it forks (``--preload``)."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.server.conftest import Serve
from tests.server.wire import LIMIT, ROOT, Server, call, clean_environment, gunicorn, until

APP = "tests.server.preload_app:webhook"


def processes(server: Server) -> Mapping[str, set[int]]:
    """Which processes have done what."""
    done: dict[str, set[int]] = {}
    for line in server.ran():
        what, _, pid = line.partition(" ")
        done.setdefault(what, set()).add(int(pid))
    return done


def started(serve: Serve, *arguments: str) -> Server:
    server = serve(*gunicorn(*arguments, APP), WEB_CONCURRENCY="2")
    until(lambda: sum(len(processes(server).get(what, ())) for what in ("starts", "fetches")) == 4, "warm workers")
    return server


def own_memory(pid: int) -> int:
    """KiB that a process has for itself alone."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean")))


@pytest.fixture(scope="module")
def preloaded(serve: Serve) -> Server:
    return started(serve, "--preload")


def test_it_is_loaded_once_and_started_in_each_worker(preloaded: Server) -> None:
    master = preloaded.process.pid
    done = processes(preloaded)
    assert done["loads"] == {master}
    assert done["starts"] == done["fetches"]
    assert master not in done["starts"]
    assert len(preloaded.ran()) == 1 + 2 + 2, "once in each"


def test_workers_of_one_master_answer_calls(preloaded: Server) -> None:
    def both_have_answered() -> bool:
        statuses = {response.status for response in preloaded.ask_at_once(call())}
        return statuses == {200} and len(processes(preloaded)["runs"]) == 2

    until(both_have_answered, "calls in both workers")


def test_workers_share_the_memory_of_what_was_loaded_before_they_were(preloaded: Server, serve: Serve) -> None:
    other = started(serve)
    assert len(processes(other)["loads"]) == 2
    shared, own = (max(map(own_memory, processes(server)["starts"])) for server in (preloaded, other))
    assert shared < own * 0.7


def ended_at_start(folder: Path, application: str) -> str:
    """Start a server that does not start, and give what it says."""
    done = subprocess.run(
        gunicorn("--preload", "--pythonpath", str(folder), application), cwd=ROOT, env=clean_environment(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr


def test_settings_that_are_refused_are_one_line_also_where_the_master_loads_the_application(tmp_path: Path) -> None:
    (tmp_path / "refused.py").write_text("from cxfulfill import Webhook\n\nwebhook = Webhook.from_env()\n")
    said = ended_at_start(tmp_path, "refused:webhook")
    assert "Traceback" not in said
    [line] = [line for line in said.splitlines() if line]
    assert line.startswith("Error: the application does not start: set CXFULFILL_AUTH: one of google-id-token")
    assert line.endswith("(refused.py, line 3)")


def test_another_exception_of_an_application_is_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("webhook = 1 / 0\n")
    assert "ZeroDivisionError" in ended_at_start(tmp_path, "broken:webhook")
