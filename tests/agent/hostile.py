"""An agent whose names are made to break whatever is written of them."""

from typing import Any

from cxfulfill.agent.stub_parameters import SYSTEM
from tests.agent.agents import COLLECT, DONE, FLOW, Files, call, handler, parameter, route, small

FINAL = '$page.params.status = "FINAL"'
NAMES = [
    '"', "'", "'\"", "''\"", "\"''", '"""', "'''", '"""\nimport os\n"""', "\\", "\\\\", 'a\\"b', "\n", "a\r\nb", "\t",
    "__import__('os')", "__import__", "__init__", "_", "1", "1st room", "class", "class ", "match", "type", "print",
    "str", "Context", "Reply", "Router", "Field", "BaseModel", "Literal", "router", "cx", "ctx", "params",
    "l", "O", "I",
    "model_config", "model_dump", "model_x", "json", "copy", "dict", "schema", "validate", "x-y", "x_y", "X Y", "x.y",
    "Größe", "größe", "东京酒店", "\uff21\uff22", "ﬁsh", "İstanbul", "हिन्दी", "\u202eabc", "\u2028", "\x1b[31m", "\x00",
    "é",
    "e\u0301", "😀", "{x}", "%s", "#", "# noqa", "a" * 300, "ab " * 60, '"' * 130, "\\" * 130, "京" * 90,
    "{}[]()", "\ufeff",
    *("n" * size for size in range(40, 122)),
]  # fmt: skip


def hostile() -> Files:
    """Make it: each name is a tag, a parameter, a value of an entity type, a page, an intent and an event."""
    files = small()
    forms = [parameter(name, f"@sys.{'date' if at % 2 else 'unit-length'}") for at, name in enumerate(NAMES)]
    types = [parameter(f"system {name}", name) for name in (*SYSTEM, "@sys.unheard-of", "@gone", "")]
    own = [parameter(f"own {at}", f"@{name}", isList=at % 2 == 0) for at, name in enumerate(NAMES)]
    presets = [{"parameter": f"preset {at}", "value": value} for at, value in enumerate(_VALUES)]
    files[COLLECT] = {
        **files[COLLECT],
        "form": {"parameters": [*forms, *types, *own]},
        "transitionRoutes": [route(call("all", setParameterActions=presets), condition=FINAL)],
    }
    files[DONE] = {
        **files[DONE],
        "form": {"parameters": [parameter(name, "@sys.any") for name in NAMES[::20]]},
        "transitionRoutes": [route(call(name), condition="x = " + name, intent=name) for name in NAMES],
        "eventHandlers": [handler(name, call(name, "Gone")) for name in NAMES],
    }
    for at, name in enumerate(NAMES):
        pages = f"flows/Booking/pages/{at}.json"
        files[pages] = {"name": f"page-{at}", "displayName": name, "entryFulfillment": call(name)}
        files[f"flows/f{at}/f{at}.json"] = {"name": f"flow-{at}", "displayName": name}
        files[f"intents/i{at}/i{at}.json"] = {"name": f"intent-{at}", "displayName": name}
        files[f"entityTypes/e{at}/e{at}.json"] = {"displayName": name, "kind": "KIND_MAP"}
        files[f"entityTypes/e{at}/entities/en.json"] = {"entities": [{"value": name}, {"value": f"{at}"}]}
    files[FLOW]["transitionRoutes"].append(route(call("book-*"), condition="true"))
    return files


_VALUES: list[Any] = ["x", "$session.params.y", 1, 1.5, True, [], {}, None]
