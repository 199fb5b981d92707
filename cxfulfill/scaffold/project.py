"""A new project: its files, of what was asked for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import cxfulfill
from cxfulfill.agent.model import Agent
from cxfulfill.scaffold.choices import AUTHS, STORES, Auth, Store, Variable
from cxfulfill.scaffold.from_agent import FromAgent, from_agent
from cxfulfill.scaffold.names import ACCOUNT, check_name
from cxfulfill.scaffold.rendering import rendered, templates
from cxfulfill.scaffold.wheel import FOLDER

PYTHON: Final = "3.13"
"""Python of the image and of the checks on GitHub."""
_APP: Final = "main:app"
_SERVE_BEGIN: Final = "gunicorn -c python:cxfulfill.server.gunicorn"
_HELLO: Final = ("hello", {"name": "Ada"})
_SERVICES: Final = ("run", "cloudbuild", "artifactregistry")
_PLACES: Final[Mapping[str, str]] = {
    "ci.yml": ".github/workflows/ci.yml",
    "conftest.py": "tests/conftest.py",
    "dockerignore": ".dockerignore",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "test_bookings.py": "tests/test_bookings.py",
    "test_handlers.py": "tests/test_handlers.py",
    "test_main.py": "tests/test_main.py",
}
"""Where those files stand that are not at the top, or begin with a dot, by template."""
_OF_FLEXIBLE: Final = ("bookings.py", "tests/test_bookings.py")


@dataclass(frozen=True, slots=True)
class Project:
    """What was asked for.

    Attributes:
        name: The project's name; see `check_name`.
        auth: Who may call: a name of `AUTHS`.
        store: Where calls are remembered: a name of `STORES`.
        flexible: Whether there is a flexible webhook.
        agent: The agent that it is for; None where there is an example in place of it.
        has_wheel: Whether cxfulfill comes from a wheel in the project, and not from a package index.
    """

    name: str
    auth: str = "google-id-token"
    store: str = "memory"
    flexible: bool = False
    agent: Agent | None = None
    has_wheel: bool = False


def project_files(project: Project) -> dict[str, str]:
    """Write a project.

    Args:
        project: What was asked for.

    Returns:
        Texts by path.

    Raises:
        ConfigurationError: Its name cannot be used, or its agent gives no handler.
    """
    check_name(project.name)
    given = None if project.agent is None else from_agent(project.agent)
    texts = rendered(templates("new"), _values(project, given))
    names = {template: template.removesuffix(".j2") for template in texts}
    files = {_PLACES.get(names[template], names[template]): text for template, text in texts.items()}
    if given is not None:
        files |= {"handlers.py": given.handlers, "tests/test_handlers.py": given.tests, "names.py": given.names}
    if not project.flexible:
        files = {path: text for path, text in files.items() if path not in _OF_FLEXIBLE}
    return files


def _values(project: Project, given: FromAgent | None) -> dict[str, Any]:
    auth, store = AUTHS[project.auth], STORES[project.store]
    tag, parameters = _HELLO if given is None else (given.tag, given.parameters)
    request = {"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}}
    return {
        "name": project.name,
        "auth": auth,
        "store": store,
        "store_name": project.store,
        "flexible": project.flexible,
        "from_export": given is not None,
        "wheels": FOLDER if project.has_wheel else "",
        "request": json.dumps(request, indent=2),
        "version": cxfulfill.__version__,
        "python": PYTHON,
        "serve": f"{_SERVE_BEGIN} {_APP}",
        "serve_begin": _SERVE_BEGIN,
        "app": _APP,
        **_settings(project.name, auth, store),
    }


def _settings(name: str, auth: Auth, store: Store) -> dict[str, Any]:
    variables = [_named(each, name) for each in (*auth.variables, *store.variables)]
    kept = [each for each in variables if each.kept_as]
    extras = sorted(filter(None, (auth.extra, store.extra)))
    audience = next((each.service for each in variables if each.setting == "AUDIENCE"), "")
    return {
        "variables": variables,
        "tested": [each for each in variables if each.setting != "STORE"],
        "has_test_secrets": any(each.test for each in variables),
        "secrets": [f"{name}-{each.kept_as}" for each in kept],
        "secret_names": [f"`{each.name}`" for each in kept],
        "to_fill": [f"`{each.name}`" for each in variables if each.yours],
        "extras": f"[{','.join(extras)}]" if extras else "",
        "account": f"{name}{ACCOUNT}",
        "audience": audience,
        "services": [f"{each}.googleapis.com" for each in (*_SERVICES, *_services(store, kept))],
    }


def _services(store: Store, secrets: list[Variable]) -> Iterator[str]:
    if secrets:
        yield "secretmanager"
    if store.extra == "firestore":
        yield "firestore"


def _named(variable: Variable, name: str) -> Variable:
    example, service = (each.replace("%SERVICE%", name) for each in (variable.example, variable.service))
    return replace(variable, example=example, service=service or example)
