"""Texts of strangers as terminals may have them."""


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of show: much of what is printed was written by strangers.

    Args:
        text: Any text.

    Returns:
        The text with control and direction characters as escapes.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
