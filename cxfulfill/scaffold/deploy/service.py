"""Steps of a plan that every service needs: APIs, accounts, secrets, the service, and who may call it."""

from collections.abc import Iterable, Iterator
from typing import Final

from cxfulfill.scaffold.deploy.reasons import reasons
from cxfulfill.scaffold.deploy.setting import Access, Secret, Setting
from cxfulfill.scaffold.deploy.shell import Flags, Step, Word, command, pairs, piped
from cxfulfill.scaffold.deploy.variables import mounts, variables

_APIS: Final = {
    Access.SERVICE_DIRECTORY: ("compute", "servicedirectory", "monitoring"),
    Access.MTLS_LB: ("compute", "certificatemanager", "networksecurity"),
}
_STORES: Final = {"redis": ("compute", "redis"), "firestore": ("firestore",)}
_PROBE: Final = "httpGet.path=/ready,httpGet.port=8080,periodSeconds=2,failureThreshold=30"


def api_names(setting: Setting) -> tuple[str, ...]:
    """Name the APIs that a setting needs in the service's project.

    Args:
        setting: The setting.

    Returns:
        Their hosts.
    """
    names = ["run", "iam", *([] if setting.image else ["cloudbuild", "artifactregistry"])]
    names += ["secretmanager"] if setting.secrets else []
    names += [*_STORES.get(setting.store, ()), *_APIS.get(setting.access, ())]
    return tuple(dict.fromkeys(f"{each}.googleapis.com" for each in names))


def apis(setting: Setting) -> Step:
    """Enable the APIs.

    Args:
        setting: The setting.

    Returns:
        The step.
    """
    enabled = command("gcloud services enable", *api_names(setting), flags={"project": setting.project})
    return Step("Enable the APIs", "A command for an API that is not enabled fails.", (enabled,))


def service_agent(setting: Setting) -> Iterator[Step]:
    """Make the service agent of an old agent's project.

    Args:
        setting: The setting.

    Yields:
        The step, where it is needed.
    """
    if setting.is_old_agent:
        made = command(
            "gcloud beta services identity create",
            flags={"service": "dialogflow.googleapis.com", "project": setting.agent_project},
        )
        why = (
            "The agent was made before 2020-11-01, and its project may have no Dialogflow service agent. Without it CX "
            "has no account to call as, and no role can be given to it."
        )
        yield Step("Make Dialogflow's service agent", why, (made,))


def account(setting: Setting) -> Step:
    """Make the account that the service runs as.

    Args:
        setting: The setting.

    Returns:
        The step.
    """
    made = command("gcloud iam service-accounts create", setting.service_account, flags={"project": setting.project})
    used = command(
        "gcloud iam service-accounts add-iam-policy-binding",
        setting.identity,
        flags={"project": setting.project, "member": setting.deployer, "role": "roles/iam.serviceAccountUser"},
    )
    why = (
        "An account of its own has only the roles of this plan; without one the service runs as the project's default "
        "account, which may be an editor. Who deploys needs iam.serviceAccountUser on it, or the deployment is refused."
    )
    return Step("Make the account that the service runs as", why, (made, used))


def secrets(setting: Setting) -> Iterator[Step]:
    """Make the secrets.

    Args:
        setting: The setting.

    Yields:
        A step for each secret.
    """
    for name in dict.fromkeys(each.name for each in setting.secrets):
        yield _secret(setting, name, [each for each in setting.secrets if each.name == name])


def deploy(setting: Setting) -> Step:
    """Deploy the service.

    Args:
        setting: The setting.

    Returns:
        The step.
    """
    mounted: dict[str, Word] = {each.path or each.target: f"{each.name}:{each.version}" for each in mounts(setting)}
    is_in_network = setting.store == "redis"
    flags: Flags = {
        "project": setting.project,
        "region": setting.region,
        "image": setting.image,
        "source": None if setting.image else ".",
        "service-account": setting.identity,
        "ingress": setting.ingress,
        "no-allow-unauthenticated": True,
        "invoker-iam-check": setting.is_checked_by_platform,
        "no-invoker-iam-check": not setting.is_checked_by_platform,
        "add-custom-audiences": ",".join(setting.custom_audiences) or None,
        "concurrency": str(setting.concurrency),
        "cpu": str(setting.cpu),
        "memory": setting.memory,
        "min-instances": str(setting.min_instances),
        "max-instances": str(setting.most_instances) if setting.most_instances else None,
        "cpu-boost": setting.cpu_boost,
        "no-cpu-boost": not setting.cpu_boost,
        "cpu-throttling": not setting.background,
        "no-cpu-throttling": bool(setting.background),
        "network": setting.network if is_in_network else None,
        "subnet": setting.subnet if is_in_network else None,
        "vpc-egress": "private-ranges-only" if is_in_network else None,
        "startup-probe": _PROBE,
        "set-env-vars": pairs(variables(setting)),
        "set-secrets": pairs(mounted),
    }
    made = command("gcloud run deploy", setting.service, flags=flags)
    return Step("Deploy the service", "\n".join(reasons(setting)), (made,))


def invoker(setting: Setting) -> Iterator[Step]:
    """Let the agent of another project call.

    Args:
        setting: The setting.

    Yields:
        The step, where something is to be known or done.
    """
    if not setting.is_checked_by_platform:
        return
    if not setting.is_other_project:
        why = (
            "The agent is in the same project: its service agent may call without any role. There is nothing to grant."
        )
        yield Step("Let the agent call: nothing to do", why)
        return
    is_function = setting.access == Access.FUNCTION
    granted = command(
        f"gcloud {'functions' if is_function else 'run services'} add-iam-policy-binding",
        setting.service,
        flags={
            "project": setting.project,
            "region": setting.region,
            "member": setting.service_agent,
            "role": f"roles/{'cloudfunctions' if is_function else 'run'}.invoker",
        },
    )
    why = "The agent is in another project: without this role each of its calls is answered with 403."
    yield Step("Let the agent call", why, (granted,))


def cx_account(setting: Setting) -> Iterator[Step]:
    """Let CX call as a service account.

    Args:
        setting: The setting.

    Yields:
        The step, where CX uses one.
    """
    if not setting.cx_service_account:
        return
    flags: Flags = {"project": setting.agent_project}
    line, name = "gcloud iam service-accounts add-iam-policy-binding", setting.cx_service_account
    minted = {**flags, "member": setting.service_agent, "role": "roles/iam.serviceAccountTokenCreator"}
    why = (
        "For webhooks that call Google's own APIs as this account: Dialogflow makes its tokens. Without "
        "the role such a "
        "webhook fails. Do not enter it for this service: its access tokens are bound to nobody, and are refused here."
    )
    yield Step("Let Dialogflow call as a service account", why, (command(line, name, flags=minted),))


def contents(secrets: Iterable[Secret]) -> str:
    """Tell what is typed for a secret.

    Args:
        secrets: Its variables.

    Returns:
        Such as ``user:password``.
    """
    return " or ".join(dict.fromkeys(each.content for each in secrets))


def _secret(setting: Setting, name: str, mine: list[Secret]) -> Step:
    project: Flags = {"project": setting.project}
    made = command("gcloud secrets create", name, flags={**project, "replication-policy": "automatic"})
    added = command("gcloud secrets versions add", name, flags={**project, "data-file": "-"})
    versions = list(dict.fromkeys(each.version for each in mine))
    values = ["IFS= read -rs VALUE", piped('printf %s "$VALUE"', added), "unset VALUE"] * len(versions)
    readers = [f"serviceAccount:{setting.identity}"]
    readers += [setting.service_agent] if any(each.cx_field for each in mine) else []
    role: Flags = {**project, "role": "roles/secretmanager.secretAccessor"}
    grants = [
        command("gcloud secrets add-iam-policy-binding", name, flags={**role, "member": each}) for each in readers
    ]
    why = (
        f"For {' and '.join(each.target for each in mine)}. printf %s stores the value without a newline at its end, "
        "which CX would send along. read takes it from the keyboard, so that it is in no file, list of processes or "
        f"history: run that line alone, and type {contents(mine)}. gcloud prints the version's number: "
        f"{', then '.join(versions)}. Without secretAccessor the service does not start"
    ) + (", and CX has no credential to send." if len(readers) > 1 else ".")
    return Step(f"Store the secret {name}", why, (made, *values, *grants))
