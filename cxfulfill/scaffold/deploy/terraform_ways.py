"""What stands in front of the service as resources of Terraform: a load balancer, Service Directory."""

from collections.abc import Iterator
from typing import Any, Final

from cxfulfill.agent.resource_hcl import Expression, quoted
from cxfulfill.scaffold.deploy.mutual_tls import HEADERS, MODE
from cxfulfill.scaffold.deploy.private import DIALOGFLOW_RANGE, grants, monitoring_agent, uptime_check
from cxfulfill.scaffold.deploy.resources import Block, number, of, resource
from cxfulfill.scaffold.deploy.setting import Access, Setting

_BETA: Final = Expression("google-beta")
_CERTIFICATES: Final = 'regexall("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", file({}))'


def load_balancer(setting: Setting) -> Iterator[Block]:
    """Write the load balancer that asks for client certificates.

    Args:
        setting: The setting.

    Yields:
        Resources; none for another access.
    """
    if setting.access != Access.MTLS_LB:
        return
    name = {"name": setting.service}
    apis = {"depends_on": [of("project_service.apis")]}
    anchors = Block(
        'dynamic "trust_anchors"',
        {"for_each": Expression(_CERTIFICATES.format(quoted(setting.client_roots or "")))},
        (Block("content", {"pem_certificate": Expression("trust_anchors.value")}),),
    )
    stores = Block("trust_stores", {}, (anchors,))
    yield resource("certificate_manager_trust_config", "dialogflow", {**name, "location": "global", **apis}, stores)
    trusted = {
        "client_validation_mode": MODE,
        "client_validation_trust_config": of("certificate_manager_trust_config.dialogflow.id"),
    }
    policy = Block("mtls_policy", trusted)
    yield resource("network_security_server_tls_policy", "dialogflow", {**name, "location": "global", **apis}, policy)
    yield _group(setting)
    backend = {
        **name,
        "load_balancing_scheme": "EXTERNAL_MANAGED",
        "custom_request_headers": [f"{header}:{value}" for header, value in HEADERS.items()],
    }
    yield resource("compute_backend_service", "webhook", backend, _member())
    yield resource("compute_url_map", "webhook", {**name, "default_service": of("compute_backend_service.webhook.id")})
    yield resource("compute_global_address", "webhook", {**name, **apis})
    domains = Block("managed", {"domains": [setting.host]})
    yield resource("compute_managed_ssl_certificate", "webhook", {**name, **apis}, domains)
    proxy = {
        **name,
        "url_map": of("compute_url_map.webhook.id"),
        "ssl_certificates": [of("compute_managed_ssl_certificate.webhook.id")],
        "server_tls_policy": of("network_security_server_tls_policy.dialogflow.id"),
    }
    yield resource("compute_target_https_proxy", "webhook", proxy)
    rule = {
        **name,
        "load_balancing_scheme": "EXTERNAL_MANAGED",
        "ip_address": of("compute_global_address.webhook.id"),
        "target": of("compute_target_https_proxy.webhook.id"),
        "port_range": "443",
    }
    yield resource("compute_global_forwarding_rule", "webhook", rule)


def service_directory(setting: Setting) -> Iterator[Block]:
    """Write the private way to the service.

    Args:
        setting: The setting.

    Yields:
        Resources; none for another access.
    """
    if setting.access != Access.SERVICE_DIRECTORY:
        return
    yield from _balancer(setting)
    yield from _front(setting)
    yield from _directory(setting)
    yield from _roles(setting)
    yield _check(setting)


def _group(setting: Setting) -> Block:
    arguments = {"name": setting.service, "region": setting.region, "network_endpoint_type": "SERVERLESS"}
    run = Block("cloud_run", {"service": of("cloud_run_v2_service.webhook.name")})
    return resource("compute_region_network_endpoint_group", "webhook", arguments, run)


def _member() -> Block:
    return Block("backend", {"group": of("compute_region_network_endpoint_group.webhook.id")})


def _balancer(setting: Setting) -> Iterator[Block]:
    name = {"name": setting.service, "region": setting.region}
    if setting.proxy_range is not None:
        proxies = {
            "name": f"{setting.service}-proxies",
            "region": setting.region,
            "network": setting.network,
            "purpose": "REGIONAL_MANAGED_PROXY",
            "role": "ACTIVE",
            "ip_cidr_range": setting.proxy_range,
        }
        yield resource("compute_subnetwork", "proxies", proxies)
    inside = {"address_type": "INTERNAL", "subnetwork": _subnet(setting)}
    yield resource("compute_address", "webhook", {**name, **inside, "depends_on": [of("project_service.apis")]})
    yield _group(setting)
    scheme = {"load_balancing_scheme": "INTERNAL_MANAGED", "protocol": "HTTP"}
    balancing = {"balancing_mode": "UTILIZATION", "capacity_scaler": number(1)}
    member = Block("backend", {**_member().arguments, **balancing})
    yield resource("compute_region_backend_service", "webhook", {**name, **scheme}, member)
    leads = {"default_service": of("compute_region_backend_service.webhook.id")}
    yield resource("compute_region_url_map", "webhook", {**name, **leads})


def _front(setting: Setting) -> Iterator[Block]:
    name = {"name": setting.service, "region": setting.region}
    files = {
        "certificate": Expression('file("certs/server.pem")'),
        "private_key": Expression('file("certs/server.key")'),
    }
    yield resource("compute_region_ssl_certificate", "webhook", {**name, **files})
    proxy = {
        **name,
        "url_map": of("compute_region_url_map.webhook.id"),
        "ssl_certificates": [of("compute_region_ssl_certificate.webhook.id")],
    }
    yield resource("compute_region_target_https_proxy", "webhook", proxy)
    after = {"depends_on": [of("compute_subnetwork.proxies")]} if setting.proxy_range is not None else {}
    rule = {
        **name,
        "load_balancing_scheme": "INTERNAL_MANAGED",
        "network": setting.network,
        "subnetwork": _subnet(setting),
        "ip_address": of("compute_address.webhook.id"),
        "port_range": "443",
        "target": of("compute_region_target_https_proxy.webhook.id"),
        **after,
    }
    yield resource("compute_forwarding_rule", "webhook", rule)
    firewall = {
        "name": f"{setting.service}-service-directory",
        "network": setting.network,
        "direction": "INGRESS",
        "source_ranges": [DIALOGFLOW_RANGE],
    }
    yield resource(
        "compute_firewall", "service_directory", firewall, Block("allow", {"protocol": "tcp", "ports": ["443"]})
    )


def _directory(setting: Setting) -> Iterator[Block]:
    beta = {"provider": _BETA}
    name = setting.service
    apis = {"depends_on": [of("project_service.apis")]}
    yield resource(
        "service_directory_namespace",
        "webhook",
        {**beta, "namespace_id": name, "location": setting.region, **apis},
    )
    namespace = {"service_id": name, "namespace": of("service_directory_namespace.webhook.id")}
    yield resource("service_directory_service", "webhook", {**beta, **namespace})
    endpoint = {
        "endpoint_id": name,
        "service": of("service_directory_service.webhook.id"),
        "address": of("compute_address.webhook.address"),
        "port": number(443),
        "network": f"projects/{setting.project_number}/locations/global/networks/{setting.network}",
    }
    yield resource("service_directory_endpoint", "webhook", {**beta, **endpoint})


def _roles(setting: Setting) -> Iterator[Block]:
    identity = {"provider": _BETA, "project": setting.project, "service": "monitoring.googleapis.com"}
    yield resource("project_service_identity", "monitoring", identity)
    for project, role, member in grants(setting):
        who = "monitoring" if member == monitoring_agent(setting) else "dialogflow"
        which = role.rpartition(".")[2].lower()
        where = "" if project == setting.project else "_agent_project"
        arguments: dict[str, Any] = {"project": project, "role": role, "member": member}
        if who == "monitoring":
            arguments["depends_on"] = [of("project_service_identity.monitoring")]
        yield resource("project_iam_member", f"{who}_{which}{where}", arguments)


def _check(setting: Setting) -> Block:
    given: Any = uptime_check(setting)
    http = given["httpCheck"]
    arguments = {
        "display_name": given["displayName"],
        "period": given["period"],
        "timeout": given["timeout"],
        "checker_type": given["checkerType"],
        "depends_on": [of("service_directory_endpoint.webhook")],
    }
    check = {
        "request_method": http["requestMethod"],
        "use_ssl": http["useSsl"],
        "path": http["path"],
        "port": number(http["port"]),
        "headers": http["headers"],
    }
    return resource(
        "monitoring_uptime_check_config",
        "webhook",
        arguments,
        Block("http_check", check),
        Block("monitored_resource", given["monitoredResource"]),
    )


def _subnet(setting: Setting) -> str:
    return f"projects/{setting.project}/regions/{setting.region}/subnetworks/{setting.subnet}"
