"""Steps of a plan for client certificates: a load balancer asks for them, and tells the service of them."""

from collections.abc import Iterator, Mapping
from typing import Final

from cxfulfill.scaffold.deploy.balancing import backend
from cxfulfill.scaffold.deploy.setting import Access, Setting
from cxfulfill.scaffold.deploy.shell import Flags, Found, Step, command, found, word

HEADERS: Final[Mapping[str, str]] = {
    "X-Client-Cert-Present": "{client_cert_present}",
    "X-Client-Cert-Chain-Verified": "{client_cert_chain_verified}",
    "X-Client-Cert-Leaf": "{client_cert_leaf}",
}
"""The headers that ``MutualTls(proxy="gcp-lb")`` reads, and what the load balancer puts into them."""
MODE: Final = "REJECT_INVALID"
"""What becomes of a client without a good certificate: no connection."""
_POLICY_FILE: Final = "server-tls-policy.yaml"
_ADDRESS: Final = Found("ADDRESS")


def trust_config(setting: Setting) -> str:
    """Name the trust config.

    Args:
        setting: The setting.

    Returns:
        Its whole name.
    """
    return f"projects/{setting.project}/locations/global/trustConfigs/{setting.service}"


def load_balancer(setting: Setting) -> Iterator[Step]:
    """Make the load balancer.

    Args:
        setting: The setting.

    Yields:
        The steps; none for another access.
    """
    if setting.access != Access.MTLS_LB:
        return
    yield _trust(setting)
    yield _backend(setting)
    yield _front(setting)


def _trust(setting: Setting) -> Step:
    name = setting.service
    where: Flags = {"project": setting.project, "location": "global"}
    roots: Flags = {**where, "trust-store": f"trust-anchors={setting.client_roots}"}
    lines = [
        f"name: {name}",
        "mtlsPolicy:",
        f"  clientValidationMode: {MODE}",
        f"  clientValidationTrustConfig: {trust_config(setting)}",
    ]
    written = f"printf '%s\\n' {' '.join(map(word, lines))} > {_POLICY_FILE}"
    imported = command(
        "gcloud network-security server-tls-policies import", name, flags={**where, "source": _POLICY_FILE}
    )
    why = (
        f"{setting.client_roots} holds the roots of Dialogflow's client certificate; "
        f"docs/auth/mutual-tls.md tells which, "
        f"and how to make the file. {MODE}: a client without a certificate of theirs gets no connection. Without the "
        "policy nobody asks for a certificate."
    )
    made = command("gcloud certificate-manager trust-configs create", name, flags=roots)
    return Step("Say whose client certificates are good", why, (made, written, imported))


def _backend(setting: Setting) -> Step:
    where: Flags = {"project": setting.project, "global": True}
    why = (
        'The custom headers tell the webhook of the certificate, as MutualTls(proxy="gcp-lb") reads it. Set them on '
        "every backend that leads here: one without them passes on the headers that a client has made up."
    )
    commands = backend(setting, scheme="EXTERNAL_MANAGED", where=where, headers=HEADERS)
    return Step("Make the service a backend of a load balancer", why, tuple(commands))


def _front(setting: Setting) -> Step:
    name = setting.service
    where: Flags = {"project": setting.project, "global": True}
    described = command("gcloud compute addresses describe", name, flags={**where, "format": "value(address)"})
    proxy: Flags = {
        **where,
        "url-map": name,
        "ssl-certificates": name,
        "server-tls-policy": f"projects/{setting.project}/locations/global/serverTlsPolicies/{name}",
    }
    rule: Flags = {
        **where,
        "load-balancing-scheme": "EXTERNAL_MANAGED",
        "address": name,
        "target-https-proxy": name,
        "ports": "443",
    }
    why = (
        f"The address is printed: let the name {setting.host} lead there (an A record). Google makes the "
        f"certificate once "
        "it does, which may take an hour; until then the load balancer refuses connections."
    )
    return Step(
        "Let it answer HTTPS",
        why,
        (
            command("gcloud compute addresses create", name, flags=where),
            found(_ADDRESS.name, described),
            f"printf '%s\\n' {word((f'{setting.host} A ', _ADDRESS))}",
            command("gcloud compute ssl-certificates create", name, flags={**where, "domains": setting.host}),
            command("gcloud compute target-https-proxies create", name, flags=proxy),
            command("gcloud compute forwarding-rules create", name, flags=rule),
        ),
    )
