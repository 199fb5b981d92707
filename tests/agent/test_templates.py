"""Templates: what they fill in, and each as CX calls it, with a token of a local endpoint, against a local API."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cxfulfill import ConfigurationError
from cxfulfill.agent.resource_desired import desired
from cxfulfill.agent.resource_service import Sources
from cxfulfill.agent.resource_settings import parse_settings
from cxfulfill.agent.templates import OAUTH_OPTIONS, added, filled, load, names
from cxfulfill.cli.commands import cli
from cxfulfill.testing import Cx, FlexibleSettings, OAuthCredential
from tests.agent.salesforce import TOKEN, Salesforce, serving
from tests.agent.support import AGENT, app

OAUTH = {"client_id": "cx-agent", "client_secret_env": "CLIENT_SECRET"}
VALUES = {"instance": "https://acme.my.salesforce.com", "object": "Contact"}
QUERY = VALUES | {"by": "Email", "value": "email"}


@pytest.fixture
def salesforce() -> Iterator[Salesforce]:
    with serving() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cxfulfill.toml").write_text(AGENT)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["agent", "template", *arguments])
    assert result.exit_code == code, result.output
    return result


def add(salesforce: Salesforce, name: str, *arguments: str) -> tuple[Cx, FlexibleSettings]:
    """Add a webhook, and give CX's side of it: what is entered, and who proves itself."""
    oauth = ("--client-id", "cx-agent", "--client-secret-env", "CLIENT_SECRET")
    instance = ("--set", f"instance={salesforce.url}", "--set", "object=Contact")
    run("add", name, "--key", "crm", *instance, *oauth, *arguments)
    secret = {"CLIENT_SECRET": salesforce.endpoint.clients["cx-agent"]}
    settings = parse_settings(Path("cxfulfill.toml").read_text())
    service = desired(app(standard=False), settings, Sources(secret)).webhooks["crm"].service
    assert service is not None
    assert (service.webhook_type, service.oauth_config is not None) == ("FLEXIBLE", True)
    assert service.oauth_config is not None
    assert service.oauth_config.client_secret is not None
    credential = OAuthCredential(
        service.oauth_config.token_endpoint, service.oauth_config.client_id, service.oauth_config.client_secret
    )
    assert service.http_method is not None
    entered = FlexibleSettings(
        method=service.http_method, url=service.uri, headers=service.request_headers,
        body=service.request_body or "", mapping=service.parameter_mapping,
    )  # fmt: skip
    return Cx.at(salesforce.url, credential=credential), entered


def test_a_query(salesforce: Salesforce, folder: Path) -> None:
    fields = ("--field", "Id=contact_id", "--field", "Name=contact_name")
    cx, entered = add(salesforce, "salesforce-query", "--set", "by=Email", "--set", "value=email", *fields)
    cx.session.set({"email": "a@b"})
    result = cx.make_flexible(entered)
    assert (result.status, result.event) == (200, "")
    assert result.parameters == {
        "email": "a@b", "records_found": 1.0, "contact_id": "003A", "contact_name": "Ada",
    }  # fmt: skip
    assert [each for each in salesforce.asked if each[1] == TOKEN] == [("POST", TOKEN)]
    cx.session.set({"email": "nobody@b"})
    assert cx.make_flexible(entered).parameters["records_found"] == 0.0


def test_a_new_record(salesforce: Salesforce, folder: Path) -> None:
    cx, entered = add(salesforce, "salesforce-create", "--field", "LastName=last-name", "--field", "Age__c=age")
    cx.session.set({"last-name": 'Love"lace\n', "age": 36.0})
    result = cx.make_flexible(entered)
    assert result.status == 200
    assert (result.parameters["record_saved"], result.parameters["record_id"]) == (True, "0031")
    assert salesforce.records["Contact"]["0031"] == {"LastName": 'Love"lace\n', "Age__c": 36.0}


def test_a_change_of_a_record(salesforce: Salesforce, folder: Path) -> None:
    arguments = ("--set", "id=contact_id", "--set", "saved=changed", "--field", "Name=name")
    cx, entered = add(salesforce, "salesforce-update", *arguments)
    cx.session.set({"contact_id": "003A", "name": "Ada Lovelace"})
    assert cx.make_flexible(entered).parameters["changed"] is True
    assert salesforce.records["Contact"]["003A"]["Name"] == "Ada Lovelace"
    cx.session.set({"contact_id": "gone"})
    assert cx.make_flexible(entered).parameters["changed"] is False


def test_nobody_is_let_in_without_a_token(salesforce: Salesforce, folder: Path) -> None:
    _, entered = add(salesforce, "salesforce-create", "--field", "LastName=last-name")
    assert Cx.at(salesforce.url).make_flexible(entered).event == "webhook.error.rejected"


def test_settings_that_cannot_be_written_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    values = ("--set", "instance=https://crm.example", "--set", "object=Contact", "--field", "LastName=last-name")
    oauth = ("--client-id", "cx-agent", "--client-secret-env", "CLIENT_SECRET")
    result = run("add", "salesforce-create", "--key", "crm", *values, *oauth, code=1)
    assert result.output == "Error: cxfulfill.toml cannot be written: No space left on device\n"
    assert (folder / "cxfulfill.toml").read_text() == AGENT


def test_each_template_says_what_it_is(folder: Path) -> None:
    listed = run("list").output
    for name in names():
        template = load(name)
        assert f"{name}  Salesforce: {template.api}. " in listed
        shown = run("show", name).output
        for part in (f"Method: {template.method}", f"URL: {template.url}", "OAuth, all of it required", "--client-id"):
            assert part in shown
        assert all(variable in shown for variable in template.variables)
        assert ("Body: " in shown) == (template.body is not None)
    assert {load(name).api for name in names()} == {"Query records", "Create record", "Update record"}
    options = {option for each in OAUTH_OPTIONS.values() for option in each}
    added_options = set(run("add", "--help").output.replace("-", "_").split())
    assert all(f"__{option}" in added_options for option in options)


def test_what_is_taken_care_of_is_told(salesforce: Salesforce, folder: Path) -> None:
    result = run(
        "add", "salesforce-query", "--key", "find", "--set", f"instance={salesforce.url}", "--set", "object=Contact",
        "--set", "by=Email", "--set", "value=email", "--field", "Id=id", "--client-id-env", "A", "--secret-version",
        "projects/p/secrets/s/versions/1",
    )  # fmt: skip
    assert result.output.startswith("webhooks.find is in cxfulfill.toml.\nTake care: CX escapes the value for the URL")
    table = tomllib.loads((folder / "cxfulfill.toml").read_text())["webhooks"]["find"]
    assert table["oauth"]["secret_version"] == "projects/p/secrets/s/versions/1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"oauth": {}},
            "Salesforce lets nobody in without OAuth; missing: client_id (client_id or client_id_env), client_secret",
        ),
        (
            {"oauth": {"client_id_env": "A"}},
            "Salesforce lets nobody in without OAuth; missing: client_secret (secret_version or client_secret_env)",
        ),
        (
            {"values": {}},
            "salesforce-query needs instance (URL of your organization: https://acme.my.salesforce.com); ",
        ),
        ({"values": QUERY | {"more": "a"}}, "salesforce-query has no variable more; it has instance, version, object"),
        (
            {"values": QUERY | {"object": "Contact WHERE"}},
            "salesforce-query: object is no API name of the object, such as Contact",
        ),
        ({"fields": {}}, "name a field of the record, and the session parameter that it goes with"),
        ({"fields": {"Id FROM": "a"}}, "a field is an API name, and a session parameter is letters, digits, - and _"),
        ({"fields": {"Id": "a b"}}, "a field is an API name, and a session parameter is letters, digits, - and _"),
    ],
)
def test_what_is_missing_or_wrong_is_named(change: dict[str, Any], sentence: str) -> None:
    arguments: dict[str, Any] = {"values": QUERY, "fields": {"Id": "id"}, "oauth": OAUTH, **change}
    with pytest.raises(ConfigurationError) as raised:
        filled(load("salesforce-query"), **arguments)
    assert str(raised.value).startswith(sentence)


def test_the_command_tells_what_is_wrong(folder: Path) -> None:
    result = run("add", "salesforce-create", "--key", "crm", "--field", "LastName", code=2)
    assert "it takes NAME=VALUE" in result.output
    result = run("show", "salesforce-delete", code=1)
    assert "there is no template of that name; there are salesforce-create, salesforce-query" in result.output
    before = (folder / "cxfulfill.toml").read_text()
    arguments = ("--set", "instance=https://a.example", "--set", "object=Contact", "--field", "A=a")
    result = run("add", "salesforce-create", "--key", "crm", *arguments, code=1)
    assert "missing: client_id" in result.output
    http = ("--set", "instance=http://a.example", "--client-id", "a", "--client-secret-env", "A")
    result = run("add", "salesforce-create", "--key", "crm", *arguments, *http, code=1)
    assert "webhooks.crm.oauth.token_endpoint: it must be an https URL" in result.output
    assert (folder / "cxfulfill.toml").read_text() == before


def test_a_file_with_such_a_key_is_left_alone() -> None:
    template = load("salesforce-create")
    table = filled(template, values=VALUES, fields={"A": "a"}, oauth=OAUTH)
    text = added(AGENT, "my crm", template, table)
    assert text.startswith(AGENT)
    assert tomllib.loads(text)["webhooks"]["my crm"]["mapping"] == table["mapping"]
    assert tomllib.loads(text)["webhooks"]["my crm"]["body"] == table["body"]
    with pytest.raises(ConfigurationError, match=r"has webhooks\.my crm already"):
        added(text, "my crm", template, table)
    body = table | {"body": '{"a": "it\'s\x7f"}\n', "oauth": {**table["oauth"], "scopes": ["a", '"b"']}}
    read = tomllib.loads(added(AGENT, "crm", template, body))["webhooks"]["crm"]
    assert (read["body"], read["oauth"]["scopes"]) == (body["body"], ["a", '"b"'])
