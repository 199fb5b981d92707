"""The pytest plugin: Dialogflow CX as a fixture.

pytest loads it wherever cxfulfill is installed, so that it imports nothing else until a test asks for it.
"""

# ruff: noqa: PLC0415 - see above
from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from cxfulfill.simulator.cx import Cx
    from cxfulfill.simulator.result import Result
    from cxfulfill.simulator.sending import Credential
    from cxfulfill.simulator.session import Session
    from cxfulfill.webhook import Webhook

_FOLDER = "__cx__"
_PACKAGE = Path(__file__).parent
_KEY = pytest.StashKey["Cx"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cx-update`` and the setting ``cx_webhook``; see pytest."""
    group = parser.getgroup("cxfulfill", "Dialogflow CX webhooks")
    group.addoption("--cx-update", action="store_true", help="Write the golden files of cx_snapshot anew.")
    parser.addini("cx_webhook", "The Webhook that cx calls, MODULE:NAME, such as main:webhook.", default="")


@pytest.fixture
def cx_webhook(request: pytest.FixtureRequest) -> Webhook:
    """Give the webhook that ``cx`` calls: that of the setting ``cx_webhook``, or override this fixture."""
    from cxfulfill.errors import ConfigurationError
    from cxfulfill.loading import load_webhook

    target = request.config.getini("cx_webhook")
    if not target:
        _fail(
            "cx calls a Webhook: set cx_webhook = main:webhook in the pytest settings, or write a fixture cx_webhook "
            "that returns it"
        )
    try:
        return load_webhook(target, "cx_webhook =")
    except ConfigurationError as error:
        _fail(f"cx_webhook: {error}")


@pytest.fixture
def cx_session() -> Session | None:
    """Give the session of ``cx``; by default a new one of an agent that the webhook serves. Override to choose."""
    return None


@pytest.fixture
def cx_credential() -> Credential | None:
    """Give what ``cx`` proves itself with; by default what the webhook accepts. Override for an own authenticator."""
    return None


@pytest.fixture
def cx(
    request: pytest.FixtureRequest,
    cx_webhook: Webhook,
    cx_session: Session | None,
    cx_credential: Credential | None,
) -> Generator[Cx]:
    """Dialogflow CX, which calls your webhook: ``cx.call("book-room", parameters={...})``."""
    from cxfulfill.errors import ConfigurationError
    from cxfulfill.simulator.cx import Cx

    try:
        made = Cx.of(cx_webhook, session=cx_session, credential=cx_credential)
    except ConfigurationError as error:
        _fail(f"cx: {str(error).replace('(credential=)', 'by a fixture cx_credential')}")
    request.node.stash[_KEY] = made
    yield made
    made.close()


@pytest.fixture
def cx_snapshot(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compare a result with the test's golden file: ``cx_snapshot(result, ignore=["parameters.reference"])``.

    ``pytest --cx-update`` writes the files, in the folder ``__cx__`` beside the test.
    """
    number = 0

    def compare(result: Result, ignore: Iterable[str] = ()) -> None:
        from cxfulfill.simulator.snapshots import difference, file_name, snapshot_of

        nonlocal number
        number += 1
        path = request.path.parent / _FOLDER / request.path.stem / file_name(request.node.name, number)
        text = snapshot_of(result, ignore)
        if request.config.getoption("--cx-update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        shown = path.relative_to(request.path.parent)
        if not path.exists():
            _fail(f"there is no golden file {shown}: look at the answer and run pytest --cx-update")
        if changed := difference(path, text):
            _fail(f"the answer is another one than in {shown}:\n{changed}")

    return compare


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the calls of a test that has failed; see pytest."""
    conversation = item.stash.get(_KEY, None)
    if conversation is not None and call.excinfo is not None and not item.config.getoption("fulltrace"):
        _leave_out_our_frames(call.excinfo.value)
    report = yield
    if report.when == "call" and report.failed and conversation is not None and conversation.results:
        from cxfulfill.simulator.telling import told

        report.sections.append(
            ("Calls of Dialogflow CX", "\n".join(told(each, conversation.webhook) for each in conversation.results))
        )
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Tell what is different in session parameters; see pytest."""
    if op != "==" or "Parameters" not in (type(left).__name__, type(right).__name__):
        return None
    if not (isinstance(left, Mapping) and isinstance(right, Mapping)):
        return None
    return ["the session parameters are others:", *_differences(left, right)]


def _fail(sentence: str) -> NoReturn:
    """Fail a test with a sentence alone: without the error behind it, which says the same."""
    try:
        pytest.fail(sentence, pytrace=False)
    except pytest.fail.Exception as failure:
        raise failure from None


def _leave_out_our_frames(error: BaseException) -> None:
    """Let a mistake in a call end at the line of the test that makes it."""
    from cxfulfill.errors import CxFulfillError

    last, frame = None, error.__traceback__
    while frame is not None:
        code = Path(frame.tb_frame.f_code.co_filename)
        if _PACKAGE not in code.parents and not code.name.startswith("<"):
            last = frame
        frame = frame.tb_next
    if last is not None and isinstance(error, CxFulfillError):
        last.tb_next = None


def _differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    from cxfulfill.simulator.printable import printable

    lines = []
    for name in sorted({*left, *right}, key=str):
        shown = printable(str(name))
        if name not in right:
            lines.append(f"  {shown} is {left[name]!r}, and should not be there")
        elif name not in left:
            lines.append(f"  {shown} is not there, and should be {right[name]!r}")
        elif left[name] != right[name]:
            lines.append(f"  {shown} is {left[name]!r}, and should be {right[name]!r}")
    return lines
