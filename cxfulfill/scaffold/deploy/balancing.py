"""What a load balancer in front of a Cloud Run service is made of, inside or outside."""

from collections.abc import Mapping

from cxfulfill.scaffold.deploy.setting import Setting
from cxfulfill.scaffold.deploy.shell import Flags, command


def backend(
    setting: Setting,
    *,
    scheme: str,
    where: Flags,
    headers: Mapping[str, str] | None = None,
) -> list[str]:
    """Write the commands for the service as a backend, and for the map that leads to it.

    Args:
        setting: The setting.
        scheme: The kind of load balancer.
        where: Flags that name its project, and its region or that it is global.
        headers: Headers that it sets on each request.

    Returns:
        The commands.
    """
    name = setting.service
    group: Flags = {"network-endpoint-group": name, "network-endpoint-group-region": setting.region}
    set_headers = [f"{header}:{value}" for header, value in (headers or {}).items()]
    service: Flags = {
        **where,
        "load-balancing-scheme": scheme,
        "protocol": "HTTP",
        "custom-request-header": set_headers,
    }
    made = command("gcloud compute backend-services create", name, flags=service)
    return [
        command(
            "gcloud compute network-endpoint-groups create",
            name,
            flags={
                "project": setting.project,
                "region": setting.region,
                "network-endpoint-type": "serverless",
                "cloud-run-service": name,
            },
        ),
        made,
        command("gcloud compute backend-services add-backend", name, flags={**where, **group}),
        command("gcloud compute url-maps create", name, flags={**where, "default-service": name}),
    ]
