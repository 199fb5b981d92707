"""An API on 127.0.0.1 that answers as Salesforce's does, to whoever has a token of its endpoint."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cxfulfill.http import Headers
from cxfulfill.testing import LocalIssuer, TokenEndpoint

TOKEN = "/services/oauth2/token"
_QUERY = re.compile(r"SELECT ([\w,]+) FROM (\w+) WHERE (\w+) = '([^']*)' LIMIT 1")


class Salesforce:
    """Records by object and id.

    Attributes:
        records: The records.
        url: Where it is.
        endpoint: Who knows the clients.
        asked: Methods and paths, in order.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {"Contact": {"003A": {"Email": "a@b", "Name": "Ada"}}}
        self.url = ""
        self.endpoint = TokenEndpoint(LocalIssuer(), "salesforce", clients={"cx-agent": "canary-client-secret"})
        self.endpoint.url = "https://id.example"
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(url)
        self.asked.append((method, parts.path))
        if (method, parts.path) == ("POST", TOKEN):
            return self.endpoint.answer("/token", headers, body)
        token = Headers(headers).get("authorization", "").removeprefix("Bearer ")
        if not self.endpoint.signer.introspect(token).get("active"):
            return 401, [{"errorCode": "INVALID_SESSION_ID"}]
        if (method, parts.path) == ("GET", "/services/data/v62.0/query"):
            return 200, self._found(parse_qs(parts.query)["q"][0])
        assert parts.path == "/services/data/v62.0/composite/sobjects"
        return 200, [self._saved(method, each) for each in json.loads(body)["records"]]

    def _found(self, query: str) -> Any:
        matched = _QUERY.fullmatch(query)
        assert matched, query
        fields, kind, by, value = matched.groups()
        every = [{"Id": key, **record} for key, record in self.records[kind].items()]
        found = [each for each in every if each.get(by) == value][:1]
        listed = [{name: each.get(name) for name in fields.split(",")} for each in found]
        return {"totalSize": len(listed), "done": True, "records": listed}

    def _saved(self, method: str, record: dict[str, Any]) -> Any:
        kept = self.records[record.pop("attributes")["type"]]
        key = record.pop("id", None)
        if method == "PATCH" and key not in kept:
            return {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED"}]}
        key = key or f"003{len(kept)}"
        kept.setdefault(key, {}).update(record)
        return {"id": key, "success": True, "errors": []}


@contextmanager
def serving() -> Iterator[Salesforce]:
    salesforce = Salesforce()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, document = salesforce.answer(self.command, self.path, dict(self.headers.items()), body)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.do_POST()

        def do_PATCH(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    salesforce.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield salesforce
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
