"""Google's public keys: a JWK set, or a map from key id to certificate."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from cxfulfill.auth.keys import Shared, signing_jwks
from cxfulfill.auth.tokens import RS256, decode_segment

_MIN_KEY_BITS = 2_048
_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()


class RsaVerifier:
    """Verifies ``RS256`` with one key.

    It is the call of cryptography that google-auth's class makes. To load that class is to load certificates, ciphers
    and the keys of SSH, which is a tenth of the time to a process's first answer.

    Args:
        key: The key.
    """

    __slots__ = ("_key",)

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature is the key's.

        Args:
            message: What was signed.
            signature: The signature.

        Returns:
            Whether it is.
        """
        try:
            self._key.verify(signature, message, _PADDING, _HASH)
        except InvalidSignature:
            return False
        return True


def read_keys(document: dict[str, Any]) -> dict[str, RsaVerifier]:
    """Read Google's keys.

    Args:
        document: A JWK set (RFC 7517), or a map from key id to certificate (PEM).

    Returns:
        What verifies signatures, by key id; what is no RSA key of a decent size is left out.
    """
    read: Callable[[Any], object] = _from_jwk if "keys" in document else _from_certificate
    entries = signing_jwks(document) if "keys" in document else document
    keys = {}
    for key_id, entry in entries.items():
        try:
            key = read(entry)
        except Exception:  # noqa: S112 - whatever is odd about one key must not cost the others
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_KEY_BITS:
            keys[key_id] = RsaVerifier(key)
    return keys


def _from_jwk(jwk: Mapping[str, Any]) -> object:
    if jwk.get("kty") != "RSA" or jwk.get("alg", RS256) != RS256:
        return None
    return RSAPublicNumbers(e=_integer(jwk["e"]), n=_integer(jwk["n"])).public_key()


def _integer(text: str) -> int:
    return int.from_bytes(decode_segment(text))


def _from_certificate(pem: str) -> object:
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - Google's own address gives a JWK set

    return load_pem_x509_certificate(pem.encode()).public_key()


SHARED: Final = Shared(read_keys)
"""Google's keys, fetched once a process for all verifiers."""
