"""Resources of Terraform as values, and how they are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cxfulfill.agent.resource_hcl import Expression, block


@dataclass(frozen=True, slots=True)
class Block:
    """A block.

    Attributes:
        head: Its type and labels.
        arguments: Its arguments.
        blocks: The blocks in it.
    """

    head: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple["Block", ...] = ()

    def written(self, depth: int = 0) -> str:
        """Write it.

        Args:
            depth: How deep it stands.

        Returns:
            HCL.
        """
        return block(self.head, self.arguments, [each.written(depth + 1) for each in self.blocks], depth)


def resource(kind: str, label: str, arguments: Mapping[str, Any], *blocks: Block) -> Block:
    """Make a resource.

    Args:
        kind: Its type, without ``google_``.
        label: Its label.
        arguments: Its arguments; those that are None are left out.
        blocks: Its blocks.

    Returns:
        The block.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    return Block(f'resource "google_{kind}" "{label}"', given, blocks)


def number(value: int) -> Expression:
    """Write a number.

    Args:
        value: The number.

    Returns:
        It without quotes.
    """
    return Expression(str(value))


def of(address: str) -> Expression:
    """Refer to what another resource has.

    Args:
        address: Its type, without ``google_``, its label and attribute.

    Returns:
        The reference.
    """
    return Expression(f"google_{address}")


def written(blocks: Iterable[Block]) -> str:
    """Write blocks.

    Args:
        blocks: The blocks.

    Returns:
        HCL.
    """
    return "\n".join(each.written() for each in blocks)
