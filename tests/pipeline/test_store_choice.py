"""Which store an application has, and the warning where that is one process's memory."""

import sys
from pathlib import Path

import pytest

from cxfulfill.idempotency import urls
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.urls import default_store, open_store, warn_of_memory


def test_the_default_is_this_process_s_memory() -> None:
    assert isinstance(default_store(), MemoryStore)
    assert isinstance(open_store("memory://"), MemoryStore)


def test_workers_of_one_machine_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "shared_file", str(tmp_path / "calls.sqlite"))
    assert type(default_store()).__name__ == "SqliteStore"


@pytest.mark.parametrize(("relative", "expected"), [(True, "calls.sqlite"), (False, "/calls.sqlite")])
def test_a_file_s_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///calls.sqlite" if relative else f"sqlite:///{tmp_path}/calls.sqlite")
    assert (tmp_path / "calls.sqlite").exists()


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"WEB_CONCURRENCY": "2"}, "python"), ({"K_SERVICE": "hotel"}, "python"),
        ({"UVICORN_WORKERS": "2"}, "/bin/uvicorn main:asgi"), ({"GUNICORN_CMD_ARGS": "-w 2"}, "/bin/gunicorn main:app"),
        ({}, "/bin/gunicorn -w 2 main:app"), ({}, "/bin/gunicorn -w2 main:app"),
        ({}, "/bin/gunicorn -w 1 -w 2 main:app"), ({"WEB_CONCURRENCY": "2"}, "/bin/pytest"),
        ({}, "/lib/gunicorn/__main__.py main:app --workers=12"), ({}, "/bin/uvicorn main:asgi --workers 2"),
    ],
)  # fmt: skip
def test_memory_is_warned_of_once(
    environ: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(urls, "_warned", False)
    for _ in range(2):
        warn_of_memory(MemoryStore(), environ, line.split())
    [record] = caplog.records
    assert "CXFULFILL_STORE=redis://" in record.getMessage()


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, ""), ({}, "/bin/pytest -w 2"), ({}, "/home/gunicorn/jobs/import.py -w 2"),
        ({"WEB_CONCURRENCY": "4"}, "/bin/gunicorn -w 1 main:app"), ({}, "/bin/gunicorn -w 4 -w 1 main:app"),
        ({"WEB_CONCURRENCY": "\u00b2"}, "/bin/gunicorn"), ({"WEB_CONCURRENCY": "9" * 5_000}, "/bin/gunicorn"),
        ({"WEB_CONCURRENCY": "1"}, "/bin/gunicorn -w 1 main:app"),
        ({"WEB_CONCURRENCY": "many"}, "/bin/uvicorn --workers main:asgi"),
        ({}, "/bin/gunicorn --worker-connections 9 main:app"),
    ],
)  # fmt: skip
def test_a_single_process_is_not_warned(
    environ: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(urls, "_warned", False)
    warn_of_memory(MemoryStore(), environ, line.split() or [""])
    assert caplog.records == []


def test_a_shared_store_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(urls, "_warned", False)
    warn_of_memory(object(), {"K_SERVICE": "hotel"})  # type: ignore[arg-type]
    assert caplog.records == []


@pytest.mark.parametrize("line", [[], [Path("main.py")], [None, b"-w"], [Path("/bin/gunicorn"), b"-w", 2]])
def test_an_odd_command_line_is_no_trouble(
    line: list[object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(urls, "_warned", False)
    monkeypatch.setattr(sys, "argv", line)
    warn_of_memory(MemoryStore(), {})
    assert caplog.records == []
