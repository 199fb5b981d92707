"""Steps of a plan for the store in which several instances remember calls."""

from collections.abc import Iterator

from cxfulfill.scaffold.deploy.setting import Setting
from cxfulfill.scaffold.deploy.shell import Flags, Step, command, found
from cxfulfill.scaffold.deploy.variables import COLLECTION, REDIS_HOST, store_url


def redis_name(setting: Setting) -> str:
    """Name the Redis instance.

    Args:
        setting: The setting.

    Returns:
        Its name.
    """
    return f"{setting.service[:30].rstrip('-')}-calls"


def store(setting: Setting) -> Iterator[Step]:
    """Make the store.

    Args:
        setting: The setting.

    Yields:
        The step; none for a memory.
    """
    if setting.store == "redis":
        yield _redis(setting)
    if setting.store == "firestore":
        yield _firestore(setting)


def _redis(setting: Setting) -> Step:
    name = redis_name(setting)
    flags: Flags = {"project": setting.project, "region": setting.region}
    made = command(
        "gcloud redis instances create",
        name,
        flags={
            **flags,
            "tier": "standard",
            "size": "1",
            "redis-version": "redis_7_2",
            "redis-config": "maxmemory-policy=noeviction",
            "network": f"projects/{setting.project}/global/networks/{setting.network}",
        },
    )
    described = command("gcloud redis instances describe", name, flags={**flags, "format": "value(host)"})
    why = (
        "Instances remember together which calls run and what was answered; else a retry that reaches another instance "
        "runs again. noeviction: a call that Redis forgets may run twice. The service reaches it by direct VPC egress. "
        f"Needs the extra redis in the image.{_in_code(setting)}"
    )
    return Step("Make the store: Redis", why, (made, found(REDIS_HOST.name, described)))


def _firestore(setting: Setting) -> Step:
    flags: Flags = {"project": setting.project, "database": setting.firestore_database}
    group: Flags = {**flags, "collection-group": COLLECTION}
    made = command(
        "gcloud firestore databases create", flags={**flags, "location": setting.region, "type": "firestore-native"}
    )
    ended = command("gcloud firestore fields ttls update", "expire_at", flags={**group, "enable-ttl": True})
    plain = command("gcloud firestore indexes fields update", "*", flags={**group, "disable-indexes": True})
    granted = command(
        "gcloud projects add-iam-policy-binding",
        setting.project,
        flags={
            "member": f"serviceAccount:{setting.identity}",
            "role": "roles/datastore.user",
            "condition": "None",
        },
    )
    why = (
        "Instances remember together which calls run and what was answered; else a retry that reaches another instance "
        "runs again. The policy lets old documents go, which would stay for ever; nobody uses the indexes, which slow "
        f"every write. Needs the extra firestore in the image.{_in_code(setting)}"
    )
    return Step("Make the store: Firestore", why, (made, ended, plain, granted))


def _in_code(setting: Setting) -> str:
    if setting.reads_environment:
        return ""
    url = store_url(setting, "HOST")
    url = "".join(map(str, url)) if isinstance(url, tuple) else url
    where = f", where HOST is the value of {REDIS_HOST.name}" if setting.store == "redis" else ""
    return f' The application takes no settings from variables: name the store in it, as idempotency="{url}"{where}.'
