"""cxfulfill's own wheel, for projects where no package index has it."""

import re
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import cxfulfill
from cxfulfill.errors import ConfigurationError

FOLDER: Final = "wheels"
"""Where the wheel stands in a project."""
_NAME: Final = re.compile(rf"cxfulfill-{re.escape(cxfulfill.__version__)}-[a-z0-9.]+-none-any\.whl")


def read_wheel(path: Path) -> bytes:
    """Read the wheel that a project is to be made with.

    Args:
        path: The file.

    Returns:
        What is in it.

    Raises:
        ConfigurationError: It is no wheel of cxfulfill in this version.
    """
    if not _NAME.fullmatch(path.name) or not zipfile.is_zipfile(path):
        raise ConfigurationError(f"it is no wheel of cxfulfill {cxfulfill.__version__}: pip wheel makes one of a clone")
    return path.read_bytes()


def is_from_index() -> bool:
    """Tell whether this cxfulfill was installed by its name, and so by what an index or a folder of wheels has.

    Returns:
        False where it was installed from a clone, a file or an address, or not at all.
    """
    found = next(iter(distributions(name="cxfulfill")), None)
    return found is not None and found.read_text("direct_url.json") is None
