"""``cxfulfill deploy plan``: what is to be done for a webhook to run on Cloud Run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import click

from cxfulfill.cli.apps import checked_webhook
from cxfulfill.errors import ConfigurationError
from cxfulfill.scaffold.deploy.application import told_by
from cxfulfill.scaffold.deploy.checks import built, read_secret, read_variable
from cxfulfill.scaffold.deploy.plan import plan as plan_of
from cxfulfill.scaffold.deploy.setting import DEFAULT_PATH, Access, Auth, Setting, Store
from cxfulfill.scaffold.deploy.terraform import terraform
from cxfulfill.settings.server import threads_for

_COUNT: Final = click.IntRange(1, 9_999)
_BY_PLATFORM: Final = (Access.IAM, Access.INTERNAL, Access.FUNCTION)
_MOST_IN_NAME: Final = 22
_OPTIONS: Final = (
    click.option("--access", type=click.Choice([each.value for each in Access]), required=True,
                 help="How calls reach the service; function is a Cloud Function that there is already."),
    click.option("--auth", type=click.Choice(get_args(Auth)),
                 help="What callers are asked for; cloud-run-iam where Cloud Run checks, else google-id-token."),
    click.option("--project", required=True, help="Project of the service."),
    click.option("--project-number", help="Its number; needed where the agent is in another project."),
    click.option("--region", required=True, help="Region of the service."),
    click.option("--service", required=True, help="Name of the service, or of the function."),
    click.option("--agent-project", help="Project of the agent, where it is another one."),
    click.option("--agent-project-number", required=True, help="Number of the agent's project."),
    click.option("--agent-location", help="Location of the agent; for service-directory."),
    click.option("--agent-before-2020-11", "is_old_agent", is_flag=True, help="The agent was made before 2020-11-01."),
    click.option("--same-perimeter", "is_same_perimeter", is_flag=True,
                 help="Both projects are in one perimeter of VPC Service Controls."),
    click.option("--cx-service-account", help="E-mail address of the account as which CX calls Google's APIs."),
    click.option("--url", help="Where CX calls, as https://HOST; by default the service's own address in run.app."),
    click.option("--webhook-path", "path", help=f"Path of the webhook; by default that of --app, else {DEFAULT_PATH}."),
    click.option("--image", help="The container's image; by default the current folder is built."),
    click.option("--service-account", help="Name of the account that the service runs as; by default SERVICE-runtime."),
    click.option("--deployer", help="Who deploys, as user:ADDRESS, group: or serviceAccount:; not for function."),
    click.option("--workers", type=_COUNT, default=1, show_default=True, help="Worker processes of an instance."),
    click.option("--threads", type=_COUNT, help="Threads of a worker; 8 by default, more with --max-in-flight."),
    click.option("--max-in-flight", type=_COUNT, help="Calls that a worker handles at a time."),
    click.option("--cpu", type=click.Choice(["1", "2", "4", "6", "8"]), default="1", show_default=True, help="CPUs."),
    click.option("--memory", default="512Mi", show_default=True, help="Memory of an instance."),
    click.option("--min-instances", type=click.IntRange(0, 1000), default=1, show_default=True,
                 help="Instances that are kept."),
    click.option("--max-instances", type=_COUNT, help="Instances at most; 1 with --store memory."),
    click.option("--cpu-boost/--no-cpu-boost", default=True, show_default=True, help="More CPU at start."),
    click.option("--background/--no-background", "works_on", default=None,
                 help="Handlers work on behind their answer; by default as --app tells."),
    click.option("--store", type=click.Choice(get_args(Store)), default="memory", show_default=True,
                 help="Where calls are remembered."),
    click.option("--network", help="VPC network; for redis and service-directory."),
    click.option("--subnet", help="Its subnet in the region; for redis and service-directory."),
    click.option("--proxy-range", help="Addresses for a subnet of load balancers' proxies, where there is none yet."),
    click.option("--firestore-database", default="(default)", show_default=True, help="The Firestore database."),
    click.option("--client-roots", help="PEM file of the roots of client certificates; for mtls-lb."),
    click.option("--secret", "secrets", multiple=True, metavar="VARIABLE=SECRET:NUMBER",
                 help="A version of a secret, and the variable (or /FOLDER/FILE) that it feeds; may be repeated."),
    click.option("--variable", "extra", multiple=True, metavar="NAME=VALUE",
                 help="A further variable of the service, which is no secret; may be repeated."),
    click.option("--app", "target", metavar="MODULE:NAME",
                 help="A Webhook, such as main:webhook, to see what it needs."),
    click.option("--terraform", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
                 help="Write the same as Terraform into a new file, too."),
)  # fmt: skip


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def deploy() -> None:
    """Plans for Cloud Run."""


@deploy.command()
@_options
def plan(*, file: Path | None, **options: Any) -> None:
    """Print the commands that make a webhook run on Cloud Run, each explained. Nothing is run.

    The commands are gcloud's; nothing of Google's is asked. With --app the application tells its path, its flexible
    webhooks and whether it works on behind its answers.
    """
    setting = _setting(**options)
    text = plan_of(setting)
    if file is not None:
        _write(file, terraform(setting))
    click.echo(text, nl=False)


def _setting(*, target: str | None, works_on: bool | None, secrets: tuple[str, ...], **given: Any) -> Setting:
    access = given["access"] = Access(given["access"])
    given["auth"] = given["auth"] or ("cloud-run-iam" if access in _BY_PLATFORM else "google-id-token")
    given["agent_project"] = given["agent_project"] or given["project"]
    if given["project_number"] is None:
        if given["agent_project"] != given["project"]:
            raise ConfigurationError("--project-number is missing: the service's address is made of it")
        given["project_number"] = given["agent_project_number"]
    given["service_account"] = given["service_account"] or f"{given['service'][:_MOST_IN_NAME].rstrip('-')}-runtime"
    limit = given["max_in_flight"]
    given["threads"] = given["threads"] or (threads_for(limit) if limit else 8)
    given["cpu"] = int(given["cpu"])
    given["secrets"] = tuple(map(read_secret, secrets))
    given["extra"] = tuple(map(read_variable, given["extra"]))
    if target is not None:
        told = told_by(checked_webhook(target, on_cloud_run=True))
        given |= {"app": target} | told.fields | ({"path": given["path"]} if given["path"] is not None else {})
    if works_on is not None:
        given["background"] = (given.get("background") or ("handlers of the application",)) if works_on else ()
    return built(given)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{file.name} is there already; name a new file") from None
    except OSError as error:
        raise ConfigurationError(f"{file.name} cannot be written: {error.strerror}") from None
