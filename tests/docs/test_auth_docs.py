"""Every snippet of the pages about authentication runs, and every reason code of the code stands on a page."""

import ast
import base64
import functools
import http.server
import json
import logging
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from cxfulfill import (
    GOOGLE_CLIENT_SUBJECTS,
    Gone,
    GoogleIdToken,
    HttpRequest,
    KeyDocument,
    MutualTls,
    NeedsIO,
    Webhook,
    errors,
    testing,
)
from cxfulfill.auth.fetched import COOL_DOWN, PAUSE, TIME_LIMIT
from cxfulfill.auth.proxies import PROFILES
from cxfulfill.cli.commands import cli
from cxfulfill.http import Headers
from cxfulfill.settings.table import PREFIX, SETTINGS
from cxfulfill.testing import AuthenticatorContract, KeySourceContract
from tests.auth.pki import NOW, issue, make_ca
from tests.auth.tokens_support import K1, jwk
from tests.clock import Clock
from tests.docs import pages
from tests.docs.pages import ROOT
from tests.pipeline.support import LIMIT, Counted, Result, basic, post

DOCS = ROOT / "docs/auth"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
SECRET = "qn4XvT8dLr2kWc7yBz5m"
ENVIRONMENT = {
    "K_SERVICE": "webhook",
    "CX_PASSWORD": SECRET,
    "CX_API_KEY": SECRET,
    "DRAFT_PASSWORD": SECRET,
    "MONITOR_KEY": SECRET,
    "INTROSPECTION_SECRET": SECRET,
    "CXFULFILL_AUTH": "google-id-token",
    "CXFULFILL_AUDIENCE": "https://hotel.example/webhook",
    "CXFULFILL_PROJECT_NUMBER": "123456",
}
HEADINGS = ["What it proves", "What it does not", "In CX", "On the server", "Rotating", "When it fails"]
MECHANISMS = (
    "google-id-token.md", "cloud-run-iam.md", "basic.md", "header.md", "oauth-jwt.md", "oauth-introspection.md",
    "mutual-tls.md",
)  # fmt: skip
every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the pages say is set."""
    file = tmp_path_factory.mktemp("mounted") / "password"
    file.write_text(SECRET)
    keys = file.with_name("keys")
    keys.write_text(json.dumps({"keys": [jwk(K1, "k1")]}))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "CX_PASSWORD_FILE": str(file), "MIRRORED_KEYS_FILE": str(keys)}.items():
            patch.setenv(name, value)
        snippets.cache_clear()
        yield


@functools.cache
def snippets(name: str) -> dict[str, Any]:
    """Run the Python blocks of a page in order, and give the names that they leave."""
    return pages.snippets(DOCS / name)


@every_page
def test_every_snippet_runs_and_lets_no_stranger_in(name: str) -> None:
    made = snippets(name)
    assert ("```python" in PAGES[name]) == bool(made)
    if "webhook" in made:
        webhook: Webhook = made["webhook"]
        assert post(webhook, headers={"Authorization": None}).status == 401
        webhook.close()


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("basic.md", {"Authorization": basic(f"cx-agent:{SECRET}")}),
        ("header.md", {"Authorization": None, "X-Api-Key": SECRET}),
        ("combining.md", {"Authorization": None, "X-Api-Key": SECRET}),
    ],
)
def test_the_caller_that_the_page_describes_is_let_in(name: str, headers: dict[str, str | None]) -> None:
    document = Sybil([PythonCodeBlockParser()], path=str(ROOT)).parse(DOCS / name)
    next(iter(document.examples())).evaluate()  # those after it read the secret elsewhere
    auth = document.namespace["webhook"].auth
    assert post(Counted(auth), headers=headers).status == 200
    assert post(Counted(auth), headers={key: value and f"{value}x" for key, value in headers.items()}).status == 401


def session(environment: str) -> bytes:
    name = f"projects/p/locations/l/agents/a/environments/{environment}/sessions/s"
    return f'{{"fulfillmentInfo":{{"tag":"count"}},"sessionInfo":{{"session":"{name}"}}}}'.encode()


def test_an_environment_has_its_own_password() -> None:
    auth = snippets("environments-and-agents.md")["webhook"].auth
    sent = {"Authorization": basic(f"cx-draft:{SECRET}")}
    assert post(Counted(auth), session("-"), headers=sent).status == 200
    refused = post(Counted(auth), session(snippets("environments-and-agents.md")["PRODUCTION"]), headers=sent)
    assert (refused.status, refused.reason) == (403, "environment_not_allowed")


def test_the_own_authenticator_fetches_its_keys(caplog: pytest.LogCaptureFixture) -> None:
    known: dict[str, str] = {}

    def load() -> dict[str, str]:
        if not known:
            raise ConnectionError
        return dict(known)

    def ask(key: str | None) -> Result:
        return post(Counted(auth), headers={"Authorization": None, "X-Partner-Key": key})

    auth = snippets("combining.md")["PartnerKeys"](load)
    assert ask(None).reason == "no_credentials"
    unavailable = ask(SECRET)
    assert (unavailable.status, unavailable.reason) == (503, "partners_unavailable")
    known[sha256(SECRET.encode()).hexdigest()] = "spa"
    assert ask(SECRET).reason == "partners_unavailable"
    auth._next_load = 0.0
    assert ask(SECRET).status == 200
    assert ask("another").reason == "unknown_partner"
    known.clear()
    auth._next_load = 0.0
    assert ask(SECRET).status == 200, "a load that fails leaves what was loaded"
    assert [record.name for record in caplog.records if record.exc_info] == ["hotel", "hotel"]
    known["another digest"] = "gym"
    auth._next_load = 0.0
    assert ask(SECRET).reason == "unknown_partner"
    with pytest.raises(NeedsIO):
        snippets("combining.md")["PartnerKeys"](load).authenticate(
            HttpRequest.build("POST", "/webhook", headers={"X-Partner-Key": SECRET})
        )


def test_the_own_authenticator_is_ready_once_it_has_loaded() -> None:
    begun, gate = threading.Event(), threading.Event()

    def load() -> dict[str, str]:
        begun.set()
        assert gate.wait(LIMIT)
        return {"digest": "spa"}

    auth = snippets("combining.md")["PartnerKeys"](load)
    assert not auth.ready()
    assert begun.wait(LIMIT)
    gate.set()
    with auth._lock:
        assert auth.ready()


CONTRACTS = {
    "combining.md": AuthenticatorContract, "keys.md": KeySourceContract,
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_example_of_a_contract_passes_it(name: str) -> None:
    kinds = [each for each in snippets(name).values() if isinstance(each, type) and each is not CONTRACTS[name]]
    [example] = [each for each in kinds if issubclass(each, CONTRACTS[name])]
    tests = [test for test in dir(example) if test.startswith("test_")]
    assert len(tests) >= 2
    for test in tests:
        getattr(example(), test)()


def test_every_contract_is_listed() -> None:
    contracts = {name for name in vars(testing) if name.endswith("Contract")}
    assert contracts >= set(re.findall(r"\| `(\w+Contract)` \|", PAGES["combining.md"])) == {
        "AuthenticatorContract", "KeySourceContract", "SecretSourceContract",
    }  # fmt: skip


def free_ports() -> tuple[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return str(one.getsockname()[1]), str(other.getsockname()[1])


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_a_trial_with_keys_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run as they are copied, but for the ports, and wait for the servers that they start."""
    files = tmp_path / "files"
    files.mkdir()
    keys, served = free_ports()
    assert pages.write_files(DOCS / "keys.md", files) == ["trial.py", "main.py"]
    main = files / "main.py"
    main.write_text(main.read_text().replace("8081", keys))
    page = PAGES["keys.md"].partition("## A trial with keys of your own")[2]
    [commands] = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    [answer] = re.findall(r"```json\n(.*?)\n```", page, re.DOTALL)
    script = commands.replace("$ ", "").replace("8081", keys).replace("8080", served)
    waiting = "curl -sS --retry 60 --retry-connrefused --retry-delay 1 --retry-max-time 60"
    script = script.replace("curl ", f"{waiting} -o keys http://127.0.0.1:{keys}/keys.json\n{waiting} ")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    said = run(["trap 'kill $(jobs -p)' EXIT", script], files)
    assert said.endswith(answer), said


def test_the_figures_of_keys_are_those_of_the_code() -> None:
    page = PAGES["keys.md"]
    assert f"within {COOL_DOWN:g} seconds of the last fetch" in page
    assert f"It is tried again after {PAUSE} seconds" in page
    assert f"each call of the next {PAUSE} seconds" in page
    assert f"waits for the fetch, {TIME_LIMIT:g} seconds at most" in page


def test_a_trial_token_of_somebody_else() -> None:
    made = snippets("keys.md")

    class Keys:
        def fetch(self) -> KeyDocument:
            return KeyDocument(json.dumps({"keys": [made["key"].as_dict(private=False)]}).encode())

    auth = GoogleIdToken(audience=made["URL"], project_number=123456, keys=Keys())
    own, stranger = made["trial_token"](), made["trial_token"]("somebody@hotel.example")
    assert post(Counted(auth), headers={"Authorization": f"Bearer {own}"}).status == 200
    refused = post(Counted(auth), headers={"Authorization": f"Bearer {stranger}"})
    assert (refused.status, refused.reason) == (403, "caller_not_allowed")


def test_a_vault_that_says_no_ends_its_secret() -> None:
    statuses = iter((200, 403, 404, 500))

    class Vault(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(statuses))
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vault) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = snippets("secrets.md")["VaultSecret"]("cx-password", max_age=300)
        real, address = urllib.request.urlopen, f"http://127.0.0.1:{server.server_port}/"
        with pytest.MonkeyPatch.context() as patch:  # the page's port may be taken
            patch.setattr(urllib.request, "urlopen", lambda url, timeout: real(address, timeout=timeout))
            assert source.fetch() == SECRET.encode()
            for _ in range(2):
                with pytest.raises(Gone):
                    source.fetch()
            with pytest.raises(urllib.error.HTTPError) as raised:
                source.fetch()
            raised.value.close()
        server.shutdown()


def test_the_testers_password_opens_the_draft_only() -> None:
    auth = snippets("combining.md")["TesterAuth"]("tester", SECRET)
    sent = {"Authorization": basic(f"tester:{SECRET}")}
    assert post(Counted(auth), session("-"), headers=sent).status == 200
    assert post(Counted(auth), session("prod"), headers=sent).reason == "draft_only"


def test_the_log_line_is_the_one_that_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    [shown] = re.findall(r"```text\n(.*?)\n```", PAGES["index.md"])
    auth = GoogleIdToken(audience="https://hotel.example/webhook", project_number=123456)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        post(Counted(auth, new_id=lambda: "6f1c", clock=Clock()), headers={"Authorization": "Bearer ya29.token"})
    assert caplog.messages == [shown]


def made_by(proxy: str) -> dict[str, str]:
    """Give the headers that the page's lines make a proxy send, with what the proxy knows filled in."""
    [lines] = re.findall(rf'\*\*`proxy="{proxy}"`\*\*.*?```\w+\n(.*?)```', PAGES["mutual-tls.md"], re.DOTALL)
    identity = issue(make_ca(), "CN=Google LLC,O=Google LLC,C=US")
    encoded = base64.b64encode(identity.der).decode()
    known = {
        "$ssl_client_verify": "SUCCESS", "$ssl_client_escaped_cert": identity.escaped_pem,
        "{client_cert_present}": "true", "{client_cert_chain_verified}": "true",
        "{client_cert_leaf}": f":{encoded}:", ":%[ssl_c_der,base64]:": f":{encoded}:",
    }  # fmt: skip
    if proxy == "envoy":
        assert "forward_client_cert_details: SANITIZE_SET" in lines
        assert re.search(r"set_current_client_cert_details:\n +cert: true\n", lines)
        fingerprint = sha256(identity.der).hexdigest()
        return {"X-Forwarded-Client-Cert": f'Hash={fingerprint};Cert="{identity.escaped_pem}"'}
    forms = (
        r"proxy_set_header (\S+) +(\S+);",
        r"--custom-request-header='([^:']+):([^']+)'",
        r'set-header (\S+) "([^"]+)"',
    )
    return {field: known[value] for form in forms for field, value in re.findall(form, lines)}


@pytest.mark.parametrize("proxy", PROFILES)
def test_the_lines_for_a_proxy_make_what_is_read(proxy: str) -> None:
    auth = MutualTls(GOOGLE_CLIENT_SUBJECTS, proxy=proxy, peers=["10.0.0.5"], now=NOW.timestamp)
    request = HttpRequest("POST", "/webhook", Headers(made_by(proxy)), peer="10.0.0.5")
    assert auth.authenticate(request).name == "CN=Google LLC"


def test_the_commands_for_certificates_make_the_files_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGES["mutual-tls.md"]
    first, renewal = re.findall(r"(?:^\$ |`)cxfulfill (cert --host [^`\n]+)", page, re.MULTILINE)
    for command in (first, renewal):
        result = CliRunner().invoke(cli, shlex.split(command))
        assert result.exit_code == 0, result.output
    [listed] = re.findall(r"^It writes (.*)\.", page, re.MULTILINE)
    assert {file.name for file in (tmp_path / "certs").iterdir()} == set(re.findall(r"`([^`]+)`", listed))
    assert (tmp_path / "certs-2/server.pem").exists()
    assert not (tmp_path / "certs-2/ca.key").exists()


def lines_under(heading: str) -> list[str]:
    """Give the first commands under a heading of the page about client certificates."""
    [block] = re.findall(rf"\n### {heading}\n.*?```console\n(.*?)```", PAGES["mutual-tls.md"], re.DOTALL)
    return [line.removeprefix("$ ") for line in block.splitlines()]


def run(lines: list[str], folder: Path) -> str:
    command = ["bash", "-ec", "\n".join(lines)]
    environment = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl: apt-get install openssl")
def test_the_lines_for_a_trial_make_a_certificate_that_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lines_under("A trial"), tmp_path)
    assert "OK" in run(["openssl verify -purpose sslclient -CAfile trial-ca.pem client.pem"], tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "trial_app.py").write_text(
        "from cxfulfill import GOOGLE_CLIENT_SUBJECTS, MutualTls, Webhook\n"
        "webhook = Webhook(auth=MutualTls(GOOGLE_CLIENT_SUBJECTS, allow_any_dialogflow_customer=True))\n"
    )
    command = re.findall(r"`cxfulfill (auth explain [^`]*--client-cert client.pem)`", PAGES["mutual-tls.md"])[0]
    result = CliRunner().invoke(cli, shlex.split(command.replace("main:", "trial_app:")))
    assert result.exit_code == 0, result.output
    assert "Accepted: CN=Google LLC (mtls)" in result.output


@pytest.mark.skipif(not Path("/usr/share/ca-certificates/mozilla").is_dir(), reason="needs Debian's ca-certificates")
def test_the_lines_for_the_roots_make_the_file(tmp_path: Path) -> None:
    printed = run(lines_under("The roots"), tmp_path)
    fingerprint = printed.strip().partition("=")[2]
    assert f"`{fingerprint}`" in PAGES["mutual-tls.md"]
    roots = x509.load_pem_x509_certificates((tmp_path / "dialogflow-roots.pem").read_bytes())
    assert [root.subject.rfc4514_string()[:12] for root in roots] == ["CN=SSL.com R", *["CN=GTS Root "] * 4]


def constant(node: ast.expr | None) -> str:
    assert isinstance(node, ast.Constant), ast.dump(node) if node else "no argument"
    return str(node.value)


@functools.cache
def calls(module: str) -> list[tuple[str, ast.Call]]:
    """Give the calls of plain names in a module of the package."""
    tree = ast.parse((ROOT / "cxfulfill" / module).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [(node.func.id, node) for node in found if isinstance(node.func, ast.Name)]


AUTH = [f"auth/{path.name}" for path in sorted((ROOT / "cxfulfill/auth").glob("*.py"))]
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.HttpError) and kind is not errors.HttpError
}


def fetched() -> set[str]:
    """Name what is fetched: its name begins the reason code for where that fails."""
    return {constant(node.args[0]) for module in AUTH for name, node in calls(module) if name == "Fetched"}


def codes_of(node: ast.expr | None, default: str) -> set[str]:
    match node:
        case None:
            return {default}
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(end))]):
            return {f"{what}{end}" for what in fetched()}
        case ast.Name() | ast.Subscript() | ast.Call():
            return set()  # handed on: it was given, or raised, elsewhere
        case _:
            return {constant(node)}


@functools.cache
def raised(module: str) -> dict[str, int]:
    """Give the reason codes that a module raises, with their statuses."""
    found: dict[str, int] = {}
    for name, node in calls(module):
        if name == "invalid_token":
            found |= dict.fromkeys(codes_of(node.args[0], ""), 401)
        elif name in CLASSES:
            reason = next((keyword.value for keyword in node.keywords if keyword.arg == "reason"), None)
            kind = CLASSES[name]
            found |= dict.fromkeys(codes_of(reason, kind.default_reason), kind.status)
    return found


def documented(name: str) -> dict[str, int]:
    """Give the reason codes in the table of a page, with the statuses that stand there."""
    found: dict[str, int] = {}
    for table in re.findall(r"\n\| reason \|.*?(?=\n\n|\Z)", PAGES[name], re.DOTALL):
        for codes, status in re.findall(r"^\| (`[^|]+`) \| (\d+) \|", table, re.MULTILINE):
            listed = re.findall(r"`([a-z0-9_]+)`", codes)
            assert listed
            assert not set(listed) & found.keys(), name
            found |= dict.fromkeys(listed, int(status))
    return found


RAISED = {code: status for module in AUTH for code, status in raised(module).items()}
OF_THE_PIPELINE = {
    **{
        code: status
        for code, status in (raised("errors.py") | raised("gate.py")).items()
        if code in ("auth_not_settled", "undocumented_status")
    },
    errors.InternalError.default_reason: errors.InternalError.status,
}
OF_CLOUD_RUN = {"signature_not_removed", "unchecked_header"}
RAISED_BY = {
    "google-id-token.md": ("google", "tokens", "fetched:keys"),
    "basic.md": ("secrets", "accepted"),
    "header.md": ("secrets", "accepted"),
    "oauth-jwt.md": ("oauth_jwt", "oauth_claims", "tokens", "fetched:keys"),
    "oauth-introspection.md": ("introspection", "oauth_claims", "tokens"),
    "mutual-tls.md": ("mtls", "proxies"),
    "environments-and-agents.md": ("agents", "combinations"),
    "secrets.md": ("accepted", "fetched:secret"),
}


def test_the_code_raises_what_this_test_looks_for() -> None:
    assert len(RAISED) > 35
    assert RAISED["keys_unavailable"] == RAISED["secret_unavailable"] == 503
    assert (RAISED["no_credentials"], RAISED["caller_not_allowed"]) == (401, 403)
    assert OF_THE_PIPELINE == {"auth_not_settled": 503, "undocumented_status": 500, "internal": 500}


def test_every_code_is_on_a_page() -> None:
    assert {code for name in PAGES for code in documented(name)} == RAISED.keys() | OF_THE_PIPELINE.keys()


@every_page
def test_every_code_on_a_page_is_raised_with_its_status(name: str) -> None:
    known = RAISED | OF_THE_PIPELINE
    assert documented(name).items() <= known.items()
    assert set(re.findall(r"\breason=([a-z0-9_]+)", PAGES[name])) <= known.keys()


@pytest.mark.parametrize("name", RAISED_BY)
def test_a_page_has_all_codes_of_its_mechanism(name: str) -> None:
    wanted: set[str] = set()
    for module in RAISED_BY[name]:
        kind, _, what = module.partition(":")
        wanted |= {f"{what}_unavailable"} if what else raised(f"auth/{kind}.py").keys()
    assert wanted - OF_CLOUD_RUN <= documented(name).keys()


def test_the_page_of_cloud_run_has_what_is_its_own() -> None:
    assert documented("cloud-run-iam.md").keys() >= OF_CLOUD_RUN


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_has_the_same_headings(name: str) -> None:
    assert re.findall(r"^## (.+)$", PAGES[name], re.MULTILINE) == HEADINGS


@every_page
def test_links_lead_somewhere(name: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https://)([^)#]*)#?([^)]*)\)", PAGES[name]):
        text = (ROOT / "docs/auth" / (target or name)).read_text(encoding="utf-8")
        plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
        headings = [heading.replace(" ", "-") for heading in plain]
        assert not anchor or anchor in headings


def test_every_page_is_reached_from_the_index() -> None:
    assert set(re.findall(r"\]\(([a-z-]+\.md)", PAGES["index.md"])) == PAGES.keys() - {"index.md"}


@every_page
def test_every_variable_is_a_setting(name: str) -> None:
    known = {f"{PREFIX}{setting.name}" for setting in SETTINGS}
    if name != "settings.md":  # which has names for environments and next secrets besides
        assert set(re.findall(rf"{PREFIX}\w+", PAGES[name])) <= known
