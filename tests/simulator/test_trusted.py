"""Every authenticator accepts the credential that is made for it, and refuses the wrong one of its kind."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    CloudRunIam,
    ConfigurationError,
    FileSecret,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    MutualTls,
    NeedsIO,
    OAuthIntrospection,
    OAuthJwt,
    Principal,
    Unavailable,
    Webhook,
)
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS
from cxfulfill.auth.proxies import PROFILES
from cxfulfill.simulator.credentials import (
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    HeaderCredential,
    NoCredential,
)
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.trusted import credential_for, trusting
from cxfulfill.simulator.wrong import wrong_credential
from tests.auth.tokens_support import NOW, Source
from tests.clock import Clock
from tests.pipeline.support import Counted
from tests.simulator.support import ISSUER, Trial, request_with, session_in

PASSWORD = "Zg7-käse-41xB-9f2c"
OTHER = "Zg7-brot-41xB-9f2c"
LONG_AGO = Clock(NOW - 1e8)


def google(**options: Any) -> GoogleIdToken:
    settings = {"audience": "https://wh.example/webhook", "project_number": 123, **options}
    return GoogleIdToken(**settings)


def cloud_run(**options: Any) -> CloudRunIam:
    return CloudRunIam(
        audience=["https://wh.example/webhook", "https://wh-abc.run.app"],
        service_accounts=["b@p.iam.gserviceaccount.com", "a@p.iam.gserviceaccount.com"],
        i_confirm_the_service_is_not_public=True,
        environ={"K_SERVICE": "wh"},
        **options,
    )


def jwt(**options: Any) -> OAuthJwt:
    settings = {"issuer": "https://idp.example", "audience": "api", "keys": "https://idp.example/jwks", **options}
    return OAuthJwt(**settings)


def introspection(**options: Any) -> OAuthIntrospection:
    settings = {
        "endpoint": "https://idp.example/ask", "client_id": "own", "client_secret": PASSWORD,
        "issuer": "https://idp.example", "client_ids": ["cx-of-ours", "another"], **options,
    }  # fmt: skip
    return OAuthIntrospection(**settings)


def tls(subjects: Any = GOOGLE_CLIENT_SUBJECTS, **options: Any) -> MutualTls:
    return MutualTls(subjects, allow_any_dialogflow_customer=True, **options)


Make = Callable[[], Authenticator]

EACH: dict[str, Make] = {
    "basic": lambda: BasicAuth("cx", [PASSWORD, OTHER]),
    "credentials": lambda: BasicAuth.from_credentials(f"cx:{PASSWORD}"),
    "header": lambda: HeaderSecret("X-Key", PASSWORD),
    "bearer header": lambda: HeaderSecret("Authorization", f"Bearer {PASSWORD}"),
    "google": google,
    "google of another time": lambda: google(now=LONG_AGO, clock=LONG_AGO),
    "cloud run": cloud_run,
    "cloud run of another time": lambda: cloud_run(now=LONG_AGO),
    "jwt": jwt,
    "jwt with all": lambda: jwt(
        audience=["api", "other"],
        scopes="call other",
        client_ids=["cx-of-ours"],
        algorithms=["ES256"],
        client_claim="azp",
        scope_claim="scp",
        max_lifetime=60,
        now=LONG_AGO,
        accept_typ_jwt=True,
    ),
    "introspection": introspection,
    "introspection with all": lambda: introspection(
        audience="api", scopes="call other", now=LONG_AGO, client_ids=(), clock=Clock()
    ),
    "subject": tls,
    "subject of another time": lambda: tls("CN=cx,O=Example", now=LONG_AGO),
    "DNS name": lambda: tls((), sans="*.cx.example"),
    "URI": lambda: tls((), sans="spiffe://example/cx"),
    **{f"behind {proxy}": partial(tls, proxy=proxy, peers="10.0.0.0/8") for proxy in PROFILES},
    "any": lambda: AnyOf(google(), BasicAuth("cx", PASSWORD)),
    "all": lambda: AllOf(google(), HeaderSecret("X-Key", PASSWORD), tls()),
    "all through a proxy": lambda: AllOf(tls(proxy="envoy", peers="10.0.0.0/8"), jwt()),
    "all of any": lambda: AllOf(AnyOf(BasicAuth("cx", PASSWORD), HeaderSecret("X-Key", PASSWORD)), google()),
    "all of two tokens": lambda: AllOf(google(), google(service_accounts=["s@p.example"], project_number=None)),
}
"""Authenticators, as an application has them. Of the last one nothing can satisfy both."""
REFUSED = {"cloud run": 403, "cloud run of another time": 403}


@pytest.mark.parametrize("name", [name for name in EACH if name != "all of two tokens"])
def test_the_right_credential_is_accepted_and_the_wrong_one_is_refused(name: str) -> None:
    auth = EACH[name]()
    before = dict(vars(auth))
    trial = Trial(auth)
    assert trial.statuses() == (200, REFUSED.get(name, 401))
    assert trial.webhook.runs == ["count"]
    assert vars(auth) == before


@pytest.mark.parametrize("name", EACH)
def test_no_secret_is_shown(name: str) -> None:
    try:
        shown = repr(Trial(EACH[name]()).right)
    except ConfigurationError as error:
        shown = str(error)
    assert PASSWORD not in shown
    assert "BEGIN" not in shown


def test_two_tokens_in_one_header_are_no_way_in() -> None:
    with pytest.raises(ConfigurationError, match="CX sends one value in the header Authorization"):
        _ = Trial(EACH["all of two tokens"]()).right


def test_one_token_that_satisfies_both_is_a_way_in() -> None:
    assert Trial(AllOf(google(now=LONG_AGO), google(now=LONG_AGO))).statuses() == (200, 401)


def test_everybody_is_let_in_without_a_credential() -> None:
    auth = AllowUnauthenticated()
    trial = Trial(auth)
    assert isinstance(trial.right, NoCredential)
    assert trial.send(trial.right).status == 200
    assert trusting(auth, ISSUER) is auth


# --- By environment --------------------------------------------------------------------------------------------------

PROD = "5d0e9f2c-1d77-4c60-b1aa-0b1e88f44a3d"


def by_environment() -> ByEnvironment:
    shared = google()
    return ByEnvironment({"draft": BasicAuth("cx", PASSWORD), PROD: shared, PROD.replace("5", "6"): shared})


@pytest.mark.parametrize("environment", [None, "-", PROD, PROD.replace("5", "6")])
def test_the_credential_is_that_of_the_sessions_environment(environment: str | None) -> None:
    auth = by_environment()
    before = dict(vars(auth))
    trial = Trial(auth, session=session_in(environment))
    assert trial.statuses() == (200, 401)
    assert vars(auth) == before
    twin = trusting(auth, ISSUER)
    assert isinstance(twin, ByEnvironment)
    assert len(twin.parts) == 2


def test_the_credential_of_another_environment_is_refused() -> None:
    trial = Trial(by_environment(), session=session_in(PROD))
    draft = credential_for(trial.webhook, ISSUER, session=session_in(None))
    assert trial.send(draft).status == 403


@pytest.mark.parametrize("session", ["", "no session", session_in("unknown")])
def test_a_session_of_no_known_environment_has_no_credential(session: str) -> None:
    with pytest.raises(ConfigurationError, match="ByEnvironment has no policy for this session's environment"):
        _ = Trial(by_environment(), session=session).right


# --- An authenticator of one's own -----------------------------------------------------------------------------------


class Own:
    blocking = False

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal("own", "own")


def test_a_credential_of_ones_own_must_be_given() -> None:
    with pytest.raises(ConfigurationError, match=r"Own is an authenticator of your own.*give it \(credential=\)"):
        _ = Trial(Own()).right
    with pytest.raises(ConfigurationError, match="Own is"):
        _ = Trial(AllOf(Own(), google())).right


def test_any_other_part_does_in_its_place() -> None:
    assert isinstance(Trial(AnyOf(Own(), BasicAuth("cx", PASSWORD))).right, BasicCredential)
    with pytest.raises(ConfigurationError, match="Own is"):
        _ = Trial(AnyOf(Own(), Own())).right


# --- Secrets that come from somewhere --------------------------------------------------------------------------------


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(PASSWORD)
    assert Trial(HeaderSecret("X-Key", FileSecret(file))).statuses() == (200, 401)


class Slow:
    """A source that must be asked to fetch."""

    blocking = False

    def __init__(self, value: str | None) -> None:
        self.value = value
        self.held: str | None = None

    def get(self) -> str:
        if self.held is None and self.value is not None:
            raise NeedsIO(self.fetch)
        if self.held is None:
            raise Unavailable
        return self.held

    def fetch(self) -> None:
        self.held = self.value


def test_a_secret_that_must_be_fetched() -> None:
    assert Trial(BasicAuth("cx", Slow(PASSWORD))).statuses() == (200, 401)


def test_a_secret_that_cannot_be_had() -> None:
    with pytest.raises(ConfigurationError, match=r"no secret of HeaderSecret\('X-Key', value=Slow\) can be had now"):
        _ = Trial(HeaderSecret("X-Key", Slow(None))).right


# --- Routes ----------------------------------------------------------------------------------------------------------


def test_a_route_may_have_an_authenticator_of_its_own() -> None:
    webhook = Webhook(auth=BasicAuth("cx", PASSWORD))
    webhook.add_flexible("/own", lambda ctx: {}, auth=HeaderSecret("X-Key", OTHER))
    webhook.add_flexible("/plain", lambda ctx: {})
    own, plain = webhook.routes()
    assert credential_for(webhook, ISSUER, route=own) == HeaderCredential({"X-Key": OTHER})
    assert credential_for(webhook, ISSUER, route=plain) == BasicCredential("cx", PASSWORD)
    assert credential_for(webhook, ISSUER) == BasicCredential("cx", PASSWORD)


# --- Wrong ones ------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate() -> CertificateCredential:
    right = Trial(tls()).right
    assert isinstance(right, CertificateCredential)
    return right


def test_a_wrong_certificate_is_none(certificate: CertificateCredential) -> None:
    assert wrong_credential(certificate) == NoCredential()
    both = wrong_credential(AllCredentials(certificate, BasicCredential("cx", PASSWORD)))
    assert both.certificate is None
    assert both.headers("", {}) != BasicCredential("cx", PASSWORD).headers("", {})


class OwnCredential:
    certificate = None

    def headers(self, url: str, parameters: Any) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("credential", [NoCredential(), OwnCredential()])
def test_some_have_no_wrong_one(credential: Credential) -> None:
    with pytest.raises(ConfigurationError, match=type(credential).__name__):
        wrong_credential(credential)


def test_a_token_of_the_issuer_does_not_open_the_application_itself() -> None:
    auth = google(keys=Source())
    trial = Trial(auth)
    assert trial.send(trial.right).status == 200
    assert Counted(auth).handle(request_with(trial.right)).status == 401


def test_nothing_here_needs_the_extra_oauth() -> None:
    program = """
import sys
class Blocks:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("joserfc", "cachetools", "flask", "google", "click"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocks())
import cxfulfill.simulator.trusted, cxfulfill.simulator.wrong, cxfulfill.simulator.token_endpoint
import cxfulfill.simulator.flexible
print(sorted({"urllib3", "jsonpath_rfc9535"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_request_without_a_credential_is_refused() -> None:
    trial = Trial(google())
    assert trial.webhook.handle(request_with(NoCredential())).status == 401
