"""Google's public keys: a JWK set, or a map from key id to certificate."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.x509 import load_pem_x509_certificate

from cxfulfill.auth.keys import signing_jwks
from cxfulfill.auth.tokens import decode_segment

if TYPE_CHECKING:
    from google.auth.crypt import RSAVerifier

ALGORITHM: Final = "RS256"
"""The one that Google signs ID tokens with."""

_MIN_KEY_BITS = 2_048


def rsa_verifier() -> "type[RSAVerifier]":
    """Load what verifies signatures.

    Returns:
        google-auth's class.
    """
    # The public names of this package load without Google's library: not everybody uses it.
    from google.auth.crypt import RSAVerifier  # noqa: PLC0415

    return RSAVerifier


def read_keys(document: dict[str, Any]) -> "dict[str, RSAVerifier]":
    """Read Google's keys.

    Args:
        document: A JWK set (RFC 7517), or a map from key id to certificate (PEM).

    Returns:
        What verifies signatures, by key id; what is no RSA key of a decent size is left out.
    """
    read: Callable[[Any], object] = _from_jwk if "keys" in document else _from_certificate
    entries = signing_jwks(document) if "keys" in document else document
    verifier = rsa_verifier()
    keys = {}
    for key_id, entry in entries.items():
        try:
            key = read(entry)
        except Exception:  # noqa: S112 - whatever is odd about one key must not cost the others
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_KEY_BITS:
            keys[key_id] = verifier(key)
    return keys


def _from_jwk(jwk: Mapping[str, Any]) -> object:
    if jwk.get("kty") != "RSA" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        return None
    return RSAPublicNumbers(e=_integer(jwk["e"]), n=_integer(jwk["n"])).public_key()


def _integer(text: str) -> int:
    return int.from_bytes(decode_segment(text))


def _from_certificate(pem: str) -> object:
    return load_pem_x509_certificate(pem.encode()).public_key()
