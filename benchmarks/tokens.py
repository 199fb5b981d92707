"""A call with an ID token, seen for the first time each time: nothing of a token is remembered."""

import base64
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks.in_process import CREDENTIAL, call, protected
from cxfulfill import GoogleIdToken, KeyDocument, dialogflow_service_agent

AUDIENCE = "https://hotel.example/webhook"
KEY = rsa.generate_private_key(65_537, 2_048)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Keys:
    """A key source without IO."""

    def fetch(self) -> KeyDocument:
        modulus = KEY.public_key().public_numbers().n.to_bytes(256)
        jwk = {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": encode(modulus), "e": "AQAB"}
        return KeyDocument(json.dumps({"keys": [jwk]}).encode())


def make_token() -> tuple[bytes, bytes]:
    """Sign a token as CX sends it.

    Returns:
        What is signed, and the signature.
    """
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1" * 21, "sub": "1" * 21,
        "email": dialogflow_service_agent(123456), "email_verified": True, "iat": now, "exp": now + 3_600,
    }  # fmt: skip
    header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}".encode()
    return signed, KEY.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def measure(rounds: int = 40, calls: int = 100) -> dict[str, list[float]]:
    """Time Basic, the token and a bare RSA verification in turns.

    Returns:
        Microseconds by candidate.
    """
    signed, signature = make_token()
    bearer = f"Bearer {signed.decode()}.{encode(signature)}"
    auth = GoogleIdToken(audience=AUDIENCE, project_number=123456, keys=Keys())
    auth.warm()
    key = KEY.public_key()
    basic, token = protected().wsgi, protected(auth).wsgi
    candidates: dict[str, Callable[[], Any]] = {
        "Basic": partial(call, basic, CREDENTIAL),
        "Google ID token": partial(call, token, bearer),
        "bare RSA verification": partial(key.verify, signature, signed, padding.PKCS1v15(), hashes.SHA256()),
    }
    if candidates["Basic"]() != candidates["Google ID token"]():
        raise AssertionError("the candidates must give one answer")
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            started = time.perf_counter()
            for _ in range(calls):
                candidate()
            times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times
