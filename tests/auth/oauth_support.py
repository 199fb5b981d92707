"""Access tokens of an identity provider, its keys, and its introspection endpoint: a real server on this machine."""

import base64
import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

from cxfulfill import HttpRequest
from cxfulfill.auth.introspection import OAuthIntrospection
from cxfulfill.auth.oauth_jwt import OAuthJwt
from tests.auth.tokens_support import K1, NOW, Source, bearing, encode
from tests.auth.tokens_support import jwk as rsa_jwk
from tests.clock import Clock
from tests.pipeline.support import LIMIT, Counted, Result, Unreadable, post, refused

ISSUER = "https://idp.example/tenant"
API = "https://wh.example/api"
CLIENT = "cx-agent"
NO_TOKEN = 'Bearer realm="webhook"'
INVALID = 'Bearer realm="webhook", error="invalid_token"'

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | bytes
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def sign(algorithm: str, key: Private, data: bytes) -> bytes:
    """Sign as RFC 7518 and RFC 8037 say, with nothing but `cryptography`."""
    digest = _HASHES.get(algorithm[2:], hashes.SHA256())
    if isinstance(key, bytes):
        mac = hmac.HMAC(key, digest)
        mac.update(data)
        return mac.finalize()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        return b"".join(part.to_bytes(size) for part in decode_dss_signature(key.sign(data, ec.ECDSA(digest))))
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return key.sign(data, pss if algorithm.startswith("PS") else padding.PKCS1v15(), digest)


def jwk(key: Private, key_id: str, **changes: Any) -> dict[str, Any]:
    """Write the public key as a JWK; a change to ... leaves a member out."""
    if isinstance(key, bytes):
        made: dict[str, Any] = {"kty": "oct", "k": encode(key)}
    elif isinstance(key, rsa.RSAPrivateKey):
        made = rsa_jwk(key, key_id)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
        made = {"kty": "EC", "crv": f"P-{key.key_size}"}
        made |= {"x": encode(numbers.x.to_bytes(size)), "y": encode(numbers.y.to_bytes(size))}
    else:
        made = {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().public_bytes_raw())}
    return {name: value for name, value in (made | {"kid": key_id} | changes).items() if value is not ...}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token (RFC 9068); a change to ... leaves a claim out."""
    good = {
        "iss": ISSUER, "aud": API, "sub": CLIENT, "client_id": CLIENT, "jti": "7d1c", "scope": "webhook.call other",
        "iat": int(NOW) - 60, "exp": int(NOW) + 3_540,
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not ...}


def token(
    payload: Mapping[str, Any] | None = None,
    *,
    key: Private = K1,
    algorithm: str = "RS256",
    signature: str | None = None,
    **header: Any,
) -> str:
    """Sign an access token."""
    fields = {"alg": algorithm, "kid": "k1", "typ": "at+jwt"} | header
    head = encode({name: value for name, value in fields.items() if value is not ...})
    signed = f"{head}.{encode(claims() if payload is None else payload)}"
    return f"{signed}.{encode(sign(algorithm, key, signed.encode())) if signature is None else signature}"


def app_o(keys: Source | str, *, clock: Clock | None = None, **options: Any) -> OAuthJwt:
    """Fixture O of the attack cases."""
    clock = clock or Clock(NOW)
    settings: dict[str, Any] = {"issuer": ISSUER, "audience": API, "keys": keys} | options
    return OAuthJwt(**settings, now=clock, clock=clock)


def certificate() -> bytes:
    """A client certificate (DER) that signs itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client.example")])
    begins = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(P256.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins)
    made = builder.not_valid_after(begins + dt.timedelta(days=365)).sign(P256, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def thumbprint(der: bytes) -> str:
    return encode(hashlib.sha256(der).digest())


def shown_by(client: bytes | None, value: str) -> HttpRequest:
    """A request over a connection in which the client showed a certificate."""
    return replace(bearing(f"Bearer {value}"), client_certificate=lambda: client)


class Endpoint:
    """An introspection endpoint that knows its clients, and is as well or badly off as a test wants.

    Attributes:
        answers: What it says by token; of all others, that they are not active.
        asked: The tokens that it was asked about, in order.
        faults: What it found wrong with requests.
        reply: Status, header fields and body to send instead; the body may be larger than what is read.
        gate: Holds every answer up until it opens.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.reply: tuple[int, dict[str, str], bytes] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.url = ""

    def judge(self, authorization: str, content_type: str, body: str) -> tuple[int, dict[str, str], bytes]:
        """Answer a request as RFC 7662 says."""
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(user), unquote_plus(password)) != (OWN_CLIENT, OWN_SECRET):
            self.faults.append("credentials")
            return 401, {"WWW-Authenticate": "Basic"}, b'{"error":"invalid_client"}'
        form = parse_qs(body, strict_parsing=True)
        if content_type != "application/x-www-form-urlencoded" or set(form) != {"token", "token_type_hint"}:
            self.faults.append("form")
        [value] = form["token"]
        self.asked.append(value)
        if not self.gate.wait(LIMIT):
            self.faults.append("waited in vain")
        answer = self.answers.get(value, {"active": False})
        return self.reply or (200, {"Content-Type": "application/json"}, json.dumps(answer).encode())


OWN_CLIENT = "own client: 1+1&ü"
OWN_SECRET = "canary%7e +&=:ü-0123456789"


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, fields, content = endpoint.judge(self.headers["Authorization"], self.headers["Content-Type"], body)
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # who asked has given up

        def do_GET(self) -> None:
            endpoint.faults.append("a redirect was followed")
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that is called
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing it waits for them


@contextmanager
def serving() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    with _Server(("127.0.0.1", 0), _handler(endpoint)) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/introspect"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.gate.set()
            server.shutdown()
            thread.join()
    assert endpoint.faults == []


@dataclass
class Times:
    """Both clocks of a verifier, which a test moves."""

    now: Clock = field(default_factory=lambda: Clock(NOW))
    clock: Clock = field(default_factory=lambda: Clock(5.0))

    def move(self, seconds: float) -> None:
        self.now.seconds += seconds
        self.clock.seconds += seconds


def app_i(endpoint: Endpoint, times: Times | None = None, **options: Any) -> OAuthIntrospection:
    """Fixture I of the attack cases."""
    times = times or Times()
    settings: dict[str, Any] = {
        "endpoint": endpoint.url, "client_id": OWN_CLIENT, "client_secret": OWN_SECRET, "issuer": ISSUER,
        "audience": API,
    } | options  # fmt: skip
    return OAuthIntrospection(**settings, now=times.now, clock=times.clock)


def active(**changes: Any) -> dict[str, Any]:
    """What the endpoint says of a good token; a change to ... leaves a member out."""
    return {"active": True, "token_type": "Bearer"} | claims(**changes)


def turned_away(
    webhook: Counted, caplog: pytest.LogCaptureFixture, authorization: str | None, status: int = 401, **request: Any
) -> Result:
    """A refusal, decided before the body is read, that shows nothing of the credential or of ours."""
    headers = {"Authorization": authorization}
    result = refused(webhook, caplog, status, headers=headers, stream=Unreadable(), **request)
    hides(caplog, result, authorization or "")
    return result


def hides(caplog: pytest.LogCaptureFixture, result: Result, authorization: str) -> None:
    shown = caplog.text + result.body.decode() + str(result.headers)
    parts = authorization.replace(",", " ").split()
    for secret in [OWN_SECRET, "canary", *parts, *(segment for part in parts for segment in part.split("."))]:
        assert len(secret) < 7 or secret.startswith("SIGNATURE_REMOVED") or secret not in shown


def invalid(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str) -> str:
    result = turned_away(webhook, caplog, f"Bearer {value}")
    assert result.headers["WWW-Authenticate"] == INVALID
    return result.reason


def lacks_scope(webhook: Counted, caplog: pytest.LogCaptureFixture, value: str, scopes: str) -> None:
    """The refusal of A035: the one 403 with a challenge."""
    caplog.clear()
    result = post(webhook, headers={"Authorization": f"Bearer {value}"}, stream=Unreadable())
    assert (result.status, result.reason, webhook.runs) == (403, "insufficient_scope", [])
    challenge = f'Bearer realm="webhook", error="insufficient_scope", scope="{scopes}"'
    assert result.headers["WWW-Authenticate"] == challenge
    [record] = caplog.records
    assert "reason=insufficient_scope" in record.getMessage()
    hides(caplog, result, value)


def accepted(webhook: Counted, value: str, scheme: str = "Bearer") -> None:
    webhook.runs.clear()
    assert post(webhook, headers={"Authorization": f"{scheme} {value}"}).status == 200
    assert webhook.runs == ["count"]
    webhook.runs.clear()


ANY_HEADER = st.one_of(
    st.text(st.characters(max_codepoint=255)),
    st.text("ab.-_=+/ \t,B", max_size=30).map("Bearer ".__add__),
    st.lists(st.binary(max_size=40).map(encode), max_size=6).map(".".join).map("Bearer ".__add__),
)


def mutated(value: str) -> st.SearchStrategy[str]:
    """A token with a stretch of it taken out, doubled, or replaced."""

    def change(start: int, length: int, put: str) -> str:
        return value[:start] + put + value[start + length :]

    put = st.text("abzAZ09-_.=~+/ ", max_size=4) | st.just(value[:10])
    changed = st.builds(change, st.integers(0, len(value)), st.integers(0, 4), put)
    return changed.filter(lambda made: made.strip(" ") != value)
