"""Sentences for the log line of a refusal; made only where a call is refused.

A stranger's text is shown only where it can be no secret and does no harm: a scheme that is known, an algorithm, an
issuer's address. What a verified token says may be shown, cut off.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

NO_KEY_ID: Final = "the token's header has no kid, which names the key: have its issuer send one"
BAD_SIGNATURE: Final = (
    "the signature does not fit: the token was changed on its way, or another key signed it than the one that it names"
)
NOT_A_JWT: Final = "it is not three base64url parts of JSON, as a JWT is"
BAD_HEADER: Final = "its header has crit, or no alg, or one of alg, typ and kid that is no short text"
TOO_EARLY: Final = "the token begins in the future: do both clocks tell the same time?"

_SHOWN = 150
"""Characters of a value, or of several, that are shown at most."""
_END = 50
"""Of those, characters of the end, where addresses differ by a slash."""
_SCHEMES = {
    name.lower(): name
    for name in ("Basic", "Bearer", "Digest", "DPoP", "Negotiate", "NTLM", "OAuth", "ApiKey", "Token", "GNAP", "HOBA")
}
_ALGORITHM = r"[\x21-\x7e]{1,16}"
_ISSUER = r"https?://[A-Za-z0-9.-]{1,60}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%-]{0,60})?"
_OF_CLIENTS = ("client_id", "azp", "appid", "cid")
_OF_SCOPES = ("scope", "scp", "roles")


def cut(text: str) -> str:
    """Show a text, with its end where it is long.

    Args:
        text: The text.

    Returns:
        At most 150 characters.
    """
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - _END - 3]}...{text[-_END:]}"


def listed(values: Sequence[object]) -> str:
    """Show the first values of a list.

    Args:
        values: The values.

    Returns:
        Three of them, cut off, and how many more there are.
    """
    rest = f" and {len(values) - 3} more" if len(values) > 3 else ""
    return cut(", ".join(str(value) or "''" for value in values[:3])) + rest


def no_credential(header: str | None, scheme: str) -> str:
    """Tell what the ``Authorization`` header has in place of a credential.

    Args:
        header: The header; None where there is none. Without a known scheme it may be a secret, and is not shown.
        scheme: The scheme that is read.

    Returns:
        The sentence.
    """
    if not header:
        return "there is no Authorization header" if header is None else "the Authorization header is empty"
    known = _SCHEMES.get(header.partition(" ")[0].lower())
    if known is None:
        return f"the Authorization header does not begin with {scheme}"
    if known == scheme:
        return f"nothing follows {scheme} in the Authorization header"
    return f"the Authorization header has the scheme {known}, and {scheme} is read here"


def twice(name: str, header: str) -> str | None:
    """Tell whether a header seems to have come twice.

    Args:
        name: Its name.
        header: Its value.

    Returns:
        The sentence, or None.
    """
    return f"there is a comma in the {name}: one that comes twice is joined so" if "," in header else None


def bad_header(name: str, header: str) -> str:
    """Tell what may be wrong with the value of a header.

    Args:
        name: The header's name.
        header: Its value.

    Returns:
        The sentence.
    """
    name = f"header {name}"
    if not header:
        return f"the {name} is empty"
    if header != header.strip():
        return f"the {name} ends in white space, or begins with it: store the value that CX reads without it"
    told = f"the {name} has none of the values that are accepted; the whole value counts, its scheme and case too"
    return twice(name, header) or told


def bad_bearer(header: str, most: int) -> str:
    """Tell why what follows ``Bearer`` is no token.

    Args:
        header: The header.
        most: Characters that a token may have.

    Returns:
        The sentence.
    """
    too_long = f"it is longer than {most} characters" if len(header.partition(" ")[2].strip(" ")) > most else None
    return twice("Authorization header", header) or too_long or "it has characters that no token has (RFC 6750)"


def algorithm(name: str, ours: str) -> str:
    """Tell which algorithm a token is signed with.

    Args:
        name: What the token says.
        ours: What is accepted, as a clause.

    Returns:
        The sentence.
    """
    return f"the token is signed with {name if re.fullmatch(_ALGORITHM, name) else 'another algorithm'}; {ours}"


def issuer(value: object) -> str:
    """Tell who issued a token that is not verified, where it looks like an issuer's address.

    Args:
        value: The claim ``iss``.

    Returns:
        The end of a clause; empty where the claim is not shown.
    """
    return f", but from {value}" if isinstance(value, str) and re.fullmatch(_ISSUER, value) else ""


def audience(value: object, allowed: Iterable[str]) -> str:
    """Tell whom a verified token is for, and whom it should be for.

    Args:
        value: The claim ``aud``.
        allowed: What is accepted.

    Returns:
        The sentence.
    """
    expected = listed(sorted(allowed))
    if value is None:
        return f"the token has no aud, which tells whom it is for; have its issuer put {expected} there"
    given = listed(value if isinstance(value, list) else [value]) or "nobody"
    return f"the token is for {given}; audience= has {expected}: enter the former if it is this webhook"


def ended(seconds: float) -> str:
    """Tell how long ago a token ended.

    Args:
        seconds: The seconds.

    Returns:
        The sentence.
    """
    return f"the token ended {seconds:.0f} seconds ago by this machine's clock"


def lifetime(seconds: float, most: float, *, adjustable: bool) -> str:
    """Tell that a token is valid for too long, or for no time.

    Args:
        seconds: From ``iat`` to ``exp``.
        most: What is allowed.
        adjustable: Whether ``max_lifetime=`` sets that.

    Returns:
        The sentence.
    """
    if seconds <= 0:
        return "the token's exp does not lie behind iat"
    setting = "; max_lifetime= sets that" if adjustable else ""
    return f"the token is valid for {seconds:.0f} seconds, and {most:.0f} are allowed{setting}"


def no_client(claims: Mapping[str, Any], claim: str, *, relaxable: bool) -> str:
    """Tell that the claim with the client is missing, and which others could be meant.

    Args:
        claims: The claims of a verified token.
        claim: The claim that is read.
        relaxable: Whether ``client_claim=`` names another one.

    Returns:
        The sentence.
    """
    if not relaxable:
        return f"the endpoint's answer has no {claim}, which names the client"
    others = [name for name in _OF_CLIENTS if name != claim and isinstance(claims.get(name), str)]
    hint = f"it has {', '.join(others)}: set client_claim=" if others else "client_claim= names another claim"
    return f"the token has no {claim}, which names its client; {hint}"


def lacks_scopes(missing: Iterable[str], claims: Mapping[str, Any], claim: str, *, relaxable: bool) -> str:
    """Tell which scopes are missing, and whether they may stand in another claim.

    Args:
        missing: The scopes.
        claims: The claims of a verified token.
        claim: The claim that is read.
        relaxable: Whether ``scope_claim=`` names another one.

    Returns:
        The sentence.
    """
    lacks = cut(" ".join(missing))
    others = [name for name in _OF_SCOPES if name in claims]
    if relaxable and claim not in claims and others:
        hint = f"if its scopes stand in {others[0]}, set scope_claim={others[0]!r}"
        return f"the token has no {claim}, and lacks {lacks}; {hint}"
    return f"the token lacks {lacks}; enter it as a scope of the CX webhook's OAuth settings"
