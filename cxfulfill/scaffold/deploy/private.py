"""Steps of a plan for a service that has no public address: an internal load balancer and Service Directory."""

import json
from collections.abc import Iterator
from typing import Final

from cxfulfill.scaffold.deploy.balancing import backend
from cxfulfill.scaffold.deploy.setting import Access, Setting
from cxfulfill.scaffold.deploy.shell import Flags, Found, Step, command, found, piped, word

DIALOGFLOW_RANGE: Final = "35.199.192.0/19"
"""Where calls by way of Service Directory come from."""
_ADDRESS: Final = Found("ADDRESS")
_DIRECTORY_ROLES: Final = ("roles/servicedirectory.viewer", "roles/servicedirectory.pscAuthorizedService")


def monitoring_agent(setting: Setting) -> str:
    """Name the account that private uptime checks call as.

    Args:
        setting: The setting.

    Returns:
        A member of a policy.
    """
    return f"serviceAccount:service-{setting.project_number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"


def grants(setting: Setting) -> Iterator[tuple[str, str, str]]:
    """Name the roles that calls by way of Service Directory need.

    Args:
        setting: The setting.

    Yields:
        Project, role and member.
    """
    for role in _DIRECTORY_ROLES:
        yield setting.project, role, setting.service_agent
    if setting.is_other_project:
        yield setting.agent_project, _DIRECTORY_ROLES[0], setting.service_agent
    for role in _DIRECTORY_ROLES:
        yield setting.project, role, monitoring_agent(setting)


def uptime_check(setting: Setting) -> dict[str, object]:
    """Describe the uptime check.

    Args:
        setting: The setting.

    Returns:
        A document of Cloud Monitoring's API.
    """
    name = setting.service
    labels = {
        "project_id": setting.project,
        "location": setting.region,
        "namespace_name": name,
        "service_name": name,
    }
    return {
        "displayName": f"{name} from inside",
        "monitoredResource": {"type": "servicedirectory_service", "labels": labels},
        "httpCheck": {
            "requestMethod": "GET",
            "useSsl": True,
            "path": "/ready",
            "port": 443,
            "headers": {"Host": setting.host},
        },
        "period": "60s",
        "timeout": "10s",
        "checkerType": "VPC_CHECKERS",
    }


def service_directory(setting: Setting) -> Iterator[Step]:
    """Make the private way to the service.

    Args:
        setting: The setting.

    Yields:
        The steps; none for another access.
    """
    if setting.access != Access.SERVICE_DIRECTORY:
        return
    yield from _balancer(setting)
    yield _directory(setting)
    yield _roles(setting)
    yield _check(setting)


def _balancer(setting: Setting) -> Iterator[Step]:
    name, network, subnet = setting.service, setting.network, setting.subnet
    where: Flags = {"project": setting.project, "region": setting.region}
    reserved = command("gcloud compute addresses create", name, flags={**where, "subnet": subnet})
    described = command("gcloud compute addresses describe", name, flags={**where, "format": "value(address)"})
    why = (
        "Service Directory leads to an address of a VPC network, and Cloud Run has none: an internal "
        "load balancer gives "
        "it one."
    )
    if setting.proxy_range is None:
        why += (
            "\nThe network must have a subnet for such proxies in the region; --proxy-range adds the command for one."
        )
        commands = []
    else:
        proxies: Flags = {**where, "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE", "network": network}
        commands = [
            command(
                "gcloud compute networks subnets create",
                f"{name}-proxies",
                flags={**proxies, "range": setting.proxy_range},
            )
        ]
    commands += [reserved, found(_ADDRESS.name, described), *backend(setting, scheme="INTERNAL_MANAGED", where=where)]
    yield Step("Give the service an address inside", why, tuple(commands))
    yield _front(setting, where)


def _front(setting: Setting, where: Flags) -> Step:
    name = setting.service
    files: Flags = {"certificate": "certs/server.pem", "private-key": "certs/server.key"}
    why = (
        "CX calls by HTTPS only, for the host of the URL. The certificate is of a CA of your own, which "
        "is entered in CX; "
        f"keep certs/ca.key off the server. The rule lets calls of Service Directory in, which come from "
        f"{DIALOGFLOW_RANGE}."
    )
    rule: Flags = {
        "project": setting.project,
        "network": setting.network,
        "direction": "INGRESS",
        "action": "ALLOW",
        "rules": "tcp:443",
        "source-ranges": DIALOGFLOW_RANGE,
    }
    forwarded: Flags = {
        **where,
        "load-balancing-scheme": "INTERNAL_MANAGED",
        "network": setting.network,
        "subnet": setting.subnet,
        "address": _ADDRESS,
        "ports": "443",
        "target-https-proxy": name,
        "target-https-proxy-region": setting.region,
    }
    return Step(
        "Let it answer HTTPS",
        why,
        (
            f"cxfulfill cert --host {word(setting.host)} --out certs",
            command("gcloud compute ssl-certificates create", name, flags={**where, **files}),
            command(
                "gcloud compute target-https-proxies create",
                name,
                flags={**where, "url-map": name, "url-map-region": setting.region, "ssl-certificates": name},
            ),
            command("gcloud compute forwarding-rules create", name, flags=forwarded),
            command("gcloud compute firewall-rules create", f"{name}-service-directory", flags=rule),
        ),
    )


def _directory(setting: Setting) -> Step:
    name = setting.service
    where: Flags = {"project": setting.project, "location": setting.region}
    network = f"projects/{setting.project_number}/locations/global/networks/{setting.network}"
    within: Flags = {**where, "namespace": name}
    endpoint: Flags = {**within, "service": name, "address": _ADDRESS, "port": "443", "network": network}
    why = "The name by which CX finds the address. Without the network it would be looked for in the internet."
    return Step(
        "Enter the address in Service Directory",
        why,
        (
            command("gcloud service-directory namespaces create", name, flags=where),
            command("gcloud service-directory services create", name, flags=within),
            command("gcloud service-directory endpoints create", name, flags=endpoint),
        ),
    )


def _roles(setting: Setting) -> Step:
    made = command(
        "gcloud beta services identity create",
        flags={"service": "monitoring.googleapis.com", "project": setting.project},
    )
    granted = [
        command(
            "gcloud projects add-iam-policy-binding",
            project,
            flags={"member": member, "role": role, "condition": "None"},
        )
        for project, role, member in grants(setting)
    ]
    why = (
        "servicedirectory.viewer finds the endpoint, pscAuthorizedService enters the network: for Dialogflow's service "
        "agent, without which CX reaches nothing, and for Cloud Monitoring's, which checks the way."
    )
    if setting.is_other_project:
        why += " The agent is in another project, where its service agent needs servicedirectory.viewer too."
    return Step("Let Dialogflow come in", why, (made, *granted))


def _check(setting: Setting) -> Step:
    body = json.dumps(uptime_check(setting), indent=2)
    url = f"https://monitoring.googleapis.com/v3/projects/{setting.project}/uptimeCheckConfigs"
    sent = f"curl --fail --header @- --header 'Content-Type: application/json' --data {word(body)} {word(url)}"
    header = 'printf "Authorization: Bearer %s" "$(gcloud auth print-access-token)"'
    why = (
        "A private uptime check goes CX's way every minute: it tells of a broken rule, role or "
        "certificate before a user "
        "does. gcloud has no flag for checks from inside (VPC_CHECKERS), so this calls the API."
    )
    return Step("Watch it from inside", why, (piped(header, sent),))
