"""An application as an OpenAPI description: for what tests or documents HTTP interfaces, and for CX's playbook tools.

It is made from the handlers' own schemas. Nothing that serves calls imports it.
"""

from cxfulfill.openapi.document import describe
from cxfulfill.openapi.tools import ForTools, for_tools

__all__ = ["ForTools", "describe", "for_tools"]
