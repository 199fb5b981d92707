"""A hook of MkDocs: the pages of the reference, made from the package; mkdocstrings fills them from the docstrings.

The names of ``cxfulfill`` itself are many: they have an overview, and a page for each subject.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PACKAGE: Final = "cxfulfill"
FOLDER: Final = "reference/python"
SUBJECTS: Final = {
    "webhooks": (
        "Webhooks and handlers",
        ("webhook", "routing", "annotations", "context", "pages", "flexible", "flexible_context"),
    ),
    "replies": ("Replies and requests", ("reply", "protocol", "http")),
    "authentication": ("Who may call", ("auth",)),
    "idempotency": ("Retries", ("idempotency",)),
    "records": ("Records and telemetry", ("records", "log_lines", "cloud_logging", "otel", "traces")),
    "errors": ("Errors", ("errors",)),
}
"""Each subject's page, with its title and the modules at home in it."""
MODULES: Final = {
    "testing": "",
    "pytest_plugin": 'filters: ["^cx"]',
    "parameters.fields": "",
    "parameters.entities": "",
    "protocol.messenger": "",
    "protocol.names": "",
    "idempotency.memory": "",
    "idempotency.sqlite": "",
    "idempotency.redis": "",
    "idempotency.firestore": "",
    "openapi": "",
    "server.flask": "",
    "server.gunicorn": "members: false",
}
"""The other modules that applications use, a page each, with the options of mkdocstrings that it needs."""
BELOW: Final = {"testing": ("simulator.cx_options.Options",)}
"""What stands at the end of a module's page, because its signatures name it."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, in this order, and the file that tells the navigation so."""
    package = griffe.load(PACKAGE)
    names = {page: _names(package, homes) for page, (_, homes) in SUBJECTS.items()}
    pages = {"index": _overview(package, names)}
    pages |= {page: _page(SUBJECTS[page][0], *map(_directive, names[page])) for page in SUBJECTS}
    pages |= {f"{PACKAGE}.{module}": _module(module, options) for module, options in MODULES.items()}
    for page, content in pages.items():
        files.append(File.generated(config, f"{FOLDER}/{page}.md", content=content))
    order = "".join(f"  - {page}.md\n" for page in pages)
    files.append(File.generated(config, f"{FOLDER}/.nav.yml", content=f"title: Python\nnav:\n{order}"))
    return files


def _names(package: griffe.Object | griffe.Alias, homes: Sequence[str]) -> list[str]:
    """The package's public names that are at home in these modules, in the order of the modules."""
    home_of = {str(name): package[str(name)].canonical_path.split(".")[1] for name in package.exports or ()}
    return [name for home in homes for name in home_of if home_of[name] == home]


def _overview(package: griffe.Object | griffe.Alias, names: Mapping[str, list[str]]) -> str:
    tables = []
    for page, (title, _) in SUBJECTS.items():
        rows = [f"| [`{name}`][{PACKAGE}.{name}] | {_summary(package[name])} |" for name in names[page]]
        tables.append("\n".join([f"## {title}\n", "| name | what it is |", "|---|---|", *rows]))
    modules = [f"| [`{PACKAGE}.{each}`]({PACKAGE}.{each}.md) | {_summary(package[each])} |" for each in MODULES]
    tables.append("\n".join(["## Modules\n", "| module | what it is |", "|---|---|", *modules]))
    return _page(f"`{PACKAGE}`", f"All names below are imported from `{PACKAGE}`.", *tables)


def _summary(thing: griffe.Object | griffe.Alias) -> str:
    docstring: str = thing.docstring.value if thing.docstring else ""
    lines = docstring.partition("\n\n")[0].splitlines()
    return " ".join(lines).replace("``", "`").replace("|", "\\|")


def _directive(name: str) -> str:
    return f"::: {PACKAGE}.{name}"


def _module(module: str, options: str) -> str:
    lines = ["show_root_heading: false", "show_root_toc_entry: false", options]
    block = "\n".join(f"      {line}" for line in lines if line)
    below = (_directive(name) for name in BELOW.get(module, ()))
    return _page(f"`{PACKAGE}.{module}`", f"{_directive(module)}\n    options:\n{block}", *below)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *parts]) + "\n"
