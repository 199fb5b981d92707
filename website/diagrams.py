"""A hook of MkDocs: each Mermaid diagram is in a box of its own, which scrolls on a phone, also by the keyboard."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_BEFORE = '<pre class="mermaid">'
_BOX = f'<div class="diagram" role="group" aria-label="Diagram" tabindex="0">{_BEFORE}'


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the boxes around the diagrams, and tell the template that the page has some."""
    del config, files
    before, *diagrams = html.split(_BEFORE)
    page.meta["diagrams"] = bool(diagrams)
    return before + "".join(_BOX + diagram.replace("</pre>", "</pre></div>", 1) for diagram in diagrams)
