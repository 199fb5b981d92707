"""What authenticators fetch before the first call, so that it need not wait for it."""

import logging
from collections.abc import Iterable

from cxfulfill.auth.base import Authenticator, is_ready

_log = logging.getLogger("cxfulfill")


def begin(authenticators: Iterable[Authenticator]) -> None:
    """Begin the fetches of authenticators, all at the same time, and wait for none.

    Args:
        authenticators: They.
    """
    for authenticator in authenticators:
        is_ready(authenticator)  # which begins what is missing


def warm(authenticators: Iterable[Authenticator]) -> None:
    """Let authenticators fetch what they lack, at the same time; whether it worked, `is_ready` tells.

    Args:
        authenticators: They.
    """
    each = tuple(authenticators)
    begin(each)
    for authenticator in each:
        fetch = getattr(authenticator, "warm", None)
        is_done = hasattr(authenticator, "ready") and is_ready(authenticator)
        try:
            if fetch is not None and not is_done:
                fetch()
        except Exception as error:  # its first call asks it again
            _log.warning("%s.warm failed with %s", type(authenticator).__name__, type(error).__name__)
