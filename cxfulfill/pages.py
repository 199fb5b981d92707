"""The current page, and the parameters of its form, as a handler is given them."""

from dataclasses import dataclass
from typing import Any

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.names import PageName


@dataclass(frozen=True, slots=True)
class Page:
    """The current page.

    Attributes:
        name: Full name.
        display_name: Display name; empty where CX sent none.
    """

    name: str
    display_name: str

    @property
    def id(self) -> str:
        """The page's id, or the whole name where it is no page name."""
        parsed = PageName.parse(self.name)
        return (parsed.page or "") if parsed else self.name

    @property
    def flow_id(self) -> str:
        """The id of the page's flow; empty where the name holds none."""
        parsed = PageName.parse(self.name)
        return parsed.flow if parsed else ""

    def sibling(self, page_id: str) -> str:
        """Build the full name of another page of the same flow.

        Args:
            page_id: The page's id, not its display name.

        Returns:
            The name, as ``Reply(target_page=)`` takes it.

        Raises:
            ReplyError: The id has slashes or white space; or the request names no current page, or one whose name
                holds no flow.
        """
        parsed = PageName.parse(self.name)
        if parsed is None:
            raise ReplyError("targetPage", "cannot be built: the request's pageInfo.currentPage holds no flow")
        return parsed.agent.page(parsed.flow, page_id)


@dataclass(frozen=True, slots=True)
class FormParameter:
    """A parameter of the current page's form.

    Attributes:
        value: Its value.
        state: ``EMPTY``, ``INVALID``, ``FILLED``, or what else CX sent.
        required: Whether the form needs it.
        just_collected: Whether the last turn filled it.
    """

    value: Any
    state: str
    required: bool
    just_collected: bool
