"""Which webhooks of an agent are this application's: a file beside ``cxfulfill.toml``, to be committed with it.

A Webhook has no labels: nothing in the agent can say whose one is. By its display name alone none could be renamed,
nor could it be known which one is left over. So the file keeps their ids, and the display name only finds those that
it does not know yet. It holds no secret: of one that the API does not show again there is a salted scrypt digest, to
tell a rotated one.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from cxfulfill.agent.replacing import replace_text
from cxfulfill.agent.resource_fields import Path as Field
from cxfulfill.errors import ConfigurationError

FILE: Final = "cxfulfill.state.json"

_COST: Final = 2**14
_SALT: Final = 16
_BETWEEN: Final = "/"
"""Stands between the parts of a field."""


class Known(BaseModel):
    """What is known of a resource.

    Attributes:
        name: Its resource name; empty for an environment, which is found by its display name.
        fields: What an update of all that is ours would name.
        secrets: Digests of its secrets, by field.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str = ""
    fields: list[list[str]] = []
    secrets: dict[str, str] = {}

    @property
    def masks(self) -> frozenset[Field]:
        """What was ours."""
        return frozenset(tuple(each) for each in self.fields)

    @property
    def hidden(self) -> frozenset[Field]:
        """The fields whose secrets were written last, and are not shown by the API."""
        return frozenset(tuple(name.split(_BETWEEN)) for name in self.secrets)

    def unseen(self, wanted: Mapping[Field, str]) -> Collection[Field]:
        """Tell which secrets are as they were written last.

        Args:
            wanted: Secrets by field.

        Returns:
            The fields of those whose digest is known.
        """
        digests = {field: self.secrets.get(_BETWEEN.join(field), "") for field in wanted}
        return {field for field, digest in digests.items() if digest and _matches(digest, wanted[field])}


class KnownAgent(BaseModel):
    """What is known of an agent: webhooks by key, environments by display name."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    webhooks: dict[str, Known] = {}
    environments: dict[str, Known] = {}


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    version: int = 1
    agents: dict[str, KnownAgent] = {}


class State:
    """The file.

    Args:
        path: The file; it need not be there.

    Raises:
        ConfigurationError: It cannot be read, or is none of these.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._content = _Content.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            self._content = _Content()
        except OSError as error:
            raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from None
        except ValidationError:
            raise ConfigurationError(f"{path.name} is none that cxfulfill agent apply has written") from None

    def agent(self, name: str) -> KnownAgent:
        """Give what is known of an agent; what is changed in it is kept by `save`.

        Args:
            name: Its resource name.

        Returns:
            What is known.
        """
        return self._content.agents.setdefault(name, KnownAgent())

    def save(self) -> None:
        """Write the file, in one step.

        Raises:
            ConfigurationError: It cannot be written.
        """
        text = json.dumps(self._content.model_dump(), indent=2, sort_keys=True) + "\n"
        try:
            replace_text(self._path, text)
        except OSError as error:
            raise ConfigurationError(f"{self._path.name} cannot be written: {error.strerror}") from None


def digests_of(wanted: Mapping[Field, str], known: Known | None) -> dict[str, str]:
    """Make the digests of secrets.

    Args:
        wanted: Secrets by field.
        known: What is known of the resource; its digests are taken over, so that the file changes with a secret only.

    Returns:
        Digests, by field.
    """
    kept = known.unseen(wanted) if known else ()
    old: dict[str, Any] = known.secrets if known else {}
    joined = {field: _BETWEEN.join(field) for field in wanted}
    return {
        name: old[name] if field in kept else _digest(wanted[field], secrets.token_bytes(_SALT))
        for field, name in joined.items()
    }


def _digest(value: str, salt: bytes) -> str:
    made = hashlib.scrypt(value.encode(), salt=salt, n=_COST, r=8, p=1, dklen=32)
    return f"{salt.hex()}:{made.hex()}"


def _matches(digest: str, value: str) -> bool:
    salt, _, _ = digest.partition(":")
    try:
        return hmac.compare_digest(_digest(value, bytes.fromhex(salt)).encode(), digest.encode())
    except ValueError:
        return False
