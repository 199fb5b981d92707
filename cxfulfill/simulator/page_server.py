"""The HTTP side of the console: it serves the page and what the page asks for, to this machine's user alone.

It listens on 127.0.0.1. What keeps other pages in the browser and other users of the machine out is: only the two names
of that address are accepted as host (DNS rebinding), the API takes a random token that stands in the fragment of the
page's URL, and a POST must be JSON of the page's own origin with a header that no foreign page can set. Since the
command line of a browser shows the URL to all users, the API answers only connections of its own, where the system
tells whose they are.
"""

import json
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from importlib.resources import files
from threading import Lock
from typing import Any, Final, Self

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.serving import WSGIRequestHandler, make_server

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.markdown import tree
from cxfulfill.simulator.page_inputs import (
    Backend,
    ConsoleProblem,
    Export,
    LoadRequest,
    PageRequest,
    ResendRequest,
    ResetRequest,
    TurnRequest,
    read_body,
)
from cxfulfill.simulator.peers import is_of_another_user

HOST: Final = "127.0.0.1"
MAX_BODY: Final = 1024 * 1024
"""Bytes of a body that are read; a larger one is refused."""
FILES: Final = (
    "index.html", "console.css", "icon.svg", "theme.js", "main.js", "api.js", "dom.js", "composer.js",
    "conversation.js", "messages.js", "rich.js", "markdown.js", "session.js", "call.js", "timeline.js",
    "json.js", "toolbar.js",
)  # fmt: skip
"""The files that are served; no other can be asked for."""
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What stands in the head of every answer."""

_KINDS: Final[Mapping[str, str]] = {
    "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml",
}  # fmt: skip
_SECONDS: Final = 30.0
"""For a request to arrive."""

_log = logging.getLogger("cxfulfill.console")


class _Refusal(Exception):
    def __init__(self, status: int, problem: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.headers = headers or {}


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection a request: none is left open when the server ends
    timeout = _SECONDS

    def version_string(self) -> str:
        return "cxfulfill"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: the terminal is for the application's own lines."""


class ConsolePage:
    """The page and its API as a WSGI application.

    Args:
        backend: The conversation.
        token: What callers of the API prove themselves with.
    """

    def __init__(self, backend: Backend, token: str) -> None:
        self._backend = backend
        self._authorization = f"Bearer {token}".encode()
        self._turn = Lock()
        static = files("cxfulfill.simulator") / "static"
        self._files = {f"/{name}": ((static / name).read_bytes(), _KINDS[name.rpartition(".")[2]]) for name in FILES}
        self._files["/"] = self._files["/index.html"]
        self._gets: Mapping[str, Callable[[], Response]] = {
            "/api/state": lambda: _json(self._state()),
            "/api/conversation": lambda: _response(self._backend.save().encode(), "application/jsonl"),
            "/api/export/pytest": lambda: self._export("pytest"),
            "/api/export/curl": lambda: self._export("curl"),
        }
        self._posts: Mapping[str, Callable[[bytes], None]] = {
            "/api/turn": lambda body: self._backend.turn(read_body(TurnRequest, body)),
            "/api/resend": lambda body: self._backend.resend(read_body(ResendRequest, body)),
            "/api/page": lambda body: self._backend.set_page(read_body(PageRequest, body)),
            "/api/reset": self._reset,
            "/api/conversation": lambda body: self._backend.load(read_body(LoadRequest, body).text),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request (PEP 3333)."""
        request = Request(environ)
        request.max_content_length = MAX_BODY
        try:
            response = self._answer(request)
        except _Refusal as refusal:
            response = _json({"problem": refusal.problem}, refusal.status)
            response.headers.update(refusal.headers)
        except ConsoleProblem as problem:
            response = _json({"problem": str(problem)}, 400)
        except Exception:
            _log.exception("the console failed")
            response = _json({"problem": "The console failed; its terminal tells why."}, 500)
        response.headers.update(HEADERS)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        port = request.environ["SERVER_PORT"]
        if request.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            raise _Refusal(403, "The console answers under its own address only.")
        if request.path in self._files:
            _check_method(request, {"GET"})
            body, kind = self._files[request.path]
            return _response(body, f"{kind}; charset=utf-8")
        if request.path not in {*self._gets, *self._posts}:
            raise _Refusal(404, "The console has no such path.")
        if not secrets.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization):
            raise _Refusal(401, "Open the console by the address that the command printed: it holds a token.")
        if _is_foreign(request):
            raise _Refusal(403, "The console answers the user alone who has started it.")
        allowed = {method for method, paths in (("GET", self._gets), ("POST", self._posts)) if request.path in paths}
        _check_method(request, allowed)
        if request.method == "GET":
            return self._locked(self._gets[request.path])
        body = _body(request)
        return self._locked(lambda: self._post(request.path, body))

    def _locked(self, answer: Callable[[], Response]) -> Response:
        with self._turn:
            return answer()

    def _post(self, path: str, body: bytes) -> Response:
        self._posts[path](body)
        return _json({"state": self._state()})

    def _reset(self, body: bytes) -> None:
        read_body(ResetRequest, body)
        self._backend.reset()

    def _export(self, form: Export) -> Response:
        exported = self._backend.export(form)
        return _json({"filename": exported.filename, "text": exported.text})

    def _state(self) -> Mapping[str, Any]:
        state = self._backend.state()
        return {**state, "turns": [_with_calls(turn) for turn in state["turns"]]}


class PageServer:
    """Serves the console's page.

    Args:
        backend: The conversation.
        port: The port on 127.0.0.1; 0 for any that is free.

    Attributes:
        port: The port.
        token: What callers of the API prove themselves with.
        url: The address to open in a browser; whoever knows it can use the console.

    Raises:
        ConfigurationError: The port cannot be had.
    """

    def __init__(self, backend: Backend, port: int = 0) -> None:
        self.token = secrets.token_urlsafe(32)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
                listener.listen()
            except OSError:
                raise ConfigurationError(f"port {port} on {HOST} cannot be had: choose another one") from None
            page = ConsolePage(backend, self.token)
            self._server = make_server(HOST, port, page, threaded=True, request_handler=_Handler, fd=listener.fileno())
        self.port = self._server.port
        self.url = f"http://{HOST}:{self.port}/#{self.token}"

    def serve_forever(self) -> None:
        """Serve until `shutdown` is called, or until Ctrl-C."""
        self._server.serve_forever(poll_interval=0.1)

    def shutdown(self) -> None:
        """Make `serve_forever` return; called by another thread."""
        self._server.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()


def _is_foreign(request: Request) -> bool:
    peer = request.environ.get("REMOTE_ADDR", ""), request.environ.get("REMOTE_PORT", 0)
    return bool(peer[1]) and is_of_another_user(peer, int(request.environ["SERVER_PORT"]))


def _check_method(request: Request, allowed: set[str]) -> None:
    if request.method not in allowed:
        raise _Refusal(405, "The console takes another method here.", {"Allow": ", ".join(sorted(allowed))})


def _body(request: Request) -> bytes:
    if request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
        raise _Refusal(403, "The console takes no orders from other pages.")
    if request.headers.get("X-Cxfulfill-Console") != "1":
        raise _Refusal(403, "The header X-Cxfulfill-Console is missing.")
    if request.mimetype != "application/json":
        raise _Refusal(415, "The body must be application/json.")
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _Refusal(413, f"The body is larger than {MAX_BODY} bytes.") from None
    except HTTPException:
        raise _Refusal(400, "The body broke off.") from None


def _response(body: bytes, kind: str, status: int = 200) -> Response:
    return Response(body, status, content_type=kind)


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return _response(json.dumps(value, separators=(",", ":")).encode(), "application/json", status)


def _with_calls(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**turn, "calls": [_with_markdown(call) for call in turn["calls"]]}


def _with_markdown(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**call, "messages": [_message(message) for message in call["messages"]]}


def _message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the trees of a text's variants; of what is no message that CX would take, the page shows the JSON."""
    text = message.get("text")
    variants = text.get("text") if isinstance(text, Mapping) else None
    if not isinstance(variants, list) or not all(isinstance(variant, str) for variant in variants):
        return message
    return {**message, "markdown": [tree(variant) for variant in variants]}
