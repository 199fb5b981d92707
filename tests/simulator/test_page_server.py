"""The HTTP side of the console: who may ask for what, and what every answer carries."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from importlib.resources import files
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.page_server import FILES, HEADERS, MAX_BODY, PageServer
from tests.simulator.page_fake import FakeBackend, call, say

TURN = {"input": {"kind": "text", "value": "hi"}, "tag": "hello", "parameters": {"nights": 2}, "mode": "retry"}


class Client:
    """Asks a server as the page does; a header that is None is left out."""

    def __init__(self, server: PageServer) -> None:
        self.server = server

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, dict[str, str], bytes]:
        sent: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.server.port}",
            "Authorization": f"Bearer {self.server.token}",
        }
        if method == "POST":
            sent |= {"Content-Type": "application/json", "X-Cxfulfill-Console": "1"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if data is not None and "Content-Length" not in sent:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer

    def problem(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, str]:
        status, fields, answer = self.ask(method, path, body, **headers)
        assert fields["Content-Type"] == "application/json"
        told = json.loads(answer)
        assert list(told) == ["problem"]
        return status, told["problem"]

    def post(self, path: str, body: Any) -> Any:
        status, _, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return json.loads(answer)["state"]

    def state(self) -> Any:
        status, _, answer = self.ask("GET", "/api/state")
        assert status == 200
        return json.loads(answer)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend({"bold": call(say("**Bold**", "Plain"), {"text": {"text": "no list"}}, {"payload": {}})})


@pytest.fixture
def client(backend: FakeBackend) -> Iterator[Client]:
    with PageServer(backend) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Client(server)
        server.shutdown()
        thread.join()


def test_the_url_leads_to_the_page_and_holds_the_token_in_its_fragment(client: Client) -> None:
    url = urlsplit(client.server.url)
    assert (url.netloc, url.path, url.query) == (f"127.0.0.1:{client.server.port}", "/", "")
    assert url.fragment == client.server.token
    assert len(url.fragment) >= 43
    status, fields, body = client.ask("GET", "/", Authorization=None)
    assert status == 200
    assert fields["Content-Type"] == "text/html; charset=utf-8"
    assert b"<main>" in body
    assert client.server.token.encode() not in body


def test_each_server_has_its_own_token(backend: FakeBackend) -> None:
    with PageServer(backend) as one, PageServer(backend) as other:
        assert one.token != other.token


def test_the_files_that_are_served_are_all_there_are() -> None:
    assert sorted(FILES) == sorted(path.name for path in (files("cxfulfill.simulator") / "static").iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_page_is_served_with_its_media_type(client: Client, name: str) -> None:
    status, fields, body = client.ask("GET", f"/{name}", Authorization=None)
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert status == 200
    assert fields["Content-Type"] == f"{kinds[name.rpartition('.')[2]]}; charset=utf-8"
    assert body


@pytest.mark.parametrize(
    "path",
    [
        "/../page_server.py", "/%2e%2e/page_server.py", "/static/main.js", "/main.js/", "/./main.js",
        "/page_server.py", "/main.js%00", "/api", "/api/", "/api/state/", "/favicon.ico", "/console", "/MAIN.JS",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert client.problem("GET", path) == (404, "The console has no such path.")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/api/state"), ("GET", "/nothing"), ("POST", "/api/reset"), ("PUT", "/")]
)
def test_every_answer_carries_the_headers(client: Client, method: str, path: str) -> None:
    _, fields, _ = client.ask(method, path, b"{}" if method == "POST" else None)
    assert {name: fields[name] for name in HEADERS} == dict(HEADERS)
    assert "Access-Control-Allow-Origin" not in fields
    assert "Set-Cookie" not in fields
    assert fields["Server"].strip() == "cxfulfill"


def test_the_content_security_policy_allows_own_files_alone() -> None:
    assert HEADERS["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@pytest.mark.parametrize("path", ["/", "/main.js", "/api/state"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}", "[::1]:{port}"]
)
def test_another_host_is_refused(client: Client, host: str, path: str) -> None:
    status, _ = client.problem("GET", path, Host=host.format(port=client.server.port))
    assert status == 403


def test_no_host_is_refused(client: Client) -> None:
    assert client.problem("GET", "/", Host=None)[0] == 403


def test_localhost_is_a_host(client: Client) -> None:
    assert client.ask("GET", "/api/state", Host=f"localhost:{client.server.port}")[0] == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/state"), ("GET", "/api/conversation"), ("GET", "/api/export/pytest"), ("POST", "/api/turn")],
)
def test_the_api_asks_for_the_token(
    client: Client, backend: FakeBackend, method: str, path: str, authorization: str | None
) -> None:
    given = authorization and authorization.format(token=client.server.token).encode().decode("latin-1")
    status, problem = client.problem(method, path, TURN if method == "POST" else None, Authorization=given)
    assert (status, "token" in problem) == (401, True)
    assert backend.asked == []


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1", ""]
)
def test_a_post_of_another_origin_is_refused(client: Client, backend: FakeBackend, origin: str) -> None:
    status, _ = client.problem("POST", "/api/turn", TURN, Origin=origin.format(port=client.server.port))
    assert status == 403
    assert backend.asked == []


def test_another_user_is_refused_with_the_token_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def is_other(peer: tuple[str, int], port: int) -> bool:
        asked.append((peer[0], port))
        return True

    monkeypatch.setattr("cxfulfill.simulator.page_server.is_of_another_user", is_other)
    told = "The console answers the user alone who has started it."
    assert client.problem("GET", "/api/state") == (403, told)
    assert asked == [("127.0.0.1", client.server.port)]


def test_an_origin_of_the_other_name_is_another_one(client: Client) -> None:
    assert client.problem("POST", "/api/turn", TURN, Origin=f"http://localhost:{client.server.port}")[0] == 403


def test_a_post_of_the_own_origin_is_taken(client: Client) -> None:
    assert client.ask("POST", "/api/turn", TURN, Origin=f"http://127.0.0.1:{client.server.port}")[0] == 200


@pytest.mark.parametrize("value", [None, "", "0", "true"])
def test_a_post_without_the_header_is_refused(client: Client, value: str | None) -> None:
    assert client.problem("POST", "/api/turn", TURN, X_Cxfulfill_Console=value) == (
        403,
        "The header X-Cxfulfill-Console is missing.",
    )


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json-seq"])
def test_a_post_that_is_not_json_is_refused(client: Client, kind: str | None) -> None:
    assert client.problem("POST", "/api/turn", TURN, Content_Type=kind)[0] == 415


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"), ("DELETE", "/main.js", "GET"), ("POST", "/api/state", "GET"),
        ("GET", "/api/turn", "POST"), ("PUT", "/api/conversation", "GET, POST"), ("OPTIONS", "/api/turn", "POST"),
        ("HEAD2", "/api/reset", "POST"),
    ],
)  # fmt: skip
def test_another_method_is_refused(client: Client, method: str, path: str, allowed: str) -> None:
    status, fields, _ = client.ask(method, path)
    assert (status, fields["Allow"]) == (405, allowed)


def test_a_body_is_read_up_to_its_bound(client: Client, backend: FakeBackend) -> None:
    room = MAX_BODY - len(json.dumps({"text": ""}))
    assert client.problem("POST", "/api/conversation", {"text": "x" * (room + 1)})[0] == 413
    assert client.problem("POST", "/api/conversation", b"", Content_Length=str(10**12))[0] == 413
    turn = json.dumps({"number": 1, "input": {}, "tag": "x" * 100, "calls": []})
    fitting = {"text": turn + " " * (MAX_BODY - len(json.dumps({"text": turn})))}
    assert client.post("/api/conversation", fitting)["turns"][0]["number"] == 1


def test_a_body_that_breaks_off_is_refused(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as raw:
        raw.sendall(
            f"POST /api/reset HTTP/1.1\r\nHost: 127.0.0.1:{client.server.port}\r\nContent-Length: 100\r\n"
            f"Authorization: Bearer {client.server.token}\r\nContent-Type: application/json\r\n"
            "X-Cxfulfill-Console: 1\r\n\r\n{".encode()
        )
        raw.shutdown(socket.SHUT_WR)
        answer = raw.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert answer.endswith(b'{"problem":"The body broke off."}')


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/api/turn", b"{", "The body is not JSON at line 1, column 1."),
        ("/api/turn", b'{"tag":1,"tag":2}', "The body has a member twice"),
        ("/api/turn", [], "the body: "),
        ("/api/turn", {"tag": "t"}, "input: Field required."),
        ("/api/turn", TURN | {"mode": "secret-mode"}, "mode: Input should be 'once', "),
        ("/api/turn", TURN | {"input": {"kind": "shout", "value": ""}}, "input.kind: Input should be 'text', "),
        ("/api/turn", TURN | {"parameters": [1]}, "parameters: Input should be a valid dictionary."),
        ("/api/turn", TURN | {"more": 1}, "more: Extra inputs are not permitted."),
        ("/api/resend", TURN | {"number": 0}, "number: Input should be greater than or equal to 1."),
        ("/api/resend", TURN | {"number": "1"}, "number: Input should be a valid integer."),
        ("/api/page", {"display_name": 5}, "display_name: Input should be a valid string."),
        ("/api/reset", {"really": True}, "really: Extra inputs are not permitted."),
        ("/api/conversation", {}, "text: Field required."),
    ],
)
def test_a_wrong_body_is_refused_with_the_member_that_is_wrong(
    client: Client, path: str, body: Any, problem: str
) -> None:
    status, told = client.problem("POST", path, body)
    assert status == 400
    assert told.startswith(problem), told
    assert "secret-mode" not in told


def test_a_turn_reaches_the_backend_and_its_state_comes_back(client: Client, backend: FakeBackend) -> None:
    state = client.post("/api/turn", TURN)
    (asked,) = backend.asked
    assert (asked.input.kind, asked.input.value, asked.tag, asked.mode) == ("text", "hi", "hello", "retry")
    assert asked.parameters == {"nights": 2}
    assert state == client.state()
    assert state["turns"][0]["tag"] == "hello"


def test_a_turn_is_once_and_without_parameters_unless_told_otherwise(client: Client, backend: FakeBackend) -> None:
    client.post("/api/turn", {"input": {"kind": "none"}, "tag": "hello"})
    (asked,) = backend.asked
    assert (asked.input.value, asked.mode, asked.parameters) == ("", "once", None)


def test_texts_come_with_their_markdown_and_the_backends_own_are_left_alone(
    client: Client, backend: FakeBackend
) -> None:
    state = client.post("/api/turn", TURN | {"tag": "bold"})
    text, wrong, payload = state["turns"][0]["calls"][0]["messages"]
    assert text["markdown"] == [
        [{"tag": "p", "children": [{"tag": "strong", "children": [{"text": "Bold"}]}]}],
        [{"tag": "p", "children": [{"text": "Plain"}]}],
    ]
    assert "markdown" not in wrong | payload
    assert "markdown" not in backend.turns[0]["calls"][0]["messages"][0]


def test_a_turn_is_edited_and_sent_again(client: Client) -> None:
    client.post("/api/turn", TURN)
    client.post("/api/turn", TURN)
    state = client.post("/api/resend", TURN | {"number": 1, "tag": "other"})
    assert [turn["tag"] for turn in state["turns"]] == ["other"]


def test_the_page_is_changed(client: Client) -> None:
    state = client.post("/api/page", {"display_name": "Booking", "form": {"nights": None}})
    assert state["page"]["display_name"] == "Booking"
    assert state["page"]["form"][0]["state"] == "EMPTY"


def test_a_conversation_is_saved_and_loaded(client: Client) -> None:
    before = client.post("/api/turn", TURN)
    status, fields, saved = client.ask("GET", "/api/conversation")
    assert (status, fields["Content-Type"]) == (200, "application/jsonl")
    assert client.post("/api/reset", {})["turns"] == []
    assert client.post("/api/conversation", {"text": saved.decode()})["turns"] == before["turns"]


@pytest.mark.parametrize(("form", "name"), [("pytest", "conversation.py"), ("curl", "conversation.sh")])
def test_a_conversation_is_exported(client: Client, form: str, name: str) -> None:
    _, _, answer = client.ask("GET", f"/api/export/{form}")
    assert json.loads(answer) == {"filename": name, "text": f"# {form}\n"}


def test_a_problem_of_the_backend_is_told(client: Client) -> None:
    said = TURN | {"input": {"kind": "text", "value": "fail"}}
    assert client.problem("POST", "/api/turn", said) == (400, "The webhook cannot be called.")


def test_a_fault_of_the_backend_is_told_in_the_log_alone(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    said = TURN | {"input": {"kind": "text", "value": "crash"}}
    assert client.problem("POST", "/api/turn", said) == (500, "The console failed; its terminal tells why.")
    (line,) = caplog.records
    assert (line.name, line.exc_info is not None) == ("cxfulfill.console", True)
    assert client.post("/api/turn", TURN)["turns"]


def test_only_the_loopback_address_is_listened_on(client: Client) -> None:
    assert client.server._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_a_sentence(client: Client, backend: FakeBackend) -> None:
    with pytest.raises(ConfigurationError, match=rf"^port {client.server.port} on 127\.0\.0\.1 cannot be had"):
        PageServer(backend, client.server.port)


def test_a_port_can_be_chosen(backend: FakeBackend) -> None:
    with PageServer(backend) as server:
        port = server.port
    with PageServer(backend, port) as server:
        assert server.port == port
