"""A call as a line for a shell, with variables where secrets belong."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cxfulfill.simulator.credentials import AllCredentials, BasicCredential, OAuthCredential
from cxfulfill.simulator.sending import ClientCertificate, Credential

PASSWORD: Final = "WEBHOOK_PASSWORD"  # noqa: S105 - the name of a variable
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ: Final = re.compile(r'"\$([A-Za-z_][A-Za-z0-9_]*)"')
_NO_NAME: Final = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables that hold secrets.

    Attributes:
        password: That of the password of Basic authentication.
        headers: Those of header fields, by name in lower case.
    """

    password: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, password_env: str | None, header_env: tuple[str, ...]) -> "Variables":
        """Take the names that a command was given.

        Args:
            password_env: The variable with the password, or None.
            header_env: ``NAME=VARIABLE`` of header fields.

        Returns:
            The variables.
        """
        pairs = (pair.partition("=") for pair in header_env)
        return cls(_usable(password_env or "", PASSWORD), {name.lower(): variable for name, _, variable in pairs})

    def in_line(self, line: str) -> list[str]:
        """Name the variables that a line reads.

        Args:
            line: A line of `curl_line`.

        Returns:
            Their names, in order.
        """
        return _READ.findall(line.partition(" --data-binary ")[0])


def curl_line(
    body: bytes, url: str, credential: Credential | None, variables: Variables, file: Path | None = None
) -> str:
    """Write a call for a shell.

    Args:
        body: The WebhookRequest.
        url: Where it goes.
        credential: What it proves itself with; None for nothing.
        variables: What holds its secrets.
        file: The file that holds it as it stands; None for none.

    Returns:
        One line, without any secret.
    """
    words = ["curl", "-sS", *_proof(url, credential, variables)]
    words += ["-H", shlex.quote("Content-Type: application/json"), "--data-binary"]
    words += [shlex.quote(f"@{file}" if file else _compact(body)), shlex.quote(url)]
    return " ".join(words)


def _proof(url: str, credential: Credential | None, variables: Variables) -> Iterator[str]:
    parts = credential.parts if isinstance(credential, AllCredentials) else (credential,)
    for part in parts:
        if part is None:
            continue
        if isinstance(part, BasicCredential):
            yield from ("-u", f'{shlex.quote(f"{part.username}:")}"${variables.password}"')
        elif part.certificate is not None:
            yield from _files(part.certificate)
        elif isinstance(part, OAuthCredential):
            yield from ("-H", f'{shlex.quote("Authorization: ")}"${_variable("Authorization", variables)}"')
        else:
            for name in part.headers(url, {}):
                yield from ("-H", f'{shlex.quote(f"{name}: ")}"${_variable(name, variables)}"')


def _files(certificate: ClientCertificate) -> tuple[str, ...]:
    made_up = certificate.chain == Path(os.devnull)
    chain, key = ("client.pem", "client.key") if made_up else (str(certificate.chain), str(certificate.key))
    return ("--cert", shlex.quote(chain), "--key", shlex.quote(key))


def _variable(name: str, variables: Variables) -> str:
    otherwise = f"WEBHOOK_{_NO_NAME.sub('_', name.upper())}"
    return _usable(variables.headers.get(name.lower(), ""), otherwise)


def _usable(name: str, otherwise: str) -> str:
    return name if _VARIABLE.fullmatch(name) else otherwise


def _compact(body: bytes) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
