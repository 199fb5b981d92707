"""An application's flexible routes as an OpenAPI description, for tools that test or document HTTP interfaces.

It is made from the routes' own schemas. Nothing that serves calls imports it.
"""

from cxfulfill.openapi.document import describe

__all__ = ["describe"]
