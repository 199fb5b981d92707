"""Where secrets come from: the contract of a source, an environment variable, a mounted file.

A secret is given as text, as a source, or as several of both while one value replaces another. Google's Secret Manager
stands in `cxfulfill.auth.secret_manager`.
"""

import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from cxfulfill.auth.fetched import Fetched, Gone, Held
from cxfulfill.errors import ConfigurationError

MAX_BYTES: Final = 65_536
"""Bytes that a secret may have: as many as Secret Manager takes (64 KiB)."""
FILE_MAX_AGE: Final = 60.0
"""Seconds after which a file is read again."""

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"


class SecretSource(Protocol):
    """Where a secret comes from; the contract of an implementation of one's own.

    An implementation may also have

    * ``blocking`` (bool): whether ``get`` does IO; taken as True where it is missing, so that an event loop is never
      held up. A source that says False is asked once at construction, and a weak value then fails there;
    * ``name`` (str): what it is called in the log;
    * ``ready()``: whether ``get`` would give a value, for ``/ready``; it must not block.

    `FetchedSecret` has all of it, for a source that only has to be fetched from.
    """

    def get(self) -> str:
        """Give the value; it is asked for with every call, so it is held and not fetched here.

        Returns:
            The value. It is checked like one in the code, and refused where it is weak or malformed.

        Raises:
            NeedsIO: It must be fetched first; it is asked again then.
            Unavailable: It cannot be had now. Anything else that is raised counts as that.
        """
        ...


Secret = str | SecretSource | Iterable[str | SecretSource]
"""A secret as it is configured; several are each accepted."""


def describe(source: SecretSource) -> str:
    """Name a source for the log, without its own ``repr``, which might show what it holds.

    Args:
        source: The source.

    Returns:
        Its class, with its ``name`` where it has one.
    """
    name = getattr(source, "name", None)
    kind = type(source).__name__
    return f"{kind}({name!r})" if isinstance(name, str) else kind


class EnvironmentSecret:
    """A secret in an environment variable, read once, when this is made.

    Args:
        name: The variable.

    Raises:
        ConfigurationError: It is not set.
    """

    blocking = False

    def __init__(self, name: str) -> None:
        if not re.fullmatch(_VARIABLE, name):
            raise ConfigurationError("EnvironmentSecret takes the name of a variable, not what is in it")
        value = os.environ.get(name)
        if value is None:
            raise ConfigurationError(f"EnvironmentSecret: set the environment variable {name} to the secret")
        self.name = name
        self._value = value

    def get(self) -> str:
        """Give the value; see `SecretSource.get`."""
        return self._value

    def __repr__(self) -> str:
        return describe(self)


class FetchedSecret(ABC):
    """A secret that is fetched and kept. For a source of one's own, implement `fetch`.

    It is fetched when first needed, by one thread at a time and for at most 3 seconds; renewed in the background
    before it is too old; and served past its age while its source is down.

    Args:
        name: What it is called in the log; no secret.
        max_age: Seconds after which it is fetched again.
        clock: Seconds that only go up.
    """

    blocking = False

    def __init__(self, name: str, *, max_age: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._max_age = max_age
        self._held: Fetched[str] = Fetched("secret", repr(self), self._load, clock=clock)

    @abstractmethod
    def fetch(self) -> bytes:
        """Fetch the secret; runs in a thread of its own.

        Returns:
            The secret in UTF-8.

        Raises:
            Gone: It was taken back: it is no longer accepted.
            Exception: The source is down, whatever it raises; the secret that is held goes on being accepted.
        """

    def get(self) -> str:
        """Give the value; see `SecretSource.get`."""
        return self._held.get()

    def ready(self) -> bool:
        """Tell whether the secret is held; where it is not, a fetch is started and not waited for."""
        return self._held.is_held()

    def _load(self) -> Held[str]:
        return Held(self._text(), self._max_age)

    def _text(self) -> str:
        data = self.fetch()
        if len(data) > MAX_BYTES:
            raise Gone(f"it is larger than {MAX_BYTES // 1024} KiB, which is no secret")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Gone("it is not in UTF-8; store the secret as text") from None

    def __repr__(self) -> str:
        return describe(self)


class FileSecret(FetchedSecret):
    """A secret in a file, such as one that Cloud Run, Kubernetes or Docker mounts.

    It is read again every minute, since a platform replaces the file where the secret changes. A file that is removed
    ends its secret. Replace a file at once, by renaming another one to its name: half of a secret is one, too.

    Args:
        path: The file, whose whole content is the secret.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: There is no such file now, it is something else, or it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        if not os.fspath(path):
            raise ConfigurationError("FileSecret takes the path of a file; this one is empty")
        self.path = Path(path)
        super().__init__(str(self.path), max_age=FILE_MAX_AGE, clock=clock)
        if problem := self._problem():
            raise ConfigurationError(f"{self!r} cannot be read: {problem}")
        self._held.fetch()

    def _problem(self) -> str:
        try:
            if self.path.is_file():
                self._text()
                return ""
            if self.path.is_dir():
                return "it is a directory; name the file in it"
            # A secret could be read from a pipe only once.
            return "it is no regular file" if self.path.exists() else "there is no such file; mount the secret there"
        except Gone as gone:
            return str(gone)
        except OSError as error:
            return type(error).__name__

    def fetch(self) -> bytes:
        """Read the file; see `FetchedSecret.fetch`."""
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except (FileNotFoundError, PermissionError) as error:
            raise Gone(f"{type(error).__name__}; mount the secret there, readable by this process") from None
