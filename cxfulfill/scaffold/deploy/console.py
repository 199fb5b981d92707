"""What is left to be done in CX, once the service runs."""

from collections.abc import Iterator

from cxfulfill.scaffold.deploy.setting import Access, Setting
from cxfulfill.scaffold.deploy.shell import Step


def in_cx(setting: Setting) -> Iterator[Step]:
    """Tell what to enter in CX.

    Args:
        setting: The setting.

    Yields:
        The step.
    """
    yield Step("Enter the webhook in CX: Manage > Webhooks", "\n".join(entries(setting)))


def entries(setting: Setting) -> Iterator[str]:
    """Name what is entered in CX.

    Args:
        setting: The setting.

    Yields:
        Lines.
    """
    if setting.access == Access.FUNCTION:
        yield "The URL is the one that the function has: gcloud functions describe prints it."
    else:
        yield f"URL: {setting.webhook_url}"
    if setting.access == Access.SERVICE_DIRECTORY:
        yield f"Type: Service Directory; its service: {directory_service(setting)}"
        yield "Custom CA certificate (allowedCaCerts): certs/ca.der"
    if setting.auth in ("cloud-run-iam", "google-id-token"):
        yield "Service agent authentication (serviceAgentAuth): ID token"
    if setting.auth.startswith("oauth-"):
        yield "Third-party OAuth (oauthConfig): client id, client secret, token endpoint and scopes of your provider"
    for each in setting.secrets:
        if each.cx_field:
            when = "; once the server runs with both, at the change" if each.is_next else ""
            yield f"{each.cx_field}: {each.version_in(setting.project)}{when}"
    if setting.has_flexible and setting.access != Access.FUNCTION:
        yield f"Flexible webhooks: cxfulfill routes --cx --app {setting.app} --url {setting.base}"


def directory_service(setting: Setting) -> str:
    """Name the Service Directory service.

    Args:
        setting: The setting.

    Returns:
        Its name.
    """
    return (
        f"projects/{setting.project}/locations/{setting.region}/namespaces/{setting.service}/services/{setting.service}"
    )
