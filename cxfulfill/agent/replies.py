"""What an application's replies name and set, as far as its source tells; and rules on it."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.flows import SYMBOLS
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.model import Agent
from cxfulfill.agent.names_module import check_written
from cxfulfill.agent.sources import Function, Source, argument, called, module_of, names_of, source_of
from cxfulfill.table import Entry

_FULL: Final = re.compile(
    r"(?:projects/[^/]+/locations/[^/]+/agents/[^/]+/)?flows/(?P<flow>[^/]+)(?:/pages/(?P<page>[^/]+))?"
)
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANSWERS: Final = frozenset({"Reply", "WebhookResponse", "invalidate"})
_CLICKED: Final = frozenset({"Button", "ListItem"})


@dataclass(frozen=True, slots=True)
class Named:
    """A page or flow that a reply names.

    Attributes:
        flow: The flow's id; empty for that of the call.
        page: The page's id; empty for a flow alone.
        line: The line.
    """

    flow: str
    page: str
    line: int


@dataclass(frozen=True, slots=True)
class Written:
    """The parameters that a handler's replies set.

    Attributes:
        names: Those that stand there.
        is_open: Whether there may be others.
    """

    names: frozenset[str] = frozenset()
    is_open: bool = False


def named(source: Source) -> Iterator[Named]:
    """List the pages and flows that stand in a source.

    Args:
        source: A module or function.

    Yields:
        Those whose ids can be told.
    """
    for call in source.calls():
        name = called(call)
        if name == "sibling":
            yield from _ids(call, "", source.text(argument(call, "page_id", 0)))
        elif name == "page" and _is_of_agent(call):
            flow, page = source.text(argument(call, "flow_id", 0)), source.text(argument(call, "page_id", 1))
            yield from _ids(call, flow, page)
        elif name == "flow" and _is_of_agent(call):
            yield from _ids(call, source.text(argument(call, "flow_id", 0)), "")
        for keyword in ("target_page", "target_flow"):
            found = _FULL.fullmatch(source.text(argument(call, keyword)) or "")
            if found:
                yield Named(found["flow"], found["page"] or "", call.lineno)


def _ids(call: ast.Call, flow: str | None, page: str | None) -> Iterator[Named]:
    if flow is not None and page is not None:
        yield Named(flow, page, call.lineno)


def _is_of_agent(call: ast.Call) -> bool:
    held = call.func.value if isinstance(call.func, ast.Attribute) else None
    return getattr(held, "attr", getattr(held, "id", "")) == "agent"


def written_by(function: Callable[..., Any]) -> Written:
    """Tell which parameters a handler sets.

    Args:
        function: The handler, or a middleware.

    Returns:
        What its source tells.
    """
    source = source_of(function)
    if source is None or not isinstance(source.node, Function):
        return Written(is_open=True)
    if isinstance(source.node.returns, ast.Name) and source.node.returns.id == "str":
        return Written()
    names: set[str] = set()
    held = _assigned(source.node)
    is_open = any(_is_unknown(node.value, held) for node in ast.walk(source.node) if isinstance(node, ast.Return))
    for call in source.calls():
        if called(call) in _ANSWERS:
            found = _parameters(source, argument(call, "parameters"))
            names |= found.names
            is_open = is_open or found.is_open or any(keyword.arg is None for keyword in call.keywords)
    return Written(frozenset(names), is_open)


def _assigned(function: ast.AST) -> Mapping[str, list[ast.expr]]:
    """List what is assigned to each name of a function, of names that are bound in no other way."""
    held: dict[str, list[ast.expr]] = {}
    bound: Counter[str] = Counter()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] += 1
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    held.setdefault(target.id, []).append(node.value)
    return {name: values for name, values in held.items() if len(values) == bound[name]}


def _is_unknown(value: ast.expr | None, held: Mapping[str, list[ast.expr]]) -> bool:
    """Tell whether it cannot be seen what a handler returns."""
    match value:
        case None | ast.Constant() | ast.JoinedStr() | ast.BinOp():
            return False
        case ast.IfExp(body=one, orelse=other):
            return _is_unknown(one, held) or _is_unknown(other, held)
        case ast.Name(id=name) if name in held:
            return any(_is_unknown(each, {}) for each in held[name])
        case ast.Call():
            return called(value) not in _ANSWERS
    return True


def _parameters(source: Source, given: ast.expr | None) -> Written:
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        return Written()
    if not isinstance(given, ast.Dict):
        return Written(is_open=True)
    keys = [source.text(key) for key in given.keys]
    return Written(frozenset(key for key in keys if key is not None), is_open=None in keys)


class Targets:
    """The pages that replies lead to.

    Args:
        agent: The agent.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._keys = {(agent.flow_of[page.flow].id, page.id): page.key for page in agent.pages()}
        self._named: dict[int, tuple[Named, ...]] = {}

    def of(self, entries: Iterable[Entry], flow: str) -> Iterator[tuple[str, str]]:
        """List the pages that replies of handlers lead to.

        Args:
            entries: The handlers.
            flow: The flow that they are called in.

        Yields:
            Flow and name of pages that the agent has.
        """
        here = self._agent.flow_of[flow].id if flow else ""
        for entry in entries:
            if id(entry) not in self._named:
                source = source_of(entry.options.function.call)
                self._named[id(entry)] = () if source is None else tuple(named(source))
            for each in self._named[id(entry)]:
                key = self._keys.get((each.flow or here, each.page or "START_PAGE"))
                if key is not None:
                    yield key


def check_replies(inspected: Inspected, names: str = "") -> Iterator[Finding]:
    """Check what replies name.

    Args:
        inspected: What is checked.
        names: An imported module of names; empty for none.

    Yields:
        CX401 to CX403.
    """
    ids = _Ids(inspected.agent)
    events = {handler.event for page in inspected.agent.pages() for handler in page.handlers}
    for source in _modules(inspected).values():
        for each in named(source):
            if not ids.has(each.flow, each.page):
                yield _unknown(source, each, ids)
        for call in source.calls():
            event = source.text(argument(call, "event")) if called(call) in _CLICKED else None
            if event is not None and event not in events:
                problem = f"No event handler of the agent takes {event!r}."
                yield Finding(
                    "CX402", f"module {_module(source)}", event, problem, source.file, call.lineno, is_in_app=True
                )
    if names:
        yield from _outdated(names, ids)
        yield from check_written(inspected.agent, names, sys.modules[names].__doc__ or "")


def _modules(inspected: Inspected) -> Mapping[str, Source]:
    functions = [each.options.function.call for each in (*inspected.entries, *inspected.routes)]
    found = (module_of(function) for function in functions)
    return {source.file: source for source in found if source is not None}


def _module(source: Source) -> str:
    return str(source.names.get("__name__", ""))


class _Ids:
    """The ids of an agent."""

    def __init__(self, agent: Agent) -> None:
        self.pages = {(agent.flow_of[page.flow].id, page.id) for page in agent.pages()}
        self.flows = {flow.id for flow in agent.flows}
        self.all = {page for _, page in self.pages} | self.flows | {intent.id for intent in agent.intents}
        self.display = {page.name for page in agent.pages()} | {flow.name for flow in agent.flows}

    def has(self, flow: str, page: str) -> bool:
        """Tell whether there is such a page, or flow."""
        if flow and flow not in self.flows:
            return False
        return not page or page in SYMBOLS or ((flow, page) in self.pages if flow else page in self.all)


def _unknown(source: Source, each: Named, ids: _Ids) -> Finding:
    name = each.page or each.flow
    what = "page" if each.page else "flow"
    hint = "; that is a display name" if name in ids.display else ""
    problem = f"The agent has no {what} with the id {name!r}{hint}."
    about = f"{each.flow}/{each.page}"
    return Finding("CX401", f"module {_module(source)}", about, problem, source.file, each.line, is_in_app=True)


def _outdated(module: str, ids: _Ids) -> Iterator[Finding]:
    for name, value in names_of(module):
        wanted = _ID.search(value.rpartition("/")[2])
        if wanted and wanted[0] not in ids.all:
            yield Finding("CX403", f"module {module}", name, f"{name} names what the agent does not have.")
