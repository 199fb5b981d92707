"""Reads an exported agent: the zip of a JSON package, or the folder of one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote

from cxfulfill.agent.archive import ExportError, Files, open_export, shown
from cxfulfill.agent.asset_files import read_entity_type, read_intent, read_test_case
from cxfulfill.agent.flow_files import read_flow, read_group, read_page
from cxfulfill.agent.flows import Flow
from cxfulfill.agent.model import Agent
from cxfulfill.agent.values import Json, text
from cxfulfill.agent.webhook_files import read_webhook
from cxfulfill.errors import BadRequest
from cxfulfill.protocol import json

T_co = TypeVar("T_co", covariant=True)
Progress = Callable[[int, int], None]
"""Is told how many files have been read, and of how many."""

_READ: Final = re.compile(
    r"""agent\.json
    | (?:agentTransitionRouteGroups|webhooks|testCases)/[^/]+\.json
    | (?:entityTypes|intents|playbooks)/(?P<name>[^/]+)/(?P=name)\.json
    | entityTypes/[^/]+/entities/[^/]+\.json
    | flows/(?P<flow>[^/]+)/(?P=flow)\.json
    | flows/[^/]+/(?:pages|transitionRouteGroups)/[^/]+\.json""",
    re.VERBOSE,
)
"""What of an export is read as JSON: no training phrases, no generators."""
_TOOL: Final = re.compile(r"tools/[^/]+/schema\.ya?ml")


class _Reader(Protocol[T_co]):
    def __call__(self, file: str, given: Json, *, name: str) -> T_co: ...


def read_export(path: str | Path, progress: Progress | None = None) -> Agent:
    """Read an exported agent.

    Members of the files that are not known here are ignored, and names that lead nowhere are kept.

    Args:
        path: The zip of a JSON package, or the folder of one; the agent may be in a folder in it.
        progress: Is told how it goes.

    Returns:
        The agent. No secret is in it.

    Raises:
        ExportError: It is no such export, a file in it is no JSON object, or a zip is refused; the sentence names the
            file.
    """
    source = Path(path)
    with open_export(source) as files:
        documents = _documents(files, progress or _no_progress)
        tools = tuple(files.read(name).decode(errors="replace") for name in files.names if _TOOL.fullmatch(name))
    return _agent(source, files.root, documents, tools)


def _no_progress(done: int, total: int) -> None:
    del done, total


def _documents(files: Files, progress: Progress) -> dict[str, Json]:
    names = [name for name in files.names if _READ.fullmatch(name)]
    documents: dict[str, Json] = {}
    for done, name in enumerate(names, 1):
        documents[name] = _document(name, files.read(name))
        progress(done, len(names))
    return documents


def _document(name: str, data: bytes) -> Json:
    try:
        value: Any = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except BadRequest as error:
        told = (error.detail or "").removeprefix("The body ")
        raise ExportError(f"{shown(name)} {told.removesuffix('.') or 'is not JSON'}") from None
    if not isinstance(value, dict):
        raise ExportError(f"{shown(name)} holds no JSON object")
    return value


def _agent(source: Path, root: str, documents: Mapping[str, Json], tools: tuple[str, ...]) -> Agent:
    tree = _Tree(documents)
    top = documents["agent.json"]
    return Agent(
        source=source,
        root=root,
        name=text(top, "displayName") or source.resolve().stem,
        language=text(top, "defaultLanguageCode"),
        start_flow=text(top, "startFlow") or ("" if text(top, "startPlaybook") else "Default Start Flow"),
        flows=tuple(_flow(tree, name) for name in tree.named("flows")),
        groups=tuple(
            read_group(file, given, "", _name(file)) for file, given in tree.directly("agentTransitionRouteGroups/")
        ),
        webhooks=tuple(_all(tree.directly("webhooks/"), read_webhook)),
        entity_types=tuple(
            read_entity_type(
                f"entityTypes/{name}/{name}.json",
                documents[f"entityTypes/{name}/{name}.json"],
                (given for _, given in tree.directly(f"entityTypes/{name}/entities/")),
                unquote(name),
            )
            for name in tree.named("entityTypes")
        ),
        intents=tuple(_all(tree.of_name("intents"), read_intent)),
        test_cases=tuple(_all(tree.directly("testCases/"), read_test_case)),
        playbooks=tuple(text(given, "displayName") or _name(file) for file, given in tree.of_name("playbooks")),
        tools=tools,
    )


def _all(files: Iterable[tuple[str, Json]], read: _Reader[T_co]) -> Iterator[T_co]:
    for file, given in files:
        yield read(file, given, name=_name(file))


def _flow(tree: "_Tree", folder: str) -> Flow:
    file = f"flows/{folder}/{folder}.json"
    given = tree.documents[file]
    name = text(given, "displayName") or unquote(folder)
    pages = (read_page(page, each, name, _name(page)) for page, each in tree.directly(f"flows/{folder}/pages/"))
    groups = tree.directly(f"flows/{folder}/transitionRouteGroups/")
    return read_flow(file, given, pages, (read_group(group, each, name, _name(group)) for group, each in groups), name)


def _name(file: str) -> str:
    """Give the name that a file is named by: characters that file names cannot have are percent-encoded."""
    return unquote(file.rpartition("/")[2].removesuffix(".json"))


class _Tree:
    """The files by folder."""

    def __init__(self, documents: Mapping[str, Json]) -> None:
        self.documents = documents
        self._by_folder: dict[str, list[str]] = {}
        for file in documents:
            self._by_folder.setdefault(file[: file.rfind("/") + 1], []).append(file)

    def directly(self, folder: str) -> Iterator[tuple[str, Json]]:
        """List the files of a folder."""
        for file in self._by_folder.get(folder, ()):
            yield file, self.documents[file]

    def named(self, kind: str) -> Iterator[str]:
        """List the folders of a kind that hold a file of their own name."""
        for folder in self._by_folder:
            parts = folder.split("/")
            if parts[0] == kind and len(parts) == 3 and f"{folder}{parts[1]}.json" in self.documents:
                yield parts[1]

    def of_name(self, kind: str) -> Iterator[tuple[str, Json]]:
        """List the files of those folders."""
        for name in self.named(kind):
            yield f"{kind}/{name}/{name}.json", self.documents[f"{kind}/{name}/{name}.json"]
