"""``cxfulfill routes``: what a webhook serves, and what is entered in CX for its flexible routes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NotRequired

import pytest
from click.testing import CliRunner, Result
from marshmallow import Schema
from marshmallow import fields as ma
from pydantic import AliasPath, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from cxfulfill import AllowUnauthenticated, HeaderSecret, Webhook
from cxfulfill.cli.commands import cli
from cxfulfill.cx_settings import reference
from tests.cases.client import BASIC
from tests.cases.cx_side import Settings, printed
from tests.server.wire import LIMIT, ROOT

HOST = "https://hotel.example"


def answer(ctx: Any) -> Any:
    return {}


def answer_with(ctx: Any, wanted: Any) -> Any:
    return {}


class Run(list[Webhook]):
    """Runs the command on a webhook, which is closed afterwards."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__()
        self.module = module

    def __call__(self, webhook: Webhook, *arguments: str, code: int = 0) -> Result:
        self.append(webhook)
        vars(self.module)["webhook"] = webhook
        result = CliRunner().invoke(cli, ["routes", "--app", f"{self.module.__name__}:webhook", *arguments])
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    module = ModuleType("app_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = Run(module)
    yield found
    for webhook in found:
        webhook.close()


Entered = Callable[..., Settings]


@pytest.fixture
def entered(run: Run) -> Entered:
    """Gives the settings for one route."""

    def one(path: str, method: str = "GET", *, params: Any = None, **options: Any) -> Settings:
        webhook = Webhook(auth=BASIC)
        function: Any = answer if params is None else answer_with
        webhook.add_flexible(path, function, methods=[method], params=params, **options)
        [settings] = printed(run(webhook, "--cx", "--url", HOST).output).values()
        assert settings.fields.keys() == {"Type", "Method", "URL"}
        assert (settings.fields["Type"], settings.fields["Method"]) == ("Flexible", method)
        return settings

    return one


def url(settings: Settings) -> str:
    return settings.fields["URL"].removeprefix(HOST)


# What is served.


def test_the_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    webhook = Webhook(auth=BASIC, path="/cx")
    webhook.add_handler("book-room", answer)
    webhook.add_handler("book-*", answer, page=["Start", "Menu"], language="EN")
    webhook.fallback(answer)
    webhook.add_flexible("/orders/<int:id>", answer, methods=["GET", "DELETE"])
    place = f"answer (tests/cases/test_cli_routes.py:{answer.__code__.co_firstlineno})"
    assert run(webhook).output.splitlines() == [
        "Standard calls: POST /cx",
        "  Tag        Only for                         Handler",
        f"  book-room  -                                {place}",
        f"  book-*     page Start or Menu, language en  {place}",
        f"  *          -                                {place}",
        "Flexible calls",
        "  Methods          Path              Handler",
        f"  GET,HEAD,DELETE  /orders/<int:id>  {place}",
        "Probes",
        "  GET,HEAD /health and /ready",
    ]


def test_a_webhook_without_handlers(run: Run) -> None:
    output = run(Webhook(auth=BASIC)).output
    assert output.count("  none\n") == 2
    assert run(Webhook(auth=BASIC), "--cx").output == "There is no flexible route.\n"


def test_routes_of_a_handler_elsewhere(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    webhook = Webhook(auth=BASIC)
    webhook.add_flexible("/a", answer)
    assert f"answer ({__file__}:" in run(webhook).output


# Where the values go.


class Stay(BaseModel):
    lang: str = "en"
    id: int
    check_in: str = Field(alias="check-in")
    guests: list[str]
    budget: float | None = None


UNPROTECTED = "Where a retry must not run this twice, add a request header: Idempotency-Key: $session.params.order_id"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_values_in_path_and_query(entered: Entered, method: str) -> None:
    settings = entered("/orders/<int:id>", method, params=Stay)
    assert url(settings) == (
        "/orders/$session.params.id?check-in=$session.params.check-in&guests=$session.params.guests"
        "&lang=$session.params.lang&budget=$session.params.budget"
    )
    assert settings.body == ""
    assert settings.headers == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_values_in_the_body(entered: Entered, method: str) -> None:
    settings = entered("/orders/<int:id>", method, params=Stay, headers={"X-Lang": "lang"})
    assert url(settings) == "/orders/$session.params.id"
    assert settings.body.splitlines() == [
        "{",
        '  "check-in": "$session.params.check-in",',
        '  "guests": "$session.params.guests",',
        '  "budget": "$session.params.budget"',
        "}",
    ]
    assert settings.headers == {"X-Lang": "$session.params.lang"}


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    order_id: int
    user_name: str


class Arrival(BaseModel):
    year: int = Field(validation_alias=AliasPath("check-in", "year"))
    month: int = Field(1, validation_alias=AliasPath("check-in", "month"))


class Options(TypedDict):
    lang: NotRequired[str]
    room: str


THING = "$session.params.thing"


class Both(TypedDict):
    x: str
    y: NotRequired[str]


class Unknown:
    """A type that pydantic cannot describe."""


class Odd(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    thing: Unknown | None = None
    size: int = Field(alias="größe")
    two_words: str = Field(alias="two words/&")


class Address(Schema):
    street = ma.String()
    zip_code = ma.String(data_key="zip-code", required=True)
    country = ma.String(dump_only=True)


@pytest.mark.parametrize(
    ("params", "query"),
    [
        (Camel, "?userName=$session.params.userName"),
        (Arrival, "?check-in=$session.params.check-in"),
        (Options, "?room=$session.params.room&lang=$session.params.lang"),
        (Address, "?zip-code=$session.params.zip-code&street=$session.params.street"),
        (Address(only=["street"]), "?street=$session.params.street"),
        (Odd, "?gr%C3%B6%C3%9Fe=$session.params.größe&two%20words%2F%26=$session.params.two_words__&thing=" + THING),
        (dict, ""),
        (None, ""),
    ],
)
def test_the_names_of_each_kind_of_schema(entered: Entered, params: Any, query: str) -> None:
    settings = entered("/orders/<int:order_id>", params=params)
    assert url(settings) == f"/orders/$session.params.order_id{query}"
    open_ = [remark for remark in settings.remarks if "names no parameters" in remark]
    assert bool(open_) == (params is dict)


def test_routes_that_read_any_parameter(entered: Entered) -> None:
    [remark] = entered("/a", headers={"X-A": "a-b"}).remarks
    assert remark.endswith("the route reads any: add to the URL what it needs.")
    settings = entered("/a", "POST", params=dict)
    assert settings.remarks[0].endswith("add to the body what it needs.")
    assert settings.body == ""
    assert entered("/a", headers={"X-A": "a-b"}).headers == {"X-A": "$session.params.a-b"}


def test_everything_in_the_path(entered: Entered) -> None:
    settings = entered("/a/<x>/<any(b, c):y>", "POST", params=Both)
    assert (url(settings), settings.body) == ("/a/$session.params.x/$session.params.y", "")
    assert settings.remarks == [UNPROTECTED]


@pytest.mark.parametrize(
    ("method", "options", "is_told"),
    [
        ("POST", {}, True), ("DELETE", {}, True), ("GET", {}, False), ("OPTIONS", {}, False),
        ("PUT", {"idempotent": False}, False), ("POST", {"params": Both, "idempotency_key": "x"}, False),
    ],
)  # fmt: skip
def test_what_a_retry_may_run_twice(entered: Entered, method: str, options: dict[str, Any], is_told: bool) -> None:
    assert (UNPROTECTED in entered("/a", method, **options).remarks) == is_told


def test_a_path_that_is_not_ascii(entered: Entered) -> None:
    assert url(entered("/zimmer/größe 1%/<x>")) == "/zimmer/gr%C3%B6%C3%9Fe%201%25/$session.params.x"


@pytest.mark.parametrize("path", ["/a/<int:x>.json", "/a/<x>-<y>", "/a/<x>_b/<y>"])
def test_a_reference_that_something_is_joined_to(entered: Entered, path: str) -> None:
    remarks = entered(path, params=Both).remarks
    assert remarks == [
        "Take care: CX may take what follows $session.params.x in the URL for a part of the parameter's name."
    ]


def test_references_hold_letters_digits_hyphens_and_underscores() -> None:
    assert reference("a-b_C1.d e$") == "$session.params.a-b_C1_d_e_"


# What is taken of the answer.


def test_the_mapping(entered: Entered) -> None:
    mapping = {"order-status": "$.status", "$flow.first": "$.items[0]['a: b']"}
    assert entered("/a", mapping=mapping).mapping == mapping


def test_nothing_is_taken(entered: Entered) -> None:
    for_get, for_head = (entered("/a", method).parts["Response configuration"] for method in ("GET", "HEAD"))
    assert for_get == ["none: CX would take nothing of the answer; mapping= of the route tells what it takes"]
    assert for_head == ["none: the answer to HEAD has no body"]


# The whole.


def test_one_block_a_method(run: Run) -> None:
    webhook = Webhook(auth=BASIC)
    mapping = {"a": "$.a"}
    webhook.add_flexible("/a", answer, methods=["GET", "PUT"], mapping=mapping)
    webhook.add_flexible("/b", answer, methods=["HEAD", "POST"], mapping=mapping)
    webhook.add_flexible("/a", answer, methods=["PATCH"], auth=HeaderSecret("X-Key", "4d1f-partner-key-77"))
    output = run(webhook, "--cx").output
    blocks = printed(output)
    assert list(blocks) == ["GET /a", "PUT /a", "POST /b", "HEAD /b", "PATCH /a"]
    assert all(block.fields["URL"].startswith("https://YOUR-HOST/") for block in blocks.values())
    assert [block.mapping for block in blocks.values()] == [mapping, mapping, mapping, {}, {}]
    assert "Enter it as cxfulfill auth explain --app app_of_a_test:webhook says." in output
    assert blocks["PATCH /a"].remarks[-2:] == [
        "Authentication: this route's own, HeaderSecret (header: x-key), in place of the application's.",
        UNPROTECTED,
    ]
    assert "4d1f" not in output
    assert "Take care" not in output


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://hotel.example", "https://hotel.example"),
        ("https://hotel.example/", "https://hotel.example"),
        ("HTTPS://hotel.example:8443/cx/v1/", "HTTPS://hotel.example:8443/cx/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_where_it_is_served(run: Run, given: str, base: str) -> None:
    webhook = Webhook(auth=AllowUnauthenticated())
    webhook.add_flexible("/a", answer)
    output = run(webhook, "--cx", "--url", given).output
    assert f"  URL: {base}/a" in output.splitlines()
    assert ("Take care: CX calls https only." in output) == given.startswith("http:")


@pytest.mark.parametrize(
    "given",
    ["hotel.example", "ftp://hotel.example", "https://", "https:///a", "https://h.example?a=1", "https://h.example/#a",
     "https://user:pw@h.example", "https://h.example:port", "https://h.example:0", "https://h.example:99999",
     "https://[h.example", "https://h.example/a b", "https://$session.params.host", ""],
)  # fmt: skip
def test_a_url_that_is_none(run: Run, given: str) -> None:
    output = run(Webhook(auth=BASIC), "--cx", f"--url={given}", code=2).output
    assert "Invalid value for --url: it takes https://HOST or http://HOST" in output


def test_arguments_that_are_wrong(run: Run) -> None:
    assert "--url goes with --cx" in run(Webhook(auth=BASIC), "--url", HOST, code=2).output
    assert "Missing option '--app'" in CliRunner().invoke(cli, ["routes"]).output


def test_an_app_that_cannot_be_served(run: Run) -> None:
    webhook = Webhook(auth=BASIC)
    webhook.add_flexible("/health", answer)
    output = run(webhook, code=2).output
    assert "Invalid value for --app" in output
    assert "the path /health is served otherwise" in output


def test_an_app_for_cloud_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K_SERVICE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shop_on_cloud_run.py").write_text(
        "from cxfulfill import CloudRunIam, Webhook\n"
        "it = {'audience': 'https://wh.example/cx', 'project_number': 1, 'i_confirm_the_service_is_not_public': True}\n"
        "webhook = Webhook(auth=CloudRunIam(**it), idempotency=None)\n"
    )
    command = ["routes", "--app", "shop_on_cloud_run:webhook"]
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 2
    assert "or load it here with --on-cloud-run" in refused.output
    assert CliRunner().invoke(cli, [*command, "--on-cloud-run"]).exit_code == 0
    sys.modules.pop("shop_on_cloud_run", None)


MAIN = """
from pydantic import BaseModel
from cxfulfill import BasicAuth, Webhook

webhook = Webhook(auth=BasicAuth("cx", "77ad-a-random-password"))

class Order(BaseModel):
    size_of_the_order: int
    colour_of_the_order: str

@webhook.flexible("/orders", methods=["GET", "POST"], mapping={"a_status_of_an_order": "$.status_of_the_order"})
def order(ctx, wanted: Order):
    return {"status_of_the_order": "open"}
"""


@pytest.mark.parametrize("terminal", [False, True], ids=["plain", "terminal"])
def test_as_a_command(tmp_path: Path, *, terminal: bool) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    hidden = ("FORCE_COLOR", "NO_COLOR", "TERM", "COLUMNS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"PYTHONPATH": str(ROOT), "COLUMNS": "30"} | ({"FORCE_COLOR": "1"} if terminal else {})
    command = [sys.executable, "-m", "cxfulfill.cli", "routes", "--app", "main:webhook", "--cx", "--url", HOST]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("\x1b[" in done.stdout) == terminal
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()
    query = (
        "size_of_the_order=$session.params.size_of_the_order&colour_of_the_order=$session.params.colour_of_the_order"
    )
    assert f"  URL: {HOST}/orders?{query}" in lines
    assert '      "size_of_the_order": "$session.params.size_of_the_order",' in lines
    assert "    a_status_of_an_order: $.status_of_the_order" in lines
    if not terminal:
        blocks = printed(done.stdout)
        assert list(blocks) == ["POST /orders", "GET /orders"]
        assert json.loads(blocks["POST /orders"].body).keys() == {"size_of_the_order", "colour_of_the_order"}
