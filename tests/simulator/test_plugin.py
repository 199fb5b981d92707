"""The pytest plugin, in runs of pytest of their own."""

from pathlib import Path

import pytest

# By its module, and not again by the entry point of an installed package.
ADDOPTS = "addopts = -p no:cxfulfill -p cxfulfill.pytest_plugin -p no:cacheprovider\n"
HOTEL = """
import sqlite3
from cxfulfill import BasicAuth, Reply, Webhook

webhook = Webhook(auth=BasicAuth("cx", "not-a-real-secret-0123"))


@webhook.handler("greet")
def greet(ctx):
    return Reply(f"Hello, {ctx.parameters.get('name', 'you')}!", parameters={"greeted": True, "offer": None})


@webhook.handler("broken")
def broken(ctx):
    raise LookupError("secret detail")


@webhook.handler("number")
def number(ctx):
    return 5
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A user's project, whose settings name the webhook; pytest runs there in a process of its own."""
    pytester.makepyfile(shop=HOTEL)
    pytester.makeini(f"[pytest]\ncx_webhook = shop:webhook\n{ADDOPTS}")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-q", *arguments)


def test_a_conversation_is_a_fixture(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_greeting(cx):
            result = cx.call("greet", parameters={"name": "Ada", "offer": "X"})
            assert result.texts == ["Hello, Ada!"]
            assert result.parameters == {"name": "Ada", "greeted": True}
            assert (result.status, result.event, result.replayed) == (200, "", False)

        def test_tests_do_not_see_each_other(cx):
            assert cx.call("greet").parameters == {"greeted": True}
            first, second = cx.call_twice("greet")
            assert (first.replayed, second.replayed, second.body == first.body) == (False, True, True)

        def test_strangers(cx):
            assert cx.as_caller(None).call("greet").event == "webhook.error.rejected"
            assert cx.wrong.call("greet").status == 401
        """
    )

    run(project).assert_outcomes(passed=3)


def test_it_works_without_flask_sockets_and_google(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import socket, sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                top = name.partition(".")[0]
                if top in {"flask", "werkzeug", "redis", "click", "requests", "grpc"} or name.startswith("google."):
                    raise ModuleNotFoundError(name, name=name)

        def test_greeting(cx, monkeypatch):
            monkeypatch.setattr(socket, "socket", None)
            assert cx.call("greet", parameters={"name": "Ada"}).texts == ["Hello, Ada!"]

        sys.meta_path.insert(0, Refuse())
        """
    )

    result = project.runpytest_subprocess("-q")

    result.assert_outcomes(passed=1)


def test_the_plugin_imports_nothing_of_cxfulfill_until_it_is_asked(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_modules():
            loaded = {name for name in sys.modules if name.startswith("cxfulfill.")}
            assert loaded == {"cxfulfill.pytest_plugin"}
            assert not {"pydantic", "cryptography", "jiter"} & set(sys.modules)
        """
    )

    project.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_a_failure_tells_the_calls(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_wrong(cx):
            result = cx.say("hi", "greet", parameters={"name": "Ada", "offer": "X"})
            assert result.parameters == {"name": "Eve", "offer": "X"}

        def test_broken(cx):
            assert cx.call("broken").ok
        """
    )

    result = run(project)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*the session parameters are others:",
            "*greeted is True, and should not be there",
            "*name is 'Ada', and should be 'Eve'",
            "*offer is not there, and should be 'X'",
            "*Calls of Dialogflow CX*",
            "greet: status 200",
            '  user types "hi"',
            '  sent {"name": "Ada", "offer": "X"}',
            '  text "Hello, Ada!"',
            '  session offer deleted (was "X")',
            "*<Result broken: 500 event=webhook.error reason=internal>*",
            "broken: status 500, reason internal, event webhook.error",
            "  exception LookupError at *",
        ]
    )
    result.stdout.no_fnmatch_line("*secret detail*")


def test_a_mistake_in_a_call_is_shown_at_its_line_in_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_digits(cx):
            cx.press("abc", "greet")

        def test_misspelt(cx):
            cx.call("greet", params={"name": "Ada"})
        """
    )

    result = run(project)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*ConfigurationError: digits are keys*", "*no option params=; did you mean parameters=[?]"]
    )
    result.stdout.no_fnmatch_line("*cxfulfill*simulator*.py:*")
    whole = run(project, "--full-trace")
    whole.stdout.fnmatch_lines(["*cxfulfill*simulator*cx_options.py:*"])


def test_a_failure_tells_why_there_is_no_answer_and_which_tags_there_are(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_lost(cx):
            assert cx.call("greet", fault="lost", faults=2).ok

        def test_tag(cx):
            assert cx.call("greeet").ok

        def test_number(cx):
            assert cx.call("number").ok
        """
    )

    result = run(project)

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "greet: no answer, event webhook.error.not-found, 2 attempts",
            "  because the connection broke before the answer came",
            "greeet: status 404, *",
            "  No handler has this tag: did you mean greet[?]",
            "  Tags: broken, greet, number",
            "number: status 500, *",
            "  because the handler's answer is of type int, *",
            "  handler number (*shop.py:17)",
        ]
    )


def test_golden_files(project: pytest.Pytester) -> None:
    test = project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("name", ["Ada", "../Eve"])
        def test_greeting(cx, cx_snapshot, name):
            cx_snapshot(cx.call("greet", parameters={"name": name}))
            cx_snapshot(cx.call("greet"), ignore=["parameters.name", "answer.fulfillmentResponse.messages.*.text"])
        """
    )

    missing = run(project)
    missing.assert_outcomes(failed=2)
    missing.stdout.fnmatch_lines(["*there is no golden file __cx__*run pytest --cx-update*"])
    run(project, "--cx-update").assert_outcomes(passed=2)
    run(project).assert_outcomes(passed=2)
    folder = test.parent / "__cx__" / test.stem
    assert sorted(path.name for path in folder.iterdir()) == [
        "test_greeting-..-Eve-ce1f7d-2.json", "test_greeting-..-Eve-ce1f7d.json",
        "test_greeting-Ada-2.json", "test_greeting-Ada.json",
    ]  # fmt: skip
    changed = folder / "test_greeting-Ada.json"
    changed.write_text(changed.read_text().replace("Hello, Ada!", "Goodbye!"))
    broken = run(project)
    broken.assert_outcomes(failed=1, passed=1)
    broken.stdout.fnmatch_lines(["*the answer is another one than in*", "*-*Goodbye!*", "*+*Hello, Ada!*"])


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        ("", "*set cx_webhook = main:webhook in the pytest settings*"),
        ("cx_webhook = nowhere:webhook", "*cx_webhook: there is no module nowhere*"),
        ("cx_webhook = shop", "*cx_webhook = takes MODULE:NAME*"),
        ("cx_webhook = shop:sqlite3", "*shop:sqlite3 is no Webhook*cx_webhook = shop:webhook*"),
    ],
)
def test_a_missing_webhook_is_told(project: pytest.Pytester, ini: str, told: str) -> None:
    project.makeini(f"[pytest]\n{ini}\n{ADDOPTS}")
    project.makepyfile("def test_greeting(cx): pass")

    result = run(project)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("*another exception occurred*")


def test_an_authenticator_of_ones_own_needs_its_credential(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_own="""
        import pytest
        from cxfulfill import Principal, Unauthorized, Webhook
        from cxfulfill.testing import HeaderCredential, Session

        class Own:
            def authenticate(self, http):
                if http.headers.get("x-team") != "blue":
                    raise Unauthorized("Team")
                return Principal("blue", "team")

        @pytest.fixture
        def cx_webhook():
            webhook = Webhook(auth=Own())
            webhook.add_handler("greet", lambda ctx: ctx.session_id)
            return webhook

        def test_without(cx): pass

        class TestWith:
            @pytest.fixture
            def cx_credential(self):
                return HeaderCredential({"X-Team": "blue"})

            @pytest.fixture
            def cx_session(self):
                return Session(session_id="s-1")

            def test_with(self, cx):
                assert cx.call("greet").texts == ["s-1"]
        """
    )

    result = run(project)

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*Own is an authenticator of your own*give it by a fixture cx_credential*"])


def test_names_that_would_act_on_the_terminal_are_escaped(project: pytest.Pytester) -> None:
    project.makepyfile(
        r"""
        def test_names(cx):
            result = cx.call("greet", parameters={"\x1b[2Jname": 1})
            assert result.parameters == {"\x1b[3Jother": 1}
        """
    )
    result = run(project)
    result.stdout.fnmatch_lines([r"*\x1b[[]2Jname is 1, and should not be there"])
    result.stdout.no_fnmatch_line("*\x1b*Jname is*")


def test_other_comparisons_are_left_to_pytest(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_not(cx):
            assert cx.call("greet").parameters != {"greeted": True}

        def test_list(cx):
            assert cx.call("greet").parameters == []
        """
    )

    result = run(project)

    result.assert_outcomes(failed=2)
    result.stdout.no_fnmatch_line("*the session parameters are others*")


def test_the_entry_point_names_the_plugin() -> None:
    settings = (Path(__file__).parents[2] / "setup.cfg").read_text()

    assert "pytest11 =\n    cxfulfill = cxfulfill.pytest_plugin\n" in settings
