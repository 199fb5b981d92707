"""Files that are replaced as a whole: what was there stays where the new text cannot be written."""

import os
import shutil
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write a file in one step.

    Args:
        path: The file, or a link to it; its folder must be there. Its mode stays.
        text: What it is to hold, in UTF-8 and with the line ends that it has.

    Raises:
        OSError: It cannot be written; nothing has changed then.
    """
    target = path.resolve()
    beside = target.with_name(f"{target.name}.new")
    beside.unlink(missing_ok=True)  # never through a link that lies there
    try:
        with beside.open("xb") as file:
            file.write(text.encode())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)  # noqa: PTH105 - replaces one that is there, on every system
    except OSError:
        beside.unlink(missing_ok=True)
        raise
