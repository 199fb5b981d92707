"""A module of an agent's names: the ids of flows, pages and intents, and the events, for replies that lead there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.identifiers import LINE, pascal, quoted, told, unique, upper, width
from cxfulfill.agent.identifiers import literal as written
from cxfulfill.agent.model import Agent
from cxfulfill.agent.sources import names_of

MARK: Final = "Written by cxfulfill agent names, which writes it anew; changes are lost."
"""Stands in the docstring of each of these modules."""

_Names = list[tuple[str, str, str]]


def _constants(named: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> _Names:
    """Give each name with its id a constant; what has no id is left out."""
    known, found = set(taken), []
    for name, value in sorted(set(named)):
        if value:
            constant = unique(upper(name), "NAME", known)
            known.add(constant)
            found.append((constant, value, name))
    return found


def _flows(agent: Agent) -> Iterator[tuple[str, str, str, _Names]]:
    known: set[str] = set()
    for flow in sorted(agent.flows, key=lambda each: (each.name, each.id)):
        if flow.id:
            name = unique(pascal(flow.name), "Flow", known)
            known.add(name)
            yield name, flow.id, flow.name, _constants(((page.name, page.id) for page in flow.pages), ["ID"])


def _lists(agent: Agent) -> Mapping[str, _Names]:
    events = {handler.event for page in agent.pages() for handler in page.handlers}
    return {
        "Intents": _constants((intent.name, intent.id) for intent in agent.intents),
        "Events": _constants((event, event) for event in events),
    }


def names_module(agent: Agent) -> str:
    """Write the module.

    Args:
        agent: The agent.

    Returns:
        Its source.
    """
    lines = ['"""Names of the agent, with their ids.', "", MARK, '"""', "", ""]
    lines += ["class Flows:", '    """The flows, and in each its pages."""']
    for name, value, display, pages in _flows(agent):
        lines += [
            "",
            f"    class {name}:",
            f'        """{_shown(display)}"""',
            "",
            f"        ID = {_value(value, 8, 5)}",
        ]
        lines += _rows(pages, 8)
    for title, constants in _lists(agent).items():
        lines += ["", "", f"class {title}:", f'    """The {title.lower()}."""', *([""] if constants else [])]
        lines += _rows(constants, 4)
    return "\n".join(lines) + "\n"


def _rows(constants: _Names, indent: int) -> Iterator[str]:
    for constant, value, display in constants:
        shown = told(display.replace("#", " "))  # which may tell linters something
        if shown and upper(display) != display.upper():
            yield f"{' ' * indent}# '{shown}'"
        yield f"{' ' * indent}{constant} = {_value(value, indent, len(constant) + 3)}"


def _value(value: str, indent: int, around: int) -> str:
    return quoted(value) if width(quoted(value)) + indent + around <= LINE else written(value, indent, around)


def _shown(display: str) -> str:
    return f"The flow '{told(display.replace(chr(92), '/'))}'."


def expected(agent: Agent) -> dict[str, str]:
    """Tell what the module has to hold.

    Args:
        agent: The agent.

    Returns:
        Values by name with dots.
    """
    found = {}
    for name, value, _, pages in _flows(agent):
        found[f"Flows.{name}.ID"] = value
        found.update({f"Flows.{name}.{constant}": each for constant, each, _ in pages})
    for title, constants in _lists(agent).items():
        found.update({f"{title}.{constant}": each for constant, each, _ in constants})
    return found


def check_written(agent: Agent, module: str, docstring: str) -> Iterator[Finding]:
    """Check a module that `names_module` wrote, to the last name; another one is left alone.

    Args:
        agent: The agent.
        module: The name of the imported module.
        docstring: Its docstring.

    Yields:
        CX403.
    """
    if MARK not in docstring:
        return
    there, wanted = dict(names_of(module)), expected(agent)
    for name in sorted(wanted.keys() | there.keys()):
        if name not in there:
            problem = f"{name} is missing, which the agent has."
        elif there[name] != wanted.get(name):
            problem = f"{name} names what the agent does not have."
        else:
            continue
        yield Finding("CX403", f"module {module}", name, problem)
