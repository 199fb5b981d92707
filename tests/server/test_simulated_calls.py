"""CX's side of a call against a real server: lines that are slow or cut, answers that get lost, a call too late."""

from pathlib import Path

import pytest

from cxfulfill.http import Headers
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.credentials import BasicCredential
from cxfulfill.simulator.over_http import Line, OverHttp
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Simulator
from tests.server.app import PASSWORD, USERNAME
from tests.server.conftest import Serve
from tests.server.wire import LIMIT, Server, gunicorn


@pytest.fixture(scope="module")
def server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return serve(
        *gunicorn("tests.server.idempotency_app:webhook"), WEB_CONCURRENCY="1", CXFULFILL_THREADS="2",
        SERVER_TESTS_STORE="memory://", SERVER_TESTS_EFFECTS=str(effects(tmp_path_factory.getbasetemp())),
    )  # fmt: skip


def effects(folder: Path) -> Path:
    return folder / "effects-of-simulated-calls"


def simulator(server: Server, *, pieces: int = 1, cut: bool = False) -> tuple[Simulator, OverHttp]:
    transport = OverHttp(line=Line(pieces=pieces, cut=cut))
    url, credential = f"http://127.0.0.1:{server.port}/webhook", BasicCredential(USERNAME, PASSWORD)
    return Simulator(
        Session(), Caller(transport, url=url, credential=credential, timeout=LIMIT)
    ), transport  # fmt: skip


def test_an_answer_that_gets_lost_is_no_second_effect(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    cx, transport = simulator(server, pieces=7)
    result = cx.make(Input(tag="effect", parameters={"call": "lost"}), fault="lost")
    first, second = cx.make_twice(Input(tag="effect", parameters={"call": "twice"}), concurrently=True)
    transport.close()
    assert (result.ok, result.replayed, len(result.delivery.attempts)) == (True, True, 2)
    assert (first.replayed, second.replayed, first.body) == (False, True, second.body)
    noted = effects(tmp_path_factory.getbasetemp()).read_text().split("\n")
    assert [line.rpartition(" ")[0] for line in noted if line] == [
        "begin lost", "end lost", "begin twice", "end twice"
    ]  # fmt: skip


def test_a_line_that_is_cut_is_an_incomplete_body_and_no_call(server: Server) -> None:
    cx, transport = simulator(server, pieces=3, cut=True)
    result = cx.make(Input(tag="effect", parameters={"call": "cut"}))
    transport.close()
    assert (result.status, result.event) == (None, "webhook.error.not-found")
    assert "the connection was cut while the request was sent, in 2 attempts" in result.verdict.sentence
    server.until_line("reason=incomplete_body")


def test_a_server_says_what_it_does_not_serve(server: Server) -> None:
    cx, transport = simulator(server)
    assert cx.make(Input(tag="unheard-of")).reason == "unknown_tag"
    assert cx.as_caller(None).make(Input(tag="effect")).event == "webhook.error.rejected"
    outgoing = cx.caller.outgoing(b"{}", {})
    refused = transport.send(outgoing, LIMIT)
    transport.close()
    assert (refused.status, refused.record, type(refused.headers)) == (400, None, Headers)
