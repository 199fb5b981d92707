"""``python -m cxfulfill.cli`` is ``cxfulfill``."""

from cxfulfill.cli import main

main()
