"""The servers that are measured: ours in its ways of being served, and what people use in its place."""

import os
from dataclasses import replace
from pathlib import Path

from benchmarks import credentials, in_process, workload
from benchmarks.app import AUTH, CREDENTIALS, WHICH
from benchmarks.environments import OURS
from benchmarks.servers import Candidate, users_command

GO_EZCX = "EZCX_BINARY"
"""The environment variable with the command line of a server that is built with Go's ezcx."""

HAND_WRITTEN = "hand-written Flask, gunicorn sync"
GO = "Go ezcx, one core"
SYNC, SHIPPED = "ours, gunicorn sync", "ours, shipped settings"
FLASK_SYNC = "ours, create_app, gunicorn sync"
ASGI, UVICORN = "ours, gunicorn asgi", "ours, uvicorn"

ANSWER = {
    "fulfillmentResponse": {"messages": [{"text": {"text": [in_process.TEXT]}}]},
    "sessionInfo": {"parameters": in_process.CHANGES},
}

_GUNICORN = ("-m", "gunicorn", "--no-control-socket", "-b", "127.0.0.1:{port}")
_UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning")


def gunicorn(application: str, *options: str) -> tuple[str, ...]:
    """Give the arguments of a gunicorn with one worker."""
    return (*_GUNICORN, *options, application)


def uvicorn(application: str) -> tuple[str, ...]:
    """Give the arguments of uvicorn, which writes no line for a call, as gunicorn does by default."""
    return (*_UVICORN, application)


def ours(name: str, command: tuple[str, ...], keys: Path | None) -> Candidate:
    """Make a candidate of ours.

    Args:
        name: What tables call it.
        command: How it is served.
        keys: The folder of `credentials.folder`, for ID tokens; None for Basic.
    """
    if keys is None:
        return Candidate(name, OURS, command, {AUTH: "basic"}, in_process.CREDENTIAL)
    environ = {AUTH: "id-token", CREDENTIALS: str(keys), "SSL_CERT_FILE": str(keys / credentials.CA)}
    return Candidate(name, OURS, command, environ, workload.bearer())


def with_async_handler(candidate: Candidate) -> Candidate:
    """Give one of ours an ``async`` handler in place of the plain one."""
    return replace(candidate, name=f"{candidate.name}, async", environ={**candidate.environ, WHICH: "async"})


def with_all_handlers(candidate: Candidate) -> Candidate:
    """Give one of ours slow and ``async`` handlers besides the plain one."""
    return replace(candidate, environ={**candidate.environ, WHICH: "all"})


SHIPPED_SETTINGS = gunicorn("benchmarks.app:app", "-c", "python:cxfulfill.server.gunicorn")


def ours_served(keys: Path | None) -> list[Candidate]:
    """Give ours in the ways of serving it: plain gunicorn, the shipped settings with a line a call, and ASGI."""
    asgi = ours(ASGI, gunicorn("benchmarks.app:asgi", "-k", "asgi"), keys)
    on_uvicorn = ours(UVICORN, uvicorn("benchmarks.app:asgi"), keys)
    return [
        ours(SYNC, gunicorn("benchmarks.app:app", "-k", "sync"), keys),
        ours(FLASK_SYNC, gunicorn("benchmarks.app:flask_app", "-k", "sync"), keys),
        ours(SHIPPED, SHIPPED_SETTINGS, keys),
        asgi,
        with_async_handler(asgi),
        on_uvicorn,
        with_async_handler(on_uvicorn),
    ]


def hand_written() -> Candidate:
    """Give the one that all ratios are against."""
    return Candidate(HAND_WRITTEN, "hand-written", gunicorn("benchmarks.peers.hand_written:app", "-k", "sync"))


def functions_framework() -> Candidate:
    """Give the same view as a function, served as functions-framework does by itself (threads)."""
    source = "benchmarks/peers/functions_view.py"
    arguments = ("--target", "webhook", "--source", source, "--host", "127.0.0.1", "--port", "{port}")
    return Candidate("functions-framework", "functions-framework", ("-m", "functions_framework", *arguments))


def fastapi() -> Candidate:
    """Give FastAPI with models."""
    return Candidate("FastAPI + pydantic, uvicorn", "fastapi", uvicorn("benchmarks.peers.fastapi_view:app"))


def careful_flask(keys: Path) -> Candidate:
    """Give the view that checks tokens, types and retries by itself."""
    command = gunicorn("benchmarks.peers.careful_flask:app", "-k", "sync")
    return Candidate(
        "Flask + pydantic + google-auth, gunicorn sync",
        "careful-flask", command, {CREDENTIALS: str(keys)}, workload.bearer(),
    )  # fmt: skip


def ezcx() -> Candidate:
    """Give PyPI's ezcx."""
    return Candidate("PyPI ezcx, uvicorn", "ezcx", uvicorn("benchmarks.peers.ezcx_view:app"))


def go_ezcx() -> list[Candidate]:
    """Give Go's ezcx, where the user has one."""
    line = os.environ.get(GO_EZCX)
    return [Candidate(GO, None, users_command(line), {"GOMAXPROCS": "1"})] if line else []


def peers(keys: Path) -> list[Candidate]:
    """Give all others."""
    return [hand_written(), functions_framework(), careful_flask(keys), fastapi(), ezcx(), *go_ezcx()]
