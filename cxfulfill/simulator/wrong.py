"""Wrong credentials: of the same kind as a right one, and refused."""

import secrets
from dataclasses import replace
from functools import singledispatch

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.credentials import (
    AccessTokenCredential,
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    HeaderCredential,
    IdTokenCredential,
    NoCredential,
    OAuthCredential,
)
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.sending import Credential


@singledispatch
def _wrong(credential: object) -> Credential:
    raise ConfigurationError(f"{type(credential).__name__}: what a wrong one would be is not known; give one yourself")


def wrong_credential(credential: Credential) -> Credential:
    """Make a wrong credential of the kind of a right one.

    Args:
        credential: The right one.

    Returns:
        One that an application must refuse: another password or value, a token that another key signed, no client
        certificate.

    Raises:
        ConfigurationError: There is no wrong one, as with `NoCredential`, or the kind is the user's own.
    """
    return _wrong(credential)


@_wrong.register
def _(credential: BasicCredential) -> Credential:
    return replace(credential, password=secrets.token_urlsafe(24))


@_wrong.register
def _(credential: HeaderCredential) -> Credential:
    return HeaderCredential({name: _other(value) for name, value in credential.fields.items()})


@_wrong.register
def _(credential: IdTokenCredential) -> Credential:
    if credential.signature_removed:  # no key is left that could be another one
        return replace(credential, email=f"stranger-{credential.email}")
    return replace(credential, issuer=credential.issuer.stranger())


@_wrong.register
def _(credential: AccessTokenCredential) -> Credential:
    return replace(credential, signer=credential.signer.stranger())


@_wrong.register
def _(credential: OAuthCredential) -> Credential:
    token = LocalIssuer().access_token(
        issuer=credential.token_endpoint, audience="webhook", client_id=credential.client_id
    )
    return HeaderCredential({"Authorization": f"Bearer {token}"})


@_wrong.register
def _(credential: CertificateCredential) -> Credential:
    del credential  # one that nobody signed would end the handshake, and no call would be made
    return NoCredential()


@_wrong.register
def _(credential: AllCredentials) -> Credential:
    return AllCredentials(*map(_wrong, credential.parts))


def _other(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme}{space}{secrets.token_urlsafe(24)}" if space else secrets.token_urlsafe(24)
