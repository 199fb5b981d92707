"""Tokens really signed, by keys made here, and a key source that the tests steer."""

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cxfulfill import GoogleIdToken, HttpRequest, KeyDocument, dialogflow_service_agent
from cxfulfill.testing import settled
from tests.clock import Clock

__all__ = [
    "AGENT",
    "AUDIENCE",
    "K1",
    "K2",
    "NOW",
    "Down",
    "Source",
    "app_g",
    "bearing",
    "claims",
    "encode",
    "jwk",
    "rs256",
    "settled",
    "token",
]

NOW = 1_800_000_000.0
AUDIENCE = "https://wh.example/cx"
AGENT = dialogflow_service_agent(123)
K1, K2 = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))


def encode(data: bytes | Mapping[str, Any]) -> str:
    """Write a segment of a token: base64url without padding."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rs256(key: rsa.RSAPrivateKey, signed: str) -> str:
    return encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good ID token of CX; a change to ... leaves a claim out."""
    good = {
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "110", "sub": "110", "email": AGENT,
        "email_verified": True, "iat": int(NOW) - 60, "exp": int(NOW) + 3_540,
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not ...}


def token(
    payload: Mapping[str, Any] | None = None,
    *,
    key: rsa.RSAPrivateKey = K1,
    signature: str | None = None,
    **header: Any,
) -> str:
    """Sign a token with RS256, whatever its header says."""
    fields = {"alg": "RS256", "kid": "k1", "typ": "JWT"} | header
    head = encode({name: value for name, value in fields.items() if value is not ...})
    signed = f"{head}.{encode(claims() if payload is None else payload)}"
    return f"{signed}.{rs256(key, signed) if signature is None else signature}"


def jwk(key: rsa.RSAPrivateKey, key_id: str, **changes: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    n, e = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8), numbers.e.to_bytes(3)
    return {"kty": "RSA", "kid": key_id, "use": "sig", "alg": "RS256", "n": encode(n), "e": encode(e)} | changes


class Down(Exception):
    """The source is down."""


@dataclass
class Source:
    """A key source that counts its fetches, and can be down, or hang until a gate opens."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(K1, "k1"), jwk(K2, "k2")])
    max_age: float | None = 3_600.0
    content: bytes | None = None
    down: bool = False
    gate: threading.Event | None = None
    fetches: int = 0
    began: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def fetch(self) -> KeyDocument:
        self.fetches += 1
        self.began.release()
        if self.gate is not None:
            self.gate.wait()
        if self.down:
            raise Down
        content = json.dumps({"keys": self.keys}).encode() if self.content is None else self.content
        return KeyDocument(content, self.max_age)


def app_g(source: Source, *, clock: Clock | None = None, **options: Any) -> GoogleIdToken:
    """Fixture G of the attack cases."""
    clock = clock or Clock(NOW)
    settings: dict[str, Any] = {"audience": AUDIENCE, "project_number": 123, "now": clock} | options
    return GoogleIdToken(**settings, keys=source, clock=clock)


def bearing(value: str) -> HttpRequest:
    return HttpRequest.build("POST", "/webhook", headers={"Authorization": value})
