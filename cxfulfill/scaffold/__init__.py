"""What a project is made of, and how it is deployed: ``cxfulfill new`` and ``cxfulfill deploy``."""
