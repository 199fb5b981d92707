"""Shared secrets: HTTP Basic (RFC 7617) and a header with a fixed value.

A shared secret proves that the caller knows it: neither which agent calls nor that the call is fresh. Values are
compared in constant time, and several are accepted while one is being replaced. Where they come from is told by
`cxfulfill.auth.sources`.
"""

import base64
import hmac
import re
from collections.abc import Callable
from functools import partial
from typing import Self

from cxfulfill.auth import notes
from cxfulfill.auth.accepted import Accepted
from cxfulfill.auth.base import Principal
from cxfulfill.auth.secret_checks import check_ends, check_secret, is_unsendable
from cxfulfill.auth.sources import Secret
from cxfulfill.errors import ConfigurationError, Unauthorized
from cxfulfill.http import HttpRequest

_HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^`|~-]+"
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *", re.IGNORECASE)
_BASIC_SCHEME = r"(?i)basic(?:[\s,]|$)"
_REFERENCE = r"\$(?:session\.params|sys\.)"
"""What CX puts a value in place of (webhook page); users choose those of session parameters."""
_NOT_BASE64 = "what follows Basic is not base64"
_NOT_FOR_SECRETS = frozenset(
    {
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "from",
        "user-agent", "accept-encoding", "if-modified-since", "if-none-match", "x-forwarded-for",
    }
)  # fmt: skip
"""Headers that CX does not let an agent set (webhook page), or that mean something else to HTTP."""


class _SharedSecret:
    """What both hold.

    Attributes:
        secrets: What is accepted.
        sources: Where the secrets come from that are not given as text.
        ready: Tells whether a secret is at hand, without blocking; see `Accepted.ready`.
        warm: Fetches the secrets now, for at most 3 seconds; see `Accepted.warm`.

    The last two are there only where a secret comes from a source that changes: what has ``ready`` is listed by
    ``/ready``.
    """

    blocking: bool
    ready: Callable[[], bool]
    warm: Callable[[], None]

    def __init__(self, secrets: Accepted) -> None:
        self.secrets = secrets
        self._accepts = secrets.has
        self.sources = secrets.sources
        self.blocking = secrets.blocking
        if secrets.may_change:
            self.ready, self.warm = secrets.ready, secrets.warm


class BasicAuth(_SharedSecret):
    """HTTP Basic: the user name and password of the CX webhook's settings.

    Where CX takes both from one secret of Secret Manager, see `from_credentials`.

    Args:
        username: User name, without a colon.
        password: Password: text, a source such as ``EnvironmentSecret("CX_PASSWORD")``, or several of which each is
            accepted while one replaces another.
        allow_weak: Accept a short or well-known password, for a trial.

    Raises:
        ConfigurationError: The user name has a colon or is empty; a password is weak, a placeholder, the name of a
            secret, or has control characters or spaces at its ends.
    """

    credential_headers = frozenset({"authorization"})
    header_use = ("authorization", "Basic")
    challenge = 'Basic realm="webhook", charset="UTF-8"'

    def __init__(self, username: str, password: Secret, *, allow_weak: bool = False) -> None:
        _check_username("BasicAuth", username)
        self.username: str | None = username

        def read(what: str, value: str) -> bytes:
            return f"{username}:{_read_password(what, value, allow_weak=allow_weak)}".encode()

        super().__init__(Accepted("BasicAuth: password", password, read))

    @classmethod
    def from_credentials(cls, credentials: Secret, *, allow_weak: bool = False) -> Self:
        """Accept user name and password as CX's Secret Manager setting has them: ``user:password`` in one secret.

        The caller's name is the user name.

        Args:
            credentials: The secret: text, a source such as ``SecretManager("projects/P/secrets/S/versions/V")``, or
                several of which each is accepted.
            allow_weak: Accept a short or well-known password, for a trial.

        Returns:
            The authenticator; its ``username`` is None.

        Raises:
            ConfigurationError: A value that is at hand is not of this form, or its password is one that `BasicAuth`
                refuses.
        """
        read = partial(_read_credentials, allow_weak=allow_weak)
        made = cls.__new__(cls)
        made.username = None
        _SharedSecret.__init__(made, Accepted("BasicAuth: credentials", credentials, read))
        return made

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept the user name with any of the passwords; see `Authenticator.authenticate`."""
        header = http.headers.get("authorization")
        found = _BASIC.fullmatch(header or "")
        given = _decode(found[1]) if found else b""
        if not given or not self._accepts(given):  # what is malformed causes no fetch
            raise self._refusal(header, given)
        return Principal(self.username or given.partition(b":")[0].decode(), "basic")

    def _refusal(self, header: str | None, given: bytes) -> Unauthorized:
        if not header or not re.match(_BASIC_SCHEME, header):
            note = notes.no_credential(header, "Basic")
            return Unauthorized(self.challenge, reason="no_credentials", note=note)
        note = self._why(given) if given else notes.twice("Authorization header", header) or _NOT_BASE64
        return Unauthorized(self.challenge, reason="bad_credentials", note=note)

    def _why(self, given: bytes) -> str:
        """Tell the log, and nobody else, what is wrong with a user name and password."""
        username, colon, password = given.partition(b":")
        if not colon:
            return "what was sent has no colon between user name and password"
        if password != password.strip():
            return "what was sent ends in white space: store the secret that CX reads without it"
        if self.username is None:
            return "it is no user:password that is accepted"
        # In a time that does not tell the caller either.
        return (
            f"the user name is another one than {self.username}",
            "the user name is right, the password is none of those that are accepted",
        )[hmac.compare_digest(username, self.username.encode())]

    def __repr__(self) -> str:
        if self.username is None:
            return f"BasicAuth.from_credentials({self.secrets!r})"
        return f"BasicAuth({self.username!r}, password={self.secrets!r})"


class HeaderSecret(_SharedSecret):
    """A header with a fixed value, from the CX webhook's request headers or its Secret Manager setting.

    A header whose value refers to a session parameter is data, not a secret: a user can influence it.

    Args:
        name: The header's name.
        value: Its whole value, such as ``Bearer 9f2c...``, a source of it, such as
            ``SecretManager("projects/P/secrets/S/versions/V")``, or several of which each is accepted.
        allow_weak: Accept a short or well-known value, for a trial.

    Raises:
        ConfigurationError: The name is one that CX cannot send or a server would drop; or a value is weak, a
            placeholder, the name of a secret, refers to a session parameter, begins with the header's name, or has
            control characters or spaces at its ends.
    """

    def __init__(self, name: str, value: Secret, *, allow_weak: bool = False) -> None:
        if not re.fullmatch(_HEADER_NAME, name) or name.lower() in _NOT_FOR_SECRETS:
            raise ConfigurationError("HeaderSecret: name must be a header that CX can send, without underscores")
        self.name = name
        self.credential_headers = frozenset({name.lower()})
        self.header_use = (name.lower(), "a fixed value")
        read = partial(_read_value, name=name, allow_weak=allow_weak)
        super().__init__(Accepted("HeaderSecret: value", value, read))
        # RFC 9110 wants a challenge with each 401; there is no registered scheme for a header of one's own.
        self.challenge = 'Bearer realm="webhook"' if name.lower() == "authorization" else 'ApiKey realm="webhook"'

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept the header with any of the values; see `Authenticator.authenticate`."""
        header = http.headers.get(self.name)
        if header is None:
            raise Unauthorized(self.challenge, reason="no_credentials", note=f"there is no header {self.name}")
        if not self._accepts(header.encode("latin-1", "replace")):
            raise Unauthorized(self.challenge, reason="bad_credentials", note=notes.bad_header(self.name, header))
        return Principal(self.name.lower(), "header")

    def __repr__(self) -> str:
        return f"HeaderSecret({self.name!r}, value={self.secrets!r})"


def _check_username(what: str, username: str) -> None:
    if not username or ":" in username or is_unsendable(username):
        raise ConfigurationError(f"{what}: username must be text without a colon (RFC 7617)")


def _read_credentials(what: str, value: str, *, allow_weak: bool) -> bytes:
    username, colon, password = check_secret(what, value, allow_weak=True).partition(":")
    if not colon:
        raise ConfigurationError(f"{what} must be user:password, as CX's Secret Manager setting for Basic has it")
    _check_username(what, username)
    _read_password(f"the password of {what}", password, allow_weak=allow_weak)
    return value.encode()


def _read_password(what: str, value: str, *, allow_weak: bool) -> str:
    return check_ends(what, check_secret(what, value, allow_weak=allow_weak))


def _read_value(what: str, value: str, *, name: str, allow_weak: bool) -> bytes:
    if value.lower().startswith(f"{name.lower()}:"):
        raise ConfigurationError(f"{what} begins with the header's own name; give the value alone")
    if re.search(_REFERENCE, value):
        raise ConfigurationError(
            f"{what} refers to a session parameter or function, which CX replaces: users can influence it, so it is no "
            "secret"
        )
    return check_ends(what, check_secret(what, value, allow_weak=allow_weak)).encode()


def _decode(text: str) -> bytes:
    # With the alphabet and the length right, b64decode has nothing left to overlook.
    return b"" if len(text) % 4 else base64.b64decode(text)
