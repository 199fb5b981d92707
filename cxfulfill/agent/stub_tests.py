"""Tests of the handlers that `cxfulfill.agent.stubs` writes: each is called once, as Dialogflow CX does."""

import ast
from collections.abc import Iterable, Iterator
from typing import Any, Final

from cxfulfill.agent.identifiers import LINE, literal, quoted, snake, width
from cxfulfill.agent.stub_module import Module
from cxfulfill.agent.stubs import Tag, router_made

_FIXTURE: Final = '''\
@{pytest}.fixture
def cx_webhook() -> {webhook}:
    """Give the webhook that ``cx`` calls: the handlers, behind no authentication."""
    made = {webhook}(auth={unauthenticated}())
    made.include({router})
    return made'''


def add_tests(module: Module, tags: Iterable[Tag], handlers: Module, name: str) -> list[str]:
    """Add tests to a module.

    Args:
        module: The module; tags that stand in it are left out.
        tags: The tags.
        handlers: The module of the handlers.
        name: Its name.

    Returns:
        The tags that were added.
    """
    known = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
    new = [each for each in tags if each.tag not in known]
    if new and module.is_new:
        _add_fixture(module, handlers, name)
    for each in new:
        _add_test(module, each)
    return [each.tag for each in new]


def _add_fixture(module: Module, handlers: Module, name: str) -> None:
    """Add what gives ``cx`` the handlers; those of no router of their own belong to an application that does."""
    router = router_made(ast.parse(handlers.source().removeprefix("\ufeff")))
    if router:
        module.append(
            _FIXTURE.format(
                pytest=module.imported("pytest", ""),
                webhook=module.imported("cxfulfill", "Webhook"),
                unauthenticated=module.imported("cxfulfill", "AllowUnauthenticated"),
                router=module.imported(name, router),
            )
        )


def _add_test(module: Module, tag: Tag) -> None:
    kind = module.imported("cxfulfill.testing", "Cx")
    name = module.named(f"test_{snake(tag.tag) or 'tag'}_is_answered", "test")
    samples = [(each.name, each.sample) for each in tag.parameters if each.is_required]
    module.append(
        "\n".join([f"def {name}(cx: {kind}) -> None:", *_call(tag.tag, samples), "", "    assert result.texts"])
    )


def _call(tag: str, samples: list[tuple[str, Any]]) -> Iterator[str]:
    whole = f"    result = cx.call({quoted(tag)})"
    if not samples and width(whole) <= LINE:
        yield whole
        return
    yield "    result = cx.call("
    yield f"        {literal(tag, 8, 1)},"
    if samples:
        yield "        parameters={"
        yield from (f"            {_item(name, value)}," for name, value in samples)
        yield "        },"
    yield "    )"


def _item(name: str, value: Any) -> str:
    shown = _value(value)
    around = width(shown) + 3
    if isinstance(value, dict | list) and width(quoted(name)) + around > LINE - 12:
        shown, around = _spread(value), 4
    return f"{literal(name, 12, around)}: {shown}"


def _value(value: Any) -> str:
    """Write a sample."""
    match value:
        case str():
            return quoted(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return "{" + ", ".join(f"{quoted(name)}: {_value(each)}" for name, each in value.items()) + "}"
    return repr(value)


def _spread(value: dict[str, Any] | list[Any]) -> str:
    """Write the members of a sample below each other."""
    if isinstance(value, dict):
        first, last, rows = "{", "}", [f"{quoted(name)}: {_value(each)}" for name, each in value.items()]
    else:
        first, last, rows = "[", "]", [_value(each) for each in value]
    inner = "".join(f"                {row},\n" for row in rows)
    return f"{first}\n{inner}            {last}"
