"""The variables and secrets that a service is given."""

from typing import Final

from cxfulfill.scaffold.deploy.setting import DEFAULT_PATH, Access, Secret, Setting
from cxfulfill.scaffold.deploy.shell import Found, Word
from cxfulfill.settings.server import WORKERS
from cxfulfill.settings.table import PREFIX

REDIS_HOST: Final = Found("REDIS_HOST")
"""Where the plan keeps the address of Redis."""
COLLECTION: Final = "cx-calls"
"""Where Firestore keeps calls."""
LOAD_BALANCER: Final = "169.254.0.0/16"
"""Where calls come from behind a load balancer, as a container on Cloud Run sees it: link-local addresses."""


def variables(setting: Setting, redis: str | Found = REDIS_HOST) -> dict[str, Word]:
    """Name the variables of a service that are no secrets.

    Args:
        setting: The setting.
        redis: What stands for the address of Redis.

    Returns:
        Values by name.
    """
    given: dict[str, Word] = {WORKERS: str(setting.workers), f"{PREFIX}THREADS": str(setting.threads)}
    if setting.reads_environment:
        given |= {f"{PREFIX}{name}": value for name, value in _of_webhook(setting, redis).items()}
    for each in setting.secrets:
        if each.is_fetched:
            given[each.target] = each.version_in(setting.project)
        elif each.path and each.setting:
            given[each.target] = each.path
    return given | dict(setting.extra)


def mounts(setting: Setting) -> tuple[Secret, ...]:
    """Choose the secrets that Cloud Run makes variables or files of.

    Args:
        setting: The setting.

    Returns:
        The secrets.
    """
    return tuple(each for each in setting.secrets if not each.is_fetched)


def store_url(setting: Setting, redis: str | Found = REDIS_HOST) -> Word:
    """Write the URL of the store, which is no memory.

    Args:
        setting: The setting.
        redis: What stands for the address of Redis.

    Returns:
        The URL.
    """
    if setting.store == "redis":
        return ("redis://", redis, ":6379/0")
    named = setting.firestore_database
    return f"firestore://{setting.project}/{COLLECTION}" + ("" if named == "(default)" else f"?database={named}")


def _of_webhook(setting: Setting, redis: str | Found) -> dict[str, Word]:
    """Those that only ``Webhook.from_env()`` reads."""
    given: dict[str, Word] = {"AUTH": setting.policy}
    if setting.auth in ("cloud-run-iam", "google-id-token"):
        given |= {"AUDIENCE": ",".join(setting.audiences), "PROJECT_NUMBER": setting.agent_project_number}
    if setting.is_checked_by_platform:
        given["I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC"] = "1"
    if setting.access == Access.MTLS_LB:
        given |= {"MTLS_SUBJECTS": "google", "MTLS_PROXY": "gcp-lb", "MTLS_PEERS": LOAD_BALANCER}
    if setting.path != DEFAULT_PATH:
        given["PATH"] = setting.path
    if setting.max_in_flight is not None:
        given["MAX_IN_FLIGHT"] = str(setting.max_in_flight)
    if setting.store != "memory":
        given["STORE"] = store_url(setting, redis)
    return given
