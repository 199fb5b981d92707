"""The command ``cxfulfill``: tools for developers, which need the extra ``tools``.

This module imports neither click nor rich, so that it can say that they are missing.
"""

import sys

_NEEDED = frozenset({"click", "rich"})


def main() -> None:
    """Run the command.

    Raises:
        SystemExit: Always; with a sentence where the extra ``tools`` is not installed.
    """
    try:
        from cxfulfill.cli.commands import cli  # noqa: PLC0415 - see above

        cli(prog_name="cxfulfill")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _NEEDED:
            raise
        sys.exit(f"cxfulfill needs {package}: pip install 'cxfulfill[tools]'")
