"""The plan as configuration for Terraform's provider ``google``."""

from collections.abc import Iterator
from typing import Final

from cxfulfill.agent.resource_hcl import Expression
from cxfulfill.errors import ConfigurationError
from cxfulfill.scaffold.deploy import terraform_service as service
from cxfulfill.scaffold.deploy import terraform_ways as ways
from cxfulfill.scaffold.deploy.console import entries
from cxfulfill.scaffold.deploy.plan import comment
from cxfulfill.scaffold.deploy.reasons import reasons
from cxfulfill.scaffold.deploy.resources import Block, of, resource, written
from cxfulfill.scaffold.deploy.service import api_names, contents
from cxfulfill.scaffold.deploy.setting import Access, Setting

VERSION: Final = ">= 6.50"
"""The versions of the providers that have all that is written here."""
_BETA_KINDS: Final = ("google_project_service_identity", "google_service_directory_")


def terraform(setting: Setting) -> str:
    """Write it.

    Args:
        setting: The setting.

    Returns:
        The configuration.

    Raises:
        ConfigurationError: It names no image, which Terraform does not build.
    """
    if setting.access != Access.FUNCTION and setting.image is None:
        raise ConfigurationError("--image is missing: Terraform deploys an image, and does not build one")
    resources = list(_resources(setting))
    is_beta = any(kind in each.head for each in resources for kind in _BETA_KINDS)
    head = "\n".join(_head(setting))
    return f"{comment(head)}\n{written([*_providers(setting, is_beta=is_beta), *resources])}"


def _head(setting: Setting) -> Iterator[str]:
    yield f"A plan for {setting.service}, made by cxfulfill deploy plan. Nothing has been applied."
    if setting.access != Access.FUNCTION:
        yield ""
        yield from reasons(setting)
    if setting.secrets:
        yield ""
        yield "Before the service is made, each secret needs its version. Terraform would keep the value in its state:"
        names = dict.fromkeys(each.name for each in setting.secrets)
        yield "  terraform apply " + " ".join(
            f"-target=google_secret_manager_secret.{service.label(each)}" for each in names
        )
        for each in names:
            typed = contents(secret for secret in setting.secrets if secret.name == each)
            yield f"  IFS= read -rs VALUE    # run it alone, and type {typed}"
            yield f'  printf %s "$VALUE" | gcloud secrets versions add {each} --project={setting.project} --data-file=-'
    if setting.access == Access.SERVICE_DIRECTORY:
        yield ""
        yield f"Before that, the certificate: cxfulfill cert --host {setting.host} --out certs"
    if setting.access == Access.MTLS_LB:
        yield ""
        yield f"The name {setting.host} must lead to google_compute_global_address.webhook (an A record)."
    yield ""
    yield "In CX, Manage > Webhooks:"
    yield from (f"  {each}" for each in entries(setting))


def _providers(setting: Setting, *, is_beta: bool) -> Iterator[Block]:
    names = ["google", "google-beta"] if is_beta else ["google"]
    needed = {each: {"source": f"hashicorp/{each}", "version": VERSION} for each in names}
    yield Block("terraform", {}, (Block("required_providers", needed),))
    for each in names:
        yield Block(f'provider "{each}"', {"project": setting.project, "region": setting.region})


def _resources(setting: Setting) -> Iterator[Block]:
    if setting.access != Access.FUNCTION:
        apis = Expression("toset([{}])".format(", ".join(f'"{each}"' for each in api_names(setting))))
        arguments = {"for_each": apis, "service": Expression("each.value"), "disable_on_destroy": False}
        yield resource("project_service", "apis", arguments)
        yield from _account(setting)
        yield from service.secrets(setting)
        yield from service.store(setting)
        yield service.service(setting)
    yield from _agent(setting)
    yield from ways.service_directory(setting)
    yield from ways.load_balancer(setting)
    yield from _cx_account(setting)


def _account(setting: Setting) -> Iterator[Block]:
    yield resource(
        "service_account",
        "runtime",
        {"account_id": setting.service_account, "depends_on": [of("project_service.apis")]},
    )
    yield resource(
        "service_account_iam_member",
        "deployer",
        {
            "service_account_id": of("service_account.runtime.name"),
            "role": "roles/iam.serviceAccountUser",
            "member": setting.deployer,
        },
    )


def _agent(setting: Setting) -> Iterator[Block]:
    if setting.is_old_agent:
        arguments = {"provider": Expression("google-beta"), "project": setting.agent_project}
        yield resource("project_service_identity", "dialogflow", {**arguments, "service": "dialogflow.googleapis.com"})
    if not (setting.is_checked_by_platform and setting.is_other_project):
        return
    member = {"member": setting.service_agent}
    if setting.access == Access.FUNCTION:
        role = {"role": "roles/cloudfunctions.invoker", "cloud_function": setting.service}
        yield resource("cloudfunctions_function_iam_member", "agent", {"region": setting.region, **role, **member})
    else:
        named = {"name": of("cloud_run_v2_service.webhook.name"), "location": setting.region}
        yield resource("cloud_run_v2_service_iam_member", "agent", {**named, "role": "roles/run.invoker", **member})


def _cx_account(setting: Setting) -> Iterator[Block]:
    if setting.cx_service_account:
        account = f"projects/{setting.agent_project}/serviceAccounts/{setting.cx_service_account}"
        arguments = {"service_account_id": account, "role": "roles/iam.serviceAccountTokenCreator"}
        yield resource("service_account_iam_member", "cx", {**arguments, "member": setting.service_agent})
