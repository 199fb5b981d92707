"""Handlers for the tags that an agent calls: a parameter model and a first answer for each, to be filled in."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from cxfulfill.agent.calls import Call, calls_of
from cxfulfill.agent.identifiers import LINE, call, literal, pascal, quoted, snake, told, unique, width
from cxfulfill.agent.model import Agent
from cxfulfill.agent.sources import argument, called
from cxfulfill.agent.stub_module import Module
from cxfulfill.agent.stub_parameters import SYSTEM, Parameter, parameters_of
from cxfulfill.errors import ConfigurationError
from cxfulfill.table import literal_length, matcher

_ENTITIES: Final = "cxfulfill.parameters.entities"
_MOST: Final = 20  # places that a docstring names
_TAG: Final = 60  # characters of a tag in a docstring
_OF_MODELS: Final = frozenset(dir(BaseModel))
_OF_JSON: Final[Mapping[str, str]] = {"boolean": "bool", "string": "str"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that the agent calls.

    Attributes:
        tag: The tag.
        calls: The places.
        parameters: What they have.
    """

    tag: str
    calls: tuple[Call, ...]
    parameters: tuple[Parameter, ...]


def tags_of(agent: Agent, chosen: Collection[str] = ()) -> list[Tag]:
    """List the tags that an agent calls, without those of flexible webhooks, which go nowhere.

    Args:
        agent: The agent.
        chosen: Names of the webhooks that count; none for all.

    Returns:
        The tags, in the order of the agent. One with ``*`` is left out: a handler's tag is a pattern then.

    Raises:
        ConfigurationError: A chosen webhook is not there.
    """
    missing = sorted(set(chosen) - agent.webhook_of.keys())
    if missing:
        raise ConfigurationError(f"the agent has no webhook {missing[0]!r}")
    flexible = {each.name for each in agent.webhooks if each.is_flexible}
    by_tag: dict[str, list[Call]] = {}
    for each in calls_of(agent):
        is_meant = each.webhook in chosen if chosen else True
        if each.tag and "*" not in each.tag and is_meant and each.webhook not in flexible:
            by_tag.setdefault(each.tag, []).append(each)
    return [Tag(tag, tuple(calls), tuple(parameters_of(agent, calls))) for tag, calls in by_tag.items()]


def add_handlers(module: Module, tags: Iterable[Tag]) -> list[str]:
    """Add handlers to a module.

    Args:
        module: The module; tags that it has a handler for are left out.
        tags: The tags.

    Returns:
        The tags that were added.
    """
    known = _Handled(module.tree)
    new = [each for each in tags if not known.has(each.tag)]
    if new:
        writer = _Writer(module)
        for each in new:
            writer.write(each)
    return [each.tag for each in new]


class _Handled:
    """The tags that a module has handlers for."""

    def __init__(self, tree: ast.Module) -> None:
        self._constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        found = [
            tag
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and called(node) in ("handler", "add_handler")
            for tag in self._texts(argument(node, "tag", 0))
        ]
        self._exact = frozenset(found)
        self._patterns = [matcher(tag) for tag in found if "*" in tag and literal_length(tag)]

    def has(self, tag: str) -> bool:
        """Tell whether there is one that is no fallback."""
        return tag in self._exact or any(matches(tag) for matches in self._patterns)

    def _texts(self, given: ast.expr | None) -> Iterator[str]:
        match given:
            case ast.Constant(value=str() as text):
                yield text
            case ast.Name(id=name) if isinstance(self._constants.get(name), ast.Constant):
                yield from self._texts(self._constants[name])
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                for each in elements:
                    yield from self._texts(each)


class _Writer:
    """Writes handlers into a module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._aliases: dict[tuple[str, ...], str] = dict(_literals(module.tree))
        self._context = module.imported("cxfulfill", "Context")
        self._reply = module.imported("cxfulfill", "Reply")
        self._router = _router(module.tree) or self._new_router()

    def _new_router(self) -> str:
        kind = self._module.imported("cxfulfill", "Router")
        name = self._module.named("router", "router")
        self._module.append(f"{name} = {kind}()")
        return name

    def write(self, tag: Tag) -> None:
        """Write a model and a handler."""
        model = self._model(tag) if tag.parameters else ""
        name = self._module.named(snake(tag.tag), "tag")
        given = f", params: {model}" if model else ""
        shown = told(tag.tag, _TAG)
        block = [
            call(f"@{self._router}.handler", tag.tag, 0),
            _signature(name, f"ctx: {self._context}{given}", self._reply),
            *_docstring(f"Answer the tag '{shown}'.", tag.calls),
            "    " + call(f"return {self._reply}", f"The handler {tag.tag!r} is not written yet.", 4),
        ]
        self._module.append("\n".join(block))

    def _model(self, tag: Tag) -> str:
        base = self._module.imported("pydantic", "BaseModel")
        types = [self._type(each) for each in tag.parameters]
        name = self._module.named(f"{pascal(tag.tag)}Parameters", "Tag")
        taken = set(_OF_MODELS)
        first = _quoted_docstring([f"What the agent sends with the tag '{told(tag.tag, _TAG)}'."])
        lines = [f"class {name}({base}):", *first, ""]
        for each, kind in zip(tag.parameters, types, strict=True):
            field = _field_name(each.name, taken)
            taken.add(field)
            lines.append(self._field(field, each, kind))
        self._module.append("\n".join(lines))
        return name

    def _field(self, field: str, parameter: Parameter, kind: str) -> str:
        declared = f"    {field}: {kind if parameter.is_required else f'{kind} | None'}"
        if field == parameter.name:
            return declared if parameter.is_required else f"{declared} = None"
        made = self._module.imported("pydantic", "Field")
        options = [] if parameter.is_required else ["default=None"]
        whole = f"{declared} = {made}({', '.join([*options, f'alias={quoted(parameter.name)}'])})"
        if width(whole) <= LINE:
            return whole
        options.append(f"alias={literal(parameter.name, 8, len('alias=,'))}")
        inner = "\n".join(f"        {each}," for each in options)
        return f"{declared} = {made}(\n{inner}\n    )"

    def _type(self, parameter: Parameter) -> str:
        single = self._single(parameter)
        return f"list[{single}]" if parameter.given.is_list else single

    def _single(self, parameter: Parameter) -> str:
        kind = parameter.given.kind
        if parameter.options:
            return self._options(parameter)
        if kind in _OF_JSON:
            return _OF_JSON[kind]
        if kind.startswith("@") and not kind.startswith("@sys."):
            return "str"
        if kind == "number":
            return self._module.imported(_ENTITIES, "SysNumber")
        name = self._module.imported(_ENTITIES, SYSTEM[kind][0] if kind in SYSTEM else "SysAny")
        return {"array": f"list[{name}]", "object": f"dict[str, {name}]"}.get(kind, name)

    def _options(self, parameter: Parameter) -> str:
        """Name the type of an entity type's values, which may be there already."""
        if parameter.options not in self._aliases:
            kind = self._module.imported("typing", "Literal")
            name = self._module.named(pascal(parameter.given.kind), "Entity")
            self._aliases[parameter.options] = name
            values = "".join(f"    {quoted(each)},\n" for each in parameter.options)
            self._module.append(f"{name} = {kind}[\n{values}]")
        return self._aliases[parameter.options]


def _field_name(name: str, taken: Collection[str]) -> str:
    plain = snake(name)
    return unique(f"its_{plain}" if plain.startswith("model_") else plain, "parameter", taken)


def _router(tree: ast.Module) -> str:
    """Find what handlers of a module are registered with; empty where there is nothing."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="handler" | "add_handler")):
                return name
    return _made(tree, "Router") or _made(tree, "Webhook")


def router_made(tree: ast.Module) -> str:
    """Find the router that a module makes for its handlers.

    Args:
        tree: The module.

    Returns:
        Its name; empty where the handlers are registered with something else.
    """
    router = _router(tree)
    return router if router == _made(tree, "Router") else ""


def _made(tree: ast.Module, kind: str) -> str:
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as made) if called(made) == kind:
                return name
    return ""


def _literals(tree: ast.Module) -> Iterator[tuple[tuple[str, ...], str]]:
    """List the types of a module that list texts."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name("Literal"), slice=given)):
                elements = given.elts if isinstance(given, ast.Tuple) else [given]
                values = [each.value for each in elements if isinstance(each, ast.Constant)]
                texts = tuple(each for each in values if isinstance(each, str))
                if len(texts) == len(elements):
                    yield texts, name


def _docstring(first: str, calls: Iterable[Call]) -> list[str]:
    places = list(dict.fromkeys(told(each.place) for each in calls))
    more = [f"and {len(places) - _MOST} more"] if len(places) > _MOST else []
    return _quoted_docstring([first, "", "Called by:", *(f"    {each}" for each in [*places[:_MOST], *more])])


def _quoted_docstring(lines: list[str]) -> list[str]:
    """Write a docstring, whose lines hold no double quotes; a raw one where they hold backslashes."""
    prefix = "r" if any("\\" in line for line in lines) else ""
    first, *others = lines
    if not others:
        return [f'    {prefix}"""{first}"""']
    return [f"    {line}" if line else "" for line in [f'{prefix}"""{first}', *others, '"""']]


def _signature(name: str, parameters: str, result: str) -> str:
    whole = f"def {name}({parameters}) -> {result}:"
    return whole if width(whole) <= LINE else f"def {name}(\n    {parameters}\n) -> {result}:"
