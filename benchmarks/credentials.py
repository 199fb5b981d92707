"""The credentials of one run: what servers need to check them is in a folder and on a server of keys.

What callers send stays in this process. The server stands for Google's: HTTPS on this machine, so that a cold start has
all that it takes to fetch keys but the distance.
"""

import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchmarks import app, tokens
from tests.auth.pki import YEAR, issue, make_ca

CA = "ca.pem"
"""The file with the certificate that servers have to trust."""


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = tokens.Keys().fetch().content
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=20000")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Write nothing."""


@contextmanager
def folder() -> Iterator[Path]:
    """Serve the keys of `workload.bearer`, and tell in a folder where: as `app` and the peers want it."""
    with tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as name:
        made = Path(name)
        pem = tokens.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (made / "public.pem").write_bytes(pem)
        with _served(made) as url:
            (made / app.KEYS).write_text(url, encoding="utf-8")
            yield made


@contextmanager
def _served(made: Path) -> Iterator[str]:
    now = datetime.now(UTC)
    authority = make_ca(now=now)
    (made / CA).write_text(authority.pem, encoding="utf-8")
    here = x509.IPAddress(ip_address("127.0.0.1"))
    usage = ExtendedKeyUsageOID.SERVER_AUTH
    identity = issue(authority, "CN=keys", here, begins=now - YEAR / 12, ends=now + YEAR / 12, usage=usage)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(made, "keys"))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Keys) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}/certs"
        finally:
            server.shutdown()
            thread.join()
