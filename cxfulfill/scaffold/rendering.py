"""Templates of this package, filled in: what a value is escaped for is said where it stands."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cxfulfill.agent.identifiers import quoted

_FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "python": quoted,
    "shell": shlex.quote,
    "yaml": json.dumps,  # of which YAML is a superset
}


def templates(folder: str) -> Environment:
    """Open a folder of templates; a name that is missing is an error.

    Args:
        folder: The folder below ``cxfulfill/scaffold/templates``.

    Returns:
        The environment, with the filters ``python``, ``shell`` and ``yaml`` for values as literals of these.
    """
    found = Environment(
        loader=PackageLoader("cxfulfill.scaffold", f"templates/{folder}"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - nothing of it is HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(_FILTERS)
    return found


def rendered(environment: Environment, values: Mapping[str, Any]) -> dict[str, str]:
    """Fill all templates of a folder.

    Args:
        environment: The folder.
        values: The values by name.

    Returns:
        Texts by template.
    """
    return {name: environment.get_template(name).render(values) for name in sorted(environment.list_templates())}
