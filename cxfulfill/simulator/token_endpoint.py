"""An identity provider on this machine: its token, introspection and key endpoints, over real sockets."""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from cxfulfill.simulator.issuer import LIFETIME, LocalIssuer

MAX_FORM: Final = 16_384
"""Bytes of a request that are read at most (16 KiB)."""
_SECONDS: Final = 5.0
"""Seconds that a request may pause."""
_MAX_ASKED: Final = 1_000
_HIDDEN: Final = frozenset({"client_secret", "token"})

_Reply = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the endpoints were sent.

    Attributes:
        path: Its path.
        query: Its query string.
        form: The form's fields, without secrets and tokens.
        headers: Names of the header fields, in lower case.
    """

    path: str
    query: str
    form: Mapping[str, str]
    headers: frozenset[str]


class _Refused(Exception):
    """An error of RFC 6749 5.2."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.reply: _Reply = (status, {"error": code})


@dataclass
class TokenEndpoint:
    """An identity provider that knows its clients; a context manager, that serves while it is open.

    Clients prove themselves in the form, as CX does, or by Basic (RFC 6749 2.3.1).

    Attributes:
        signer: Who signs its tokens.
        audience: Whom the tokens are for.
        clients: Secrets by client; by default one client ``cx-agent`` with a secret of its own.
        scopes: What a client may ask for, and gets where it asks for nothing.
        lifetime: Seconds that a token is valid for.
        asked: The requests, in order; of more than 1000, the first ones.
        url: Where it is served, with port; empty while it is not. It is the tokens' issuer (``iss``).
    """

    signer: LocalIssuer
    audience: str
    clients: Mapping[str, str] = field(
        default_factory=lambda: {"cx-agent": secrets.token_urlsafe(24)}, repr=False, kw_only=True
    )
    scopes: Iterable[str] = field(default=(), kw_only=True)
    lifetime: float = field(default=LIFETIME, kw_only=True)
    asked: list[Asked] = field(default_factory=list, init=False, repr=False)
    url: str = field(default="", init=False)

    @property
    def token_url(self) -> str:
        """Address of the token endpoint."""
        return f"{self.url}/token"

    @property
    def introspection_url(self) -> str:
        """Address of the introspection endpoint (RFC 7662)."""
        return f"{self.url}/introspect"

    @property
    def keys_url(self) -> str:
        """Address of the JWK set."""
        return f"{self.url}/keys"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="cxfulfill-issuer")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.url = ""

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> _Reply:
        """Answer a form.

        Args:
            path: The path, with the query.
            headers: Header fields by name.
            body: The form.

        Returns:
            Status and JSON.
        """
        parts = urlsplit(path)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        shown = {name: value for name, value in form.items() if name not in _HIDDEN}
        if len(self.asked) < _MAX_ASKED:
            self.asked.append(Asked(parts.path, parts.query, shown, frozenset(name.lower() for name in headers)))
        try:
            client = self._client(form, headers)
            if parts.path == "/introspect":
                return 200, self.signer.introspect(form.get("token", ""))
            return (200, self._granted(client, form)) if parts.path == "/token" else (404, {"error": "not_found"})
        except _Refused as refused:
            return refused.reply

    def _client(self, form: Mapping[str, str], headers: Mapping[str, str]) -> str:
        if headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise _Refused("invalid_request")
        authorization = headers.get("Authorization", "")
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization:
            try:
                pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            except ValueError:
                pair = ""
            client, _, secret = (unquote_plus(part) for part in pair.partition(":"))
        known = self.clients.get(client)
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            raise _Refused("invalid_client", 401)
        return client

    def _granted(self, client: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        if "grant_type" not in form:
            raise _Refused("invalid_request")
        if form["grant_type"] != "client_credentials":
            raise _Refused("unsupported_grant_type")
        allowed = list(self.scopes)
        scopes = form.get("scope", "").split() or allowed
        if not set(scopes) <= set(allowed):
            raise _Refused("invalid_scope")
        token = self.signer.access_token(
            issuer=self.url, audience=self.audience, client_id=client, scopes=scopes, lifetime=self.lifetime
        )
        return {
            "access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime), "scope": " ".join(scopes),
        }  # fmt: skip


def _handler(endpoint: TokenEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > MAX_FORM:
                self._send(413, {"error": "invalid_request"})
                return
            self._send(*endpoint.answer(self.path, dict(self.headers.items()), self.rfile.read(int(length))))

        def do_GET(self) -> None:
            is_keys = urlsplit(self.path).path == "/keys"
            self._send(*((200, endpoint.signer.jwks()) if is_keys else (404, {"error": "not_found"})))

        def _send(self, status: int, document: Mapping[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="issuer"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
            """Say nothing."""

    return Handler
