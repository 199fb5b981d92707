"""The service, its secrets and its store as resources of Terraform."""

from collections.abc import Iterator
from typing import Any

from cxfulfill.agent.resource_hcl import Expression, quoted
from cxfulfill.scaffold.deploy.resources import Block, number, of, resource
from cxfulfill.scaffold.deploy.setting import Secret, Setting
from cxfulfill.scaffold.deploy.shell import Found, Word
from cxfulfill.scaffold.deploy.stores import redis_name
from cxfulfill.scaffold.deploy.variables import COLLECTION, mounts, variables

_HOST = Found("google_redis_instance.calls.host")
_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}


def label(secret: str) -> str:
    """Name the resource of a secret.

    Args:
        secret: The secret.

    Returns:
        A label.
    """
    return f"secret_{secret}"


def secrets(setting: Setting) -> Iterator[Block]:
    """Write the secrets, without their values.

    Args:
        setting: The setting.

    Yields:
        Resources.
    """
    for name in dict.fromkeys(each.name for each in setting.secrets):
        arguments = {"secret_id": name, "depends_on": [of("project_service.apis")]}
        replication = Block("replication", {}, (Block("auto"),))
        yield resource("secret_manager_secret", label(name), arguments, replication)
        role = {
            "secret_id": of(f"secret_manager_secret.{label(name)}.secret_id"),
            "role": "roles/secretmanager.secretAccessor",
        }
        runtime = of("service_account.runtime.member")
        yield resource("secret_manager_secret_iam_member", f"{label(name)}_runtime", {**role, "member": runtime})
        if any(each.cx_field for each in setting.secrets if each.name == name):
            agent = {**role, "member": setting.service_agent}
            yield resource("secret_manager_secret_iam_member", f"{label(name)}_agent", agent)


def store(setting: Setting) -> Iterator[Block]:
    """Write the store.

    Args:
        setting: The setting.

    Yields:
        Resources; none for a memory.
    """
    if setting.store == "redis":
        yield resource(
            "redis_instance",
            "calls",
            {
                "name": redis_name(setting),
                "tier": "STANDARD_HA",
                "memory_size_gb": number(1),
                "redis_version": "REDIS_7_2",
                "redis_configs": {"maxmemory-policy": "noeviction"},
                "region": setting.region,
                "authorized_network": f"projects/{setting.project}/global/networks/{setting.network}",
                "depends_on": [of("project_service.apis")],
            },
        )
    if setting.store == "firestore":
        yield from _firestore(setting)


def service(setting: Setting) -> Block:
    """Write the service.

    Args:
        setting: The setting.

    Returns:
        The resource.
    """
    arguments = {
        "name": setting.service,
        "location": setting.region,
        "ingress": _INGRESS[setting.ingress],
        "invoker_iam_disabled": not setting.is_checked_by_platform,
        "custom_audiences": list(setting.custom_audiences) or None,
        "depends_on": [of("project_service.apis"), *_readers(setting)],
    }
    return resource("cloud_run_v2_service", "webhook", arguments, _template(setting))


def _firestore(setting: Setting) -> Iterator[Block]:
    yield resource(
        "firestore_database",
        "calls",
        {
            "name": setting.firestore_database,
            "location_id": setting.region,
            "type": "FIRESTORE_NATIVE",
            "depends_on": [of("project_service.apis")],
        },
    )
    group = {"database": of("firestore_database.calls.name"), "collection": COLLECTION}
    yield resource("firestore_field", "expire_at", {**group, "field": "expire_at"}, Block("ttl_config"), _no_index())
    yield resource("firestore_field", "others", {**group, "field": "*"}, _no_index())
    yield resource(
        "project_iam_member",
        "firestore",
        {
            "project": setting.project,
            "role": "roles/datastore.user",
            "member": of("service_account.runtime.member"),
        },
    )


def _no_index() -> Block:
    return Block("index_config")


def _readers(setting: Setting) -> list[Expression]:
    """The service does not start before its account may read its secrets."""
    names = dict.fromkeys(each.name for each in setting.secrets)
    return [of(f"secret_manager_secret_iam_member.{label(each)}_runtime") for each in names]


def _template(setting: Setting) -> Block:
    most = {} if setting.most_instances is None else {"max_instance_count": number(setting.most_instances)}
    blocks = [
        Block("scaling", {"min_instance_count": number(setting.min_instances), **most}),
        _container(setting),
        *(_volume(each) for each in mounts(setting) if each.path),
    ]
    if setting.store == "redis":
        network = {"network": setting.network, "subnetwork": setting.subnet}
        blocks.append(Block("vpc_access", {"egress": "PRIVATE_RANGES_ONLY"}, (Block("network_interfaces", network),)))
    arguments = {
        "service_account": of("service_account.runtime.email"),
        "max_instance_request_concurrency": number(setting.concurrency),
    }
    return Block("template", arguments, tuple(blocks))


def _container(setting: Setting) -> Block:
    blocks = [
        Block("ports", {"container_port": number(8080)}),
        Block(
            "resources",
            {
                "limits": {"cpu": str(setting.cpu), "memory": setting.memory},
                "cpu_idle": not setting.background,
                "startup_cpu_boost": setting.cpu_boost,
            },
        ),
        Block(
            "startup_probe",
            {"period_seconds": number(2), "failure_threshold": number(30)},
            (Block("http_get", {"path": "/ready", "port": number(8080)}),),
        ),
    ]
    given = variables(setting, _HOST)
    blocks += [Block("env", {"name": name, "value": _text(value)}) for name, value in given.items()]
    blocks += [_mount(each) if each.path else _variable(each) for each in mounts(setting)]
    return Block("containers", {"image": setting.image}, tuple(blocks))


def _variable(secret: Secret) -> Block:
    reference = Block("secret_key_ref", {"secret": secret.name, "version": secret.version})
    return Block("env", {"name": secret.target}, (Block("value_source", {}, (reference,)),))


def _mount(secret: Secret) -> Block:
    return Block("volume_mounts", {"name": _volume_name(secret), "mount_path": secret.path.rpartition("/")[0]})


def _volume(secret: Secret) -> Block:
    item = Block("items", {"path": secret.path.rpartition("/")[2], "version": secret.version})
    return Block("volumes", {"name": _volume_name(secret)}, (Block("secret", {"secret": secret.name}, (item,)),))


def _volume_name(secret: Secret) -> str:
    kept = "".join(each if each.isalnum() else "-" for each in secret.path.rpartition("/")[0].lower())
    return f"secret{kept}"


def _text(value: Word) -> Any:
    """Write a value that may have the attribute of another resource in it."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, tuple) else (value,)
    inner = (f"${{{each.name}}}" if isinstance(each, Found) else quoted(each)[1:-1] for each in parts)
    return Expression(f'"{"".join(inner)}"')
