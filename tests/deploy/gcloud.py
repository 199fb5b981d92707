"""The commands of gcloud that plans use, with their flags, and the page of Google's reference that each is from.

Each page is ``https://cloud.google.com/sdk/gcloud/reference/`` and the command with slashes, unless another is named.
"""

from collections.abc import Mapping

GLOBAL = frozenset({"--project", "--format"})
"""Flags of every command: .../reference"""

COMMANDS: Mapping[str, frozenset[str]] = {
    "auth print-access-token": frozenset(),
    # .../certificate-manager/trust-configs/create: PEM files; several certificates may be in one
    "certificate-manager trust-configs create": frozenset({"--location", "--trust-store"}),
    "compute addresses create": frozenset({"--region", "--global", "--subnet"}),
    "compute addresses describe": frozenset({"--region", "--global"}),
    "compute backend-services add-backend": frozenset(
        {"--region", "--global", "--network-endpoint-group", "--network-endpoint-group-region"}
    ),
    "compute backend-services create": frozenset(
        {"--region", "--global", "--load-balancing-scheme", "--protocol", "--custom-request-header"}
    ),
    "compute firewall-rules create": frozenset(
        {"--network", "--direction", "--action", "--rules", "--source-ranges"}
    ),
    "compute forwarding-rules create": frozenset(
        {
            "--region", "--global", "--load-balancing-scheme", "--network", "--subnet", "--address", "--ports",
            "--target-https-proxy", "--target-https-proxy-region",
        }
    ),
    "compute network-endpoint-groups create": frozenset(
        {"--region", "--network-endpoint-type", "--cloud-run-service"}
    ),
    # https://cloud.google.com/load-balancing/docs/proxy-only-subnets
    "compute networks subnets create": frozenset({"--region", "--purpose", "--role", "--network", "--range"}),
    "compute ssl-certificates create": frozenset(
        {"--region", "--global", "--certificate", "--private-key", "--domains"}
    ),
    # --server-tls-policy: the whole name of the policy
    "compute target-https-proxies create": frozenset(
        {"--region", "--global", "--url-map", "--url-map-region", "--ssl-certificates", "--server-tls-policy"}
    ),
    "compute url-maps create": frozenset({"--region", "--global", "--default-service"}),
    "firestore databases create": frozenset({"--database", "--location", "--type"}),
    "firestore fields ttls update": frozenset({"--database", "--collection-group", "--enable-ttl"}),
    "firestore indexes fields update": frozenset({"--database", "--collection-group", "--disable-indexes"}),
    # the first generation: roles/cloudfunctions.invoker
    "functions add-iam-policy-binding": frozenset({"--region", "--member", "--role"}),
    "iam service-accounts add-iam-policy-binding": frozenset({"--member", "--role"}),
    "iam service-accounts create": frozenset(),
    # https://cloud.google.com/load-balancing/docs/mtls-setup: the policy as a file of YAML
    "network-security server-tls-policies import": frozenset({"--location", "--source"}),
    "projects add-iam-policy-binding": frozenset({"--member", "--role", "--condition"}),
    "redis instances create": frozenset(
        {"--region", "--tier", "--size", "--redis-version", "--redis-config", "--network"}
    ),
    "redis instances describe": frozenset({"--region"}),
    # https://cloud.google.com/run/docs/configuring/custom-audiences and the pages beside it
    "run deploy": frozenset(
        {
            "--region", "--image", "--source", "--service-account", "--ingress", "--no-allow-unauthenticated",
            "--invoker-iam-check", "--no-invoker-iam-check", "--add-custom-audiences", "--concurrency", "--cpu",
            "--memory", "--min-instances", "--max-instances", "--cpu-boost", "--no-cpu-boost", "--cpu-throttling",
            "--no-cpu-throttling", "--network", "--subnet", "--vpc-egress", "--startup-probe", "--set-env-vars",
            "--set-secrets",
        }
    ),
    "run services add-iam-policy-binding": frozenset({"--region", "--member", "--role"}),
    "secrets add-iam-policy-binding": frozenset({"--member", "--role"}),
    "secrets create": frozenset({"--replication-policy"}),
    "secrets versions add": frozenset({"--data-file"}),
    # https://cloud.google.com/service-directory/docs/configuring-private-network-access: --network of an endpoint
    "service-directory endpoints create": frozenset(
        {"--location", "--namespace", "--service", "--address", "--port", "--network"}
    ),
    "service-directory namespaces create": frozenset({"--location"}),
    "service-directory services create": frozenset({"--location", "--namespace"}),
    "services enable": frozenset(),
    # https://cloud.google.com/dialogflow/cx/docs/concept/webhook: agents made before 2020-11-01
    "beta services identity create": frozenset({"--service"}),
}  # fmt: skip
