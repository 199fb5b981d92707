"""Applications that are called with credentials of CX's side, in this process."""

from typing import Any

from cxfulfill import Authenticator, HttpRequest, HttpResponse
from cxfulfill.http import BytesBody, Headers
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.trusted import credential_for, trusting
from cxfulfill.simulator.wrong import wrong_credential
from tests.pipeline.support import Counted, body_of

URL = "https://wh.example/webhook"
AGENT = "projects/p/locations/global/agents/a"
ISSUER = LocalIssuer()


def session_in(environment: str | None) -> str:
    return f"{AGENT}/environments/{environment}/sessions/s" if environment else f"{AGENT}/sessions/s"


def request_with(credential: Credential, *, session: str = "", url: str = URL) -> HttpRequest:
    """What arrives of a call with a credential: from a proxy's address, or with the connection's certificate."""
    certificate = credential.certificate
    body = body_of().replace(b'"sessionInfo": {', f'"sessionInfo": {{"session": "{session}", '.encode())
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return HttpRequest(
        "POST",
        "/webhook",
        Headers({**fields, **credential.headers(url, {})}),
        peer="127.0.0.1",
        body=BytesBody(body),
        client_certificate=lambda: None if certificate is None else certificate.der,
    )


class Trial:
    """An application whose authenticator trusts the issuer of this process."""

    def __init__(self, auth: Authenticator, *, session: str = "") -> None:
        self.webhook = Counted(trusting(auth, ISSUER))
        self.session = session

    @property
    def right(self) -> Credential:
        return credential_for(self.webhook, ISSUER, session=self.session)

    def send(self, credential: Credential, **options: Any) -> HttpResponse:
        return self.webhook.handle(request_with(credential, session=self.session, **options))

    def statuses(self) -> tuple[int, int]:
        """The statuses of a call with the right credential and of one with a wrong one of its kind."""
        right = self.right
        return self.send(right).status, self.send(wrong_credential(right)).status
