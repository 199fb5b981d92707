"""The credentials of one run: what servers need to check them lies in a folder, what callers send stays here."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks import tokens


@contextmanager
def folder() -> Iterator[Path]:
    """Make the folder: the public key of `workload.bearer` as a JWK set and as PEM."""
    with tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as name:
        made = Path(name)
        (made / "keys.json").write_bytes(tokens.Keys().fetch().content)
        pem = tokens.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (made / "public.pem").write_bytes(pem)
        yield made
