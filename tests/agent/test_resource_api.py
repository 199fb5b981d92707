"""Where the API is, who may call it, and what is told where that is not so; and the file of what is known."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cxfulfill import ConfigurationError
from cxfulfill.agent.resource_api import AgentApi, Version, endpoint
from cxfulfill.agent.resource_state import State
from cxfulfill.protocol.names import AgentName
from tests.agent.cx_server import AGENT


def key_file(folder: Path) -> Path:
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "key.json"
    content = {
        "type": "service_account", "project_id": "p", "private_key": key.decode(), "client_email": "a@b.example",
        "token_uri": "https://127.0.0.1:9/token",
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("location", "host"),
    [("global", "dialogflow.googleapis.com"), ("europe-west1", "europe-west1-dialogflow.googleapis.com")],
)
@pytest.mark.parametrize("version", ["v3", "v3beta1"])
def test_the_endpoint_is_that_of_the_region(
    version: Version, location: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path)))
    api = AgentApi(AgentName("p", location, "a"), version)
    assert endpoint(location) == host
    assert api._webhooks.api_endpoint == api._environments.api_endpoint == host


def test_who_has_no_credentials_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        AgentApi(AGENT)


def test_who_lacks_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.dialogflowcx_v3", None)
    with pytest.raises(ConfigurationError, match=r"needs the extra agent: pip install 'cxfulfill\[agent\]'"):
        AgentApi(AGENT)


def test_nothing_of_google_is_needed_to_write_rest_or_terraform() -> None:
    modules = "resource_rest, resource_terraform, resource_apply, resource_desired, templates"
    check = (
        f"import sys; from cxfulfill.agent import {modules}; "
        "print([name for name in sys.modules if name.split('.')[0] in ('google', 'grpc', 'flask', 'click')])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 1, "agents": {}, "more": 1}', '{"agents": {"a": {"b": 1}}}']
)
def test_a_state_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"^state\.json is none that cxfulfill agent apply has written$"):
        State(tmp_path / "state.json")


def test_a_state_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory"):
        State(tmp_path)
    state = State(tmp_path / "none" / "state.json")
    with pytest.raises(ConfigurationError, match=r"^state\.json cannot be written: No such file or directory$"):
        state.save()
