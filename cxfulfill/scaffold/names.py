"""What a project may be called: its name is also that of a service and of an account on Google Cloud."""

import re
from typing import Final

from cxfulfill.errors import ConfigurationError

ACCOUNT: Final = "-run"
"""Stands behind the project's name in that of the service's account, which has 6 to 30 characters."""
_FEWEST: Final = 6 - len(ACCOUNT)
_MOST: Final = 30 - len(ACCOUNT)
_REASON: Final = "it is also the name of the Cloud Run service"


def check_name(name: str) -> str:
    """Check a project's name.

    Args:
        name: The name.

    Returns:
        The same.

    Raises:
        ConfigurationError: It cannot be used; the sentence says why.
    """
    if not _FEWEST <= len(name) <= _MOST:
        raise ConfigurationError(
            f"a name has {_FEWEST} to {_MOST} characters: with {ACCOUNT} behind it, it is also that of the service's "
            "account on Google Cloud"
        )
    if not re.fullmatch(r"[a-z0-9-]*", name):
        raise ConfigurationError(f"a name has lower-case letters (a-z), digits and hyphens only: {_REASON}")
    if not name[0].isalpha():
        raise ConfigurationError(f"a name begins with a letter: {_REASON}")
    if name.endswith("-"):
        raise ConfigurationError(f"a name does not end in a hyphen: {_REASON}")
    return name
