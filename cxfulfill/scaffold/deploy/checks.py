"""What a setting must have: each value's form, what is missing, and what does not go together."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.scaffold.deploy.setting import CX_FIELDS, PLAIN_PATH, Access, Secret, Setting
from cxfulfill.scaffold.deploy.variables import variables
from cxfulfill.settings.server import threads_for
from cxfulfill.settings.table import BY_VARIABLE, PREFIX, SCOPE_MARK

MOST_CALLS: Final = 1000
"""Calls at a time that Cloud Run gives to one instance at most."""
_LABEL: Final = 63

_NAME: Final = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL: Final = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_LABELS: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of an option's value, and that form in words."""

    pattern: str
    words: str


_FORMS: Final[Mapping[str, _Form]] = {
    "project": _Form(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "the id of a project: 6 to 30 of a-z, 0-9 and -"),
    "region": _Form(r"[a-z]+(?:-[a-z]+)+\d+", "a region such as europe-west1"),
    "service": _Form(
        r"[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?", "1 to 49 of a-z, 0-9 and -, with a letter first and no - at the end"
    ),
    "agent_project": _Form(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "the id of a project: 6 to 30 of a-z, 0-9 and -"),
    "agent_project_number": _Form(r"\d{1,19}", "the number of a project"),  # stands for both in one project
    "project_number": _Form(r"\d{1,19}", "the number of a project"),
    "agent_location": _Form(r"[a-z]+(?:-[a-z0-9]+)*", "a location such as europe-west1"),
    "cx_service_account": _Form(_EMAIL, "an e-mail address"),
    "url": _Form(rf"https://{_LABELS}", "https:// and a host, without a path"),
    "path": _Form(PLAIN_PATH.pattern, "a path of letters, digits and ._~/-"),
    "image": _Form(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "the name of a container's image"),
    "service_account": _Form(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "6 to 30 of a-z, 0-9 and -, without @"),
    "deployer": _Form(rf"(?:user|group|serviceAccount):{_EMAIL}", "user:, group: or serviceAccount: and an address"),
    "memory": _Form(r"[1-9]\d{0,5}(?:Mi|Gi)", "a size such as 512Mi or 1Gi"),
    "network": _Form(_NAME, "the name of a network"),
    "subnet": _Form(_NAME, "the name of a subnet"),
    "firestore_database": _Form(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]", "(default), or 4 to 63 of a-z, 0-9, -"),
    "client_roots": _Form(r"[A-Za-z0-9._/][A-Za-z0-9._/-]*", "a path of letters, digits and ._/-"),
}
_OPTIONS: Final[Mapping[str, str]] = {"path": "--webhook-path"}
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")
_MOUNT: Final = re.compile(r"(?:/[A-Za-z0-9._-]+){2,}")
_SECRET: Final = re.compile(r"([^=]+)=([A-Za-z0-9_-]{1,255}):(\d{1,9})")


@dataclass(frozen=True, slots=True)
class _Proof:
    """What the application needs to check what callers prove themselves with."""

    secret: str = ""
    variables: tuple[str, ...] = ()


_PROOFS: Final[Mapping[str, _Proof]] = {
    "basic": _Proof("BASIC_CREDENTIALS"),
    "header": _Proof("HEADER_VALUE"),
    "oauth-jwt": _Proof(variables=("OAUTH_ISSUER", "OAUTH_AUDIENCE", "OAUTH_KEYS")),
    "oauth-introspection": _Proof("OAUTH_CLIENT_SECRET", ("OAUTH_ISSUER", "OAUTH_ENDPOINT", "OAUTH_CLIENT_ID")),
}
_NEEDED: Final[Mapping[Access, Mapping[str, str]]] = {
    Access.SERVICE_DIRECTORY: {
        "agent_location": "a Service Directory service must be in the agent's location",
        "url": "the name that the load balancer's certificate is made for",
        "network": "the endpoint is in a VPC network",
        "subnet": "the endpoint has an address of a subnet",
    },
    Access.MTLS_LB: {
        "url": "the load balancer's certificate is made for its host",
        "client_roots": "the load balancer has to know whose client certificates it trusts",
    },
}


def option(field: str) -> str:
    """Name the option of a field.

    Args:
        field: The field of `Setting`.

    Returns:
        The option.
    """
    return _OPTIONS.get(field, f"--{field.replace('_', '-')}")


def read_secret(text: str) -> Secret:
    """Read a secret.

    Args:
        text: ``VARIABLE=SECRET:VERSION``, or a file's path in place of the variable.

    Returns:
        The secret.

    Raises:
        ConfigurationError: It has another form, or the variable is none that is read.
    """
    found = _SECRET.fullmatch(text)
    if not found or not (_VARIABLE.fullmatch(found[1]) or _MOUNT.fullmatch(found[1])):
        raise ConfigurationError(
            "--secret takes VARIABLE=SECRET:NUMBER, or /FOLDER/FILE=SECRET:NUMBER; a version has a number, since "
            "latest is another one for CX than for the server while it changes"
        )
    secret = Secret(found[1], found[2], found[3])
    if secret.target.startswith(PREFIX):
        name = secret.target.removeprefix(PREFIX).rpartition(SCOPE_MARK)[2]
        known = BY_VARIABLE.get(name)
        if known is None or known.kind not in ("secret", "one secret", "url"):
            raise ConfigurationError(f"--secret: {PREFIX}{name} is no setting that holds a secret")
    return secret


def read_variable(text: str) -> tuple[str, str]:
    """Read a further variable.

    Args:
        text: ``NAME=VALUE``.

    Returns:
        Both.

    Raises:
        ConfigurationError: It has another form, is for a secret, or none that is read.
    """
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.fullmatch(name) or not value.isprintable():
        raise ConfigurationError("--variable takes NAME=VALUE, of A-Z, 0-9 and _, and a line of text")
    if name.startswith(PREFIX):
        setting = name.removeprefix(PREFIX).rpartition(SCOPE_MARK)[2]
        known = BY_VARIABLE.get(setting)
        if known is None:
            raise ConfigurationError(f"--variable: {PREFIX}{setting} is no setting")
        if known.kind in ("secret", "one secret"):
            raise ConfigurationError(f"--variable: {PREFIX}{setting} is a secret; use --secret")
    return name, value


def check(setting: Setting) -> None:
    """Check a setting.

    Args:
        setting: The setting.

    Raises:
        ConfigurationError: A value is missing or wrong, or does not go with another; the sentence names its option.
    """
    for field, form in _FORMS.items():
        value = getattr(setting, field)
        if value and not re.fullmatch(form.pattern, value):
            raise ConfigurationError(f"{option(field)} takes {form.words}")
    for look in _LOOKS:
        for sentence in look(setting):
            raise ConfigurationError(sentence)


def _missing(setting: Setting) -> Iterator[str]:
    for field, why in _NEEDED.get(setting.access, {}).items():
        if getattr(setting, field) is None:
            yield f"{option(field)} is missing: {why}"
    if setting.store == "redis":
        for field in ("network", "subnet"):
            if getattr(setting, field) is None:
                yield f"{option(field)} is missing: Memorystore is reached by way of a VPC network"
    if setting.access != Access.FUNCTION and not setting.deployer:
        who = "user:, group: or serviceAccount: and the address of who deploys"
        yield f"{option('deployer')} is missing: {who}, who must be allowed to let the service run as its account"


def _addresses(setting: Setting) -> Iterator[str]:
    if len(f"{setting.service}-{setting.project_number}") > _LABEL:
        yield "--service is too long: the service's address would not be made of its name and the project's number"
    for path in (setting.path, *setting.fixed_paths):
        if path.endswith("z") or path.startswith("/_ah/"):
            yield "a path that ends in z, or begins with /_ah/, never reaches a container on Cloud Run"
    if setting.proxy_range is not None:
        try:
            ip_network(setting.proxy_range)
        except ValueError:
            yield f"{option('proxy_range')} takes a range of addresses such as 10.129.0.0/23"


def _projects(setting: Setting) -> Iterator[str]:
    if not setting.is_other_project and setting.agent_project_number != setting.project_number:
        yield "--agent-project is missing: the agent's project has another number than the service's"
    if setting.is_other_project and setting.agent_project_number == setting.project_number:
        yield "--agent-project-number is the number of the service's project, and the agent is in another one"
    if setting.access == Access.INTERNAL and setting.is_other_project and not setting.is_same_perimeter:
        yield (
            "--access internal takes an agent of the same project, or of one in the same VPC Service Controls "
            "perimeter (say --same-perimeter): Cloud Run refuses all others. Use --access service-directory or iam"
        )
    if setting.access == Access.SERVICE_DIRECTORY and setting.agent_location != setting.region:
        yield (
            "--agent-location must be the --region of the service: Service Directory must be where the agent is, "
            "and has no location global"
        )


def _policies(setting: Setting) -> Iterator[str]:
    by_platform = (Access.IAM, Access.INTERNAL, Access.FUNCTION)
    if setting.is_checked_by_platform != (setting.access in by_platform):
        fitting = "cloud-run-iam" if setting.access in by_platform else "another one than cloud-run-iam"
        yield f"--access {setting.access} goes with --auth {fitting}"
    needed = _PROOFS.get(setting.auth) if setting.reads_environment else None
    if needed is not None and needed.secret and all(each.setting != needed.secret for each in setting.secrets):
        yield f"--secret is missing: --auth {setting.auth} needs --secret {PREFIX}{needed.secret}=SECRET:NUMBER"
    given = {name for name, _ in setting.extra}
    for name in needed.variables if needed is not None else ():
        if f"{PREFIX}{name}" not in given:
            yield f"--variable is missing: --auth {setting.auth} needs --variable {PREFIX}{name}=VALUE"


def _secrets(setting: Setting) -> Iterator[str]:
    targets = [each.target for each in setting.secrets]
    folders = [each.path.rpartition("/")[0] for each in setting.secrets if each.path]
    if len(set(targets)) != len(targets):
        yield "--secret names a variable or file twice"
    if len(set(folders)) != len(folders):
        yield "--secret: each mounted file needs a folder of its own, since a mount hides what else is in it"
    names = [name for name, _ in setting.extra]
    own = variables(replace(setting, extra=()))
    for name in names:
        if name in own or name in targets or names.count(name) > 1:
            yield f"--variable: {name} has its value already"
    if f"{PREFIX}STORE" in targets and setting.store != "memory":
        yield f"--store {setting.store} sets {PREFIX}STORE; leave it or the --secret out"
    for each in setting.secrets:
        if each.setting in CX_FIELDS and not setting.reads_environment:
            yield f"--secret: the application does not read {each.target}; name a variable that it reads"


def _capacity(setting: Setting) -> Iterator[str]:
    if setting.concurrency > MOST_CALLS:
        yield f"--workers times --threads is above {MOST_CALLS}, the most calls that Cloud Run gives to an instance"
    if setting.max_in_flight is not None and setting.max_in_flight >= setting.threads:
        wanted = threads_for(setting.max_in_flight)
        yield f"--threads must be above --max-in-flight, or no thread is left to refuse with; leave it out for {wanted}"
    if setting.max_instances is not None and setting.max_instances < max(setting.min_instances, 1):
        yield "--max-instances must be at least 1 and not below --min-instances"
    several = setting.min_instances > 1 or (setting.max_instances or 1) > 1
    if several and not setting.has_shared_store:
        yield (
            "several instances need --store redis or firestore: each would remember its own calls, and a retry that "
            "reaches another one would run again"
        )


_LOOKS: Final[tuple[Callable[[Setting], Iterator[str]], ...]] = (
    _missing,
    _addresses,
    _projects,
    _policies,
    _secrets,
    _capacity,
)


def built(values: Mapping[str, Any]) -> Setting:
    """Make a setting, and check it.

    Args:
        values: Its fields; None stands for the default.

    Returns:
        The setting.

    Raises:
        ConfigurationError: As for `check`.
    """
    setting = Setting(**{name: value for name, value in values.items() if value is not None})
    check(setting)
    return setting
