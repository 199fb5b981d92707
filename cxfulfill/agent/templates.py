"""Flexible webhooks for APIs of others, as the console's predefined ones: URL, method, body, mapping and OAuth.

A template is a file of TOML in the folder ``templates``. Names in angle brackets are variables of it.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from cxfulfill.agent.resource_settings import FILE, parse_settings
from cxfulfill.agent.resources import Method
from cxfulfill.errors import ConfigurationError

_VARIABLE: Final = re.compile(r"<(\w+)>")
_FIELD: Final = re.compile(r"[A-Za-z][\w.]*")
_PARAMETER: Final = re.compile(r"[\w-]+")
_SUFFIX: Final = ".toml"
OAUTH_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "client_id": ("client_id", "client_id_env"),
    "client_secret": ("secret_version", "client_secret_env"),
}
"""Keys of ``cxfulfill.toml`` that give each field of OAuth."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Variable(_Part):
    """A variable: what it is, what it is where nobody says, and what it may be."""

    about: str
    default: str | None = None
    pattern: str


class TemplateOAuth(_Part):
    """What a template needs of OAuth."""

    required: list[str]
    token_endpoint: str
    scopes: list[str]


class Template(_Part):
    """A template.

    Attributes:
        name: Its name.
        integration: Whose API it calls.
        api: What it does there, as the console calls it.
        about: The same in a sentence.
        method: The HTTP method.
        url: The URL.
        body: The JSON body; None for none.
        fields: Where the fields of a record go: into the body's last record, or into the mapping.
        field_path: The path into the answer of one, for a mapping.
        mapping: What else is taken of the answer.
        variables: What is to be filled in.
        oauth: What it needs to be let in.
        notes: What is to be known.
    """

    name: str
    integration: str
    api: str
    about: str
    method: Method
    url: str
    body: dict[str, Any] | None = None
    fields: Literal["body", "mapping"]
    field_path: str = ""
    mapping: dict[str, str]
    variables: dict[str, Variable]
    oauth: TemplateOAuth
    notes: list[str]


def names() -> tuple[str, ...]:
    """Name the templates.

    Returns:
        Their names, in order.
    """
    folder = files("cxfulfill.agent").joinpath("templates").iterdir()
    return tuple(sorted(each.name.removesuffix(_SUFFIX) for each in folder if each.name.endswith(_SUFFIX)))


def load(name: str) -> Template:
    """Read a template.

    Args:
        name: Its name.

    Returns:
        The template.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if name not in names():
        raise ConfigurationError(f"there is no template of that name; there are {', '.join(names())}")
    text = files("cxfulfill.agent").joinpath("templates", f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return Template.model_validate({"name": name, **tomllib.loads(text)})


def filled(
    template: Template, *, values: Mapping[str, str], fields: Mapping[str, str], oauth: Mapping[str, str]
) -> dict[str, Any]:
    """Fill a template.

    Args:
        template: The template.
        values: Values by variable.
        fields: Session parameters by the record's fields that they go into, or that go into them.
        oauth: Keys of ``oauth`` of ``cxfulfill.toml``.

    Returns:
        A table of ``webhooks`` of that file.

    Raises:
        ConfigurationError: A variable, a field or something for OAuth is missing, unknown or wrong.
    """
    known = _values(template, values)
    _check_fields(fields)
    _check_oauth(template, oauth)
    known["fields"] = ",".join(fields)

    def fill(text: str) -> str:
        return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)

    mapping = {fill(name): path for name, path in template.mapping.items()}
    if template.fields == "mapping":
        mapping |= {to: template.field_path.replace("<field>", each) for each, to in fields.items()}
    made: dict[str, Any] = {"url": fill(template.url), "method": template.method}
    if template.body is not None:
        body = json.loads(fill(json.dumps(template.body)))
        body["records"][-1] |= {each: f"$session.params.{name}" for each, name in fields.items()}
        made["body"] = json.dumps(body, indent=2, ensure_ascii=False)
    token_endpoint = fill(template.oauth.token_endpoint)
    made["oauth"] = {**oauth, "token_endpoint": token_endpoint, "scopes": list(template.oauth.scopes)}
    return {**made, "mapping": mapping}


def added(text: str, key: str, template: Template, table: Mapping[str, Any]) -> str:
    """Add a webhook to ``cxfulfill.toml``.

    Args:
        text: What is in the file.
        key: The webhook's key.
        template: What it is made of.
        table: The table.

    Returns:
        What is to be in the file: the same, with the table behind it.

    Raises:
        ConfigurationError: The file is wrong before or after that, or has such a key.
    """
    if key in parse_settings(text).webhooks:
        raise ConfigurationError(f"{FILE} has webhooks.{key} already")
    members = dict(table)
    below = {name: members.pop(name) for name in ("oauth", "mapping")}
    head = f"webhooks.{_key(key)}"
    lines = [f"[{head}]", f"# {template.integration}: {template.api} (cxfulfill agent template show {template.name})"]
    lines += [f"{name} = {_written(value)}" for name, value in members.items()]
    for name, value in below.items():
        lines += ["", f"[{head}.{name}]", *(f"{_key(each)} = {_written(one)}" for each, one in value.items())]
    made = "\n".join([text.rstrip("\n"), "", *lines, ""])
    parse_settings(made)
    return made


def _values(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(given.keys() - template.variables.keys())
    if unknown:
        known = ", ".join(template.variables)
        raise ConfigurationError(f"{template.name} has no variable {unknown[0]}; it has {known}")
    made = {}
    missing = []
    for name, variable in template.variables.items():
        value = given.get(name, variable.default)
        if value is None:
            missing.append(f"{name} ({variable.about})")
        elif not re.fullmatch(variable.pattern, value):
            raise ConfigurationError(f"{template.name}: {name} is no {variable.about}")
        else:
            made[name] = value
    if missing:
        raise ConfigurationError(f"{template.name} needs {'; '.join(missing)}")
    return made


def _check_fields(fields: Mapping[str, str]) -> None:
    if not fields:
        raise ConfigurationError("name a field of the record, and the session parameter that it goes with")
    if not all(_FIELD.fullmatch(name) and _PARAMETER.fullmatch(to) for name, to in fields.items()):
        raise ConfigurationError("a field is an API name, and a session parameter is letters, digits, - and _")


def _check_oauth(template: Template, oauth: Mapping[str, str]) -> None:
    missing = [each for each in template.oauth.required if not any(key in oauth for key in OAUTH_OPTIONS[each])]
    if missing:
        ways = (f"{each} ({' or '.join(OAUTH_OPTIONS[each])})" for each in missing)
        raise ConfigurationError(f"{template.integration} lets nobody in without OAuth; missing: {', '.join(ways)}")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """Write a basic string of TOML: that of JSON, but that DEL is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written(value: str | list[str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_quoted(each) for each in value)}]"
    # A body of several lines is a literal string, so that it can be read.
    return f"'''\n{value}'''" if "\n" in value and "'" not in value else _quoted(value)
