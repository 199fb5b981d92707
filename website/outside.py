"""A hook of MkDocs: README.md is the home page, and files outside docs/ that pages link to become pages too.

The links stay as they are in the repository, where they work as well.
"""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = "docs/"
HOME: Final = "README.md"
FOLDER: Final = "project"
"""Where the pages of the files outside are."""

_markdown: Final = MarkdownIt("commonmark").enable("table")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the home page, and a page of each file outside docs/ that any page leads to."""
    waiting = [DOCS + file.src_uri for file in files.documentation_pages()]
    waiting.append(HOME)
    seen = set(waiting)
    while waiting:
        source = waiting.pop()
        if not _in_docs(source):
            files.append(_page_of(source, config))
        for link in _links(_text(source)) if source.endswith(".md") else ():
            target = _target(link, source)
            if target and target not in seen and not _in_docs(target) and (ROOT / target).exists():
                seen.add(target)
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between docs/ and the rest of the repository into those between the pages."""
    del config, files
    uri = page.file.src_uri
    source = _source_of(uri)
    for link in set(_links(markdown)):
        target = _target(link, source)
        if target and not (_in_docs(source) and _in_docs(target)):
            there = posixpath.relpath(_uri_of(target), posixpath.dirname(uri) or ".")
            markdown = markdown.replace(f"]({link})", f"]({urlsplit(link)._replace(path=there).geturl()})")
    return markdown


def _links(markdown: str) -> Iterator[str]:
    for block in _markdown.parse(markdown):
        for token in block.children or ():
            link = token.attrGet("href") or token.attrGet("src")
            if isinstance(link, str):
                yield link


def _target(link: str, source: str) -> str | None:
    """The path in the repository that a relative link of a file leads to; None for any other link."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), parts.path))


def _in_docs(source: str) -> bool:
    """Whether MkDocs knows the file by itself; folders it does not."""
    return source.startswith(DOCS) and not (ROOT / source).is_dir()


def _uri_of(source: str) -> str:
    if _in_docs(source):
        return source.removeprefix(DOCS)
    if source == HOME:
        return "index.md"
    return f"{FOLDER}/{source}" if source.endswith(".md") else f"{FOLDER}/{source}.md"


def _source_of(uri: str) -> str:
    if uri == "index.md":
        return HOME
    return uri.removeprefix(f"{FOLDER}/") if uri.startswith(f"{FOLDER}/") else DOCS + uri


def _text(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")


def _page_of(source: str, config: MkDocsConfig) -> File:
    if source == HOME:
        return File.generated(config, _uri_of(source), content=f"---\nhide:\n  - navigation\n---\n\n{_text(source)}")
    if source.endswith(".md"):
        return File.generated(config, _uri_of(source), content=_text(source))
    path = ROOT / source
    if path.is_dir():
        inside = (each for each in sorted(path.rglob("*")) if each.is_file())
        blocks = [f"## {each.relative_to(path)}\n\n{_block(each)}" for each in inside]
    else:
        blocks = [_block(path)]
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {source}\n"
    content = "\n".join([head, *blocks])
    return File.generated(config, _uri_of(source), content=content, inclusion=InclusionLevel.NOT_IN_NAV)


def _block(path: Path) -> str:
    language = {".py": "python"}.get(path.suffix, path.suffix.removeprefix("."))
    return f"````{language}\n{path.read_text(encoding='utf-8').rstrip()}\n````\n"
