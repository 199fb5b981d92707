"""What to enter in CX, and on the server's side, for callers to pass an application's checks.

The facts are those of Google's pages on webhooks, mutual TLS and Cloud Run. Mechanisms are found by name: one whose
extra is not installed cannot be imported here, and cannot be in an application either.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cxfulfill.auth.base import Authenticator, credential_headers
from cxfulfill.auth.combinations import AllOf, AnyOf, ByEnvironment
from cxfulfill.cli.explain import mechanism_of, parts_of
from cxfulfill.cli.outline import Line, commands, heading, texts
from cxfulfill.cli.secret_lines import secret_lines
from cxfulfill.pipeline import Pipeline

if TYPE_CHECKING:
    from cxfulfill.auth.google import CloudRunIam, GoogleIdToken
    from cxfulfill.auth.introspection import OAuthIntrospection
    from cxfulfill.auth.mtls import MutualTls
    from cxfulfill.auth.oauth_claims import Demands
    from cxfulfill.auth.oauth_jwt import OAuthJwt
    from cxfulfill.auth.secrets import BasicAuth, HeaderSecret

_SERVICE: Final = "gcloud run services {} SERVICE --region=REGION "
_INVOKER: Final = " --role=roles/run.invoker"
_IN_CX: Final = "In CX, in the webhook's settings"
_JOINED: Final = {
    AnyOf: "any one of these",
    AllOf: "all of these together",
    ByEnvironment: "in each environment its own; in CX, the environment's webhook setting (webhookOverrides)",
}


def instructions(pipeline: Pipeline) -> tuple[Line, ...]:
    """Tell what to enter for an application.

    Args:
        pipeline: The application.

    Returns:
        Lines to print; no secret is in them.
    """
    agents = sorted(map(str, pipeline.gate.allowed_agents.agents)) if pipeline.gate.allowed_agents else []
    served = texts(*agents) if agents else texts("every agent that the checks below let in (allowed_agents is not set)")
    return (
        heading("Path", *texts(f"{pipeline.path}: the webhook's URL in CX is https://YOUR-HOST{pipeline.path}")),
        heading("Agents whose sessions are served", *served),
        heading("Who may call", _mechanism(pipeline.gate.auth, pipeline.path)),
        *_cloud_run(pipeline.gate.auth),
    )


def _mechanism(auth: Authenticator, path: str, label: str = "") -> Line:
    start = f"{label}: " if label else ""
    if parts := parts_of(auth):
        how = next(text for kind, text in _JOINED.items() if isinstance(auth, kind))
        below = tuple(_mechanism(part, path, name) for name, part in parts)
        return heading(f"{start}{type(auth).__name__}: {how}", *_one_header(auth), *below)
    teller = _teller(auth) or _of_the_users_own
    return heading(f"{start}{type(auth).__name__}", *teller(auth), *_other_paths(auth, path))


def _teller(auth: Authenticator) -> Callable[[Any], tuple[Line, ...]] | None:
    return _TELLERS.get(mechanism_of(auth))


def _one_header(auth: Authenticator) -> tuple[Line, ...]:
    """Warn where parts that must all pass read the one ``Authorization`` header that CX sends."""
    reading = [part for _, part in parts_of(auth) if not parts_of(part)]
    reading = [part for part in reading if "authorization" in credential_headers(part)]
    if not isinstance(auth, AllOf) or len(reading) < 2:
        return ()
    names = " and ".join(type(part).__name__ for part in reading)
    return texts(f"Take care: {names} read the same header, Authorization, and CX sends one value in it.")


def _other_paths(auth: Authenticator, path: str) -> tuple[Line, ...]:
    odd = [each for each in sorted(getattr(auth, "audiences", ())) if urlsplit(each).path != path]
    return texts(
        *(
            f"Take care: the path of {each} is not {path}, which this app serves: right only where something in front "
            "changes it."
            for each in odd
        )
    )


def _of_the_users_own(auth: Authenticator) -> tuple[Line, ...]:
    names = ", ".join(sorted(credential_headers(auth)))
    return texts(
        "an authenticator of your own: what CX must send, its documentation tells",
        *([f"it reads the headers {names}"] if names else []),
    )


def _configured(auth: Authenticator) -> tuple[Line, ...]:
    """Show one of ours as it was made: their ``repr`` tells names and sources, and no secret."""
    return texts(f"As configured: {auth!r}")


def _everybody(auth: Authenticator) -> tuple[Line, ...]:
    del auth  # there is nothing in it
    return texts("Everybody is let in: CX needs no setting, and nor does anybody else. Not for production.")


def _basic(auth: "BasicAuth") -> tuple[Line, ...]:
    stored = "Secret Manager: a secret version that holds user:password, without a newline at its end"
    fields = [
        f"User name: {auth.username}",
        "Password: the one that this app accepts",
        f"Or, in place of both, {stored}",
    ]
    if auth.username is None:
        fields = [stored, "Or user name and password of that secret, by hand"]
    entered = heading(f"{_IN_CX}, under Authentication, Basic", *texts(*fields))
    content = "password" if auth.username else "user:password"
    return (*_configured(auth), entered, *secret_lines(auth.sources, content))


def _header(auth: "HeaderSecret") -> tuple[Line, ...]:
    scheme = ", its scheme included (Bearer ...)" if auth.name.lower() == "authorization" else ""
    fields = texts(
        f"Header: {auth.name}",
        f"Value: the whole value that this app accepts{scheme}",
        "Or, for the value, Secret Manager: a secret version that holds the same, without a newline at its end",
        "A value that refers to a session parameter ($session.params...) is no secret: a user can influence it.",
    )
    entered = heading(f"{_IN_CX}, under Request headers", *fields)
    return (*_configured(auth), entered, *secret_lines(auth.sources, "whole header value"))


def _google(auth: "GoogleIdToken | CloudRunIam") -> tuple[Line, ...]:
    urls = sorted(auth.audiences)
    fields = texts(
        f"Webhook URL: {' or '.join(urls)}, exactly so; a query may follow it, which is no part of the audience",
        "Service agent auth: ID token (serviceAgentAuth: ID_TOKEN); there is no secret to enter",
    )
    accounts = (
        *sorted(auth.service_accounts),
        "CX's is the service agent of the agent's project, named by its number:",
    )
    number = commands("gcloud projects describe PROJECT --format='value(projectNumber)'")
    keys = getattr(getattr(getattr(auth, "keys", None), "source", None), "url", None)
    reach = [heading("The server must reach", *texts(keys))] if keys else []
    return (heading(_IN_CX, *fields), heading("Callers that are let in", *texts(*accounts), *number), *reach)


def _oauth_in_cx(demands: "Demands") -> tuple[Line, ...]:
    clients = f"one of {', '.join(demands.clients)}" if demands.clients else f"that of CX at {demands.issuer}"
    audience = " or ".join(demands.audiences) or "not looked at"
    fields = texts(
        f"Client ID: {clients}",
        "Client secret: that client's, or the Secret Manager version that holds it",
        f"OAuth token endpoint: that of {demands.issuer}; CX sends none of the webhook's headers there",
        f"Scopes: {' '.join(demands.scopes) or 'none are needed'}",
    )
    issuer = texts(f"grant: client credentials, the only one that CX has; iss: {demands.issuer}; aud: {audience}")
    return (
        heading(f"{_IN_CX}, under Authentication, third-party OAuth", *fields),
        heading("At the identity provider, for the client's access tokens", *issuer),
    )


def _oauth_jwt(auth: "OAuthJwt") -> tuple[Line, ...]:
    url = getattr(auth.keys.source, "url", None)
    signed = f"Signatures: {', '.join(sorted(auth.algorithms))}"
    reach = [heading("The server must reach", *texts(url))] if url else []
    return (*_oauth_in_cx(auth.demands), *texts(f"{signed}; the form is that of RFC 9068, typ at+jwt"), *reach)


def _introspection(auth: "OAuthIntrospection") -> tuple[Line, ...]:
    asked = texts(auth.endpoint, f"as client {auth.client_id}, which is this webhook's own and not CX's")
    return (*_oauth_in_cx(auth.demands), heading("The server must reach", *asked))


def _mutual_tls(auth: "MutualTls") -> tuple[Line, ...]:
    roots = texts(
        "SSL.com Root Certification Authority RSA, to a depth of 2 at least, for CN=Google LLC; SHA-256 fingerprint",
        "85:66:6A:56:2E:E0:BE:5C:E9:25:C1:D8:89:0A:6F:76:A8:7E:C1:6D:4D:7D:5F:29:EA:74:19:CF:20:12:3B:69",
        "the roots of Google Trust Services (pki.goog), for CN=*.dialogflow.com, until 2026-12-01",
        "The page of CX names the second ones only, that of ES both: trust both.",
    )
    return (
        *_configured(auth),
        heading(_IN_CX, *texts("nothing: CX shows its certificate to a server that asks for one")),
        heading("Roots to trust", *roots),
        _tls_in_front(auth.proxy) if auth.proxy else _tls_here(),
        *texts("A certificate tells that Dialogflow calls, not whose agent: have another factor beside it."),
    )


def _tls_here() -> Line:
    start = "CXFULFILL_TLS_CERT=... CXFULFILL_TLS_KEY=... CXFULFILL_TLS_CLIENT_CA=roots.pem gunicorn -c "
    return heading(
        "TLS ends in gunicorn",
        *commands(f"{start}python:cxfulfill.server.gunicorn main:app"),
        *texts("Not on Cloud Run, which asks nobody for a certificate: there a load balancer does, proxy='gcp-lb'."),
    )


def _tls_in_front(proxy: str) -> Line:
    ingress = _SERVICE.format("update") + "--ingress=internal-and-cloud-load-balancing"
    return heading(
        f"TLS ends in a proxy ({proxy})",
        *texts(
            "It must set or remove each of the headers that `pydoc cxfulfill.auth.proxies` lists, on every request.",
            "On Cloud Run a load balancer must be the only way in:",
        ),
        *commands(ingress),
    )


def _leaves(auth: Authenticator) -> Iterator[Authenticator]:
    parts = parts_of(auth)
    for _, part in parts:
        yield from _leaves(part)
    if not parts:
        yield auth


def _cloud_run(auth: Authenticator) -> tuple[Line, ...]:
    leaves = [leaf for leaf in _leaves(auth) if _teller(leaf) not in (None, _everybody)]
    checked = [leaf for leaf in leaves if getattr(leaf, "without_alternative", None)]
    title = "On Cloud Run (put the names of your service and region)"
    if checked:
        return (heading(title, *(line for leaf in checked for line in _private(leaf))),)
    if not leaves:
        return ()
    why = texts("The service is public, and this app checks who calls. No custom audiences are needed.")
    return (heading(title, *why, *commands(f"{_SERVICE.format('add-iam-policy-binding')}--member=allUsers{_INVOKER}")),)


def _private(auth: Any) -> tuple[Line, ...]:
    custom = ",".join(each for each in sorted(auth.audiences) if not _is_default_audience(each))
    add = commands(f"{_SERVICE.format('update')}--add-custom-audiences={shlex.quote(custom)}") if custom else ()
    grants = (
        f"{_SERVICE.format('add-iam-policy-binding')}--member=serviceAccount:{account}{_INVOKER}"
        for account in sorted(auth.service_accounts)
    )
    public = (f"--member={member}" for member in ("allUsers", "allAuthenticatedUsers"))
    return (
        heading("The service is private: deploy it with --no-allow-unauthenticated; if it has been public"),
        *commands(*(f"{_SERVICE.format('remove-iam-policy-binding')}{member}{_INVOKER}" for member in public)),
        heading("It accepts CX's audience, the whole URL with its path, beside its own run.app URL"),
        *add,
        heading("Only where the agent is in another project"),
        *commands(*grants),
    )


def _is_default_audience(url: str) -> bool:
    parts = urlsplit(url)
    return (parts.hostname or "").endswith(".run.app") and parts.path in ("", "/")


_TELLERS: Final[Mapping[str, Callable[[Any], tuple[Line, ...]]]] = {
    "AllowUnauthenticated": _everybody,
    "BasicAuth": _basic,
    "CloudRunIam": _google,
    "GoogleIdToken": _google,
    "HeaderSecret": _header,
    "MutualTls": _mutual_tls,
    "OAuthIntrospection": _introspection,
    "OAuthJwt": _oauth_jwt,
}
