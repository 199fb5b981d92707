"""What an application tells of itself: its paths, its settings, and whether it works on behind its answers."""

from pathlib import Path

import pytest

from cxfulfill import AllowUnauthenticated, Context, FlexibleContext, Reply, Router, Webhook
from cxfulfill.scaffold.deploy.application import told_by
from tests.deploy.plans import OWN_URL, flat, planned, ran, refused

HEAD = """
from cxfulfill import AllowUnauthenticated, Context, Reply, Webhook
webhook = Webhook(auth=AllowUnauthenticated(), path="/cx")
"""
PLAIN = HEAD + '@webhook.handler("hello")\ndef hello(ctx: Context) -> str:\n    return "Hello"\n'
DEFERRED = HEAD + (
    '@webhook.handler("quote", deferred=True, pending=Reply("One moment"))\n'
    'def quote(ctx: Context) -> str:\n    return "It is 300"\n'
)
FROM_ENVIRONMENT = """
from cxfulfill import Context, Webhook
webhook = Webhook.from_env()
"""
FLEXIBLE = HEAD + (
    '@webhook.flexible("/orders", methods=["GET", "POST"])\ndef orders(ctx):\n    return {}\n'
    '@webhook.flexible("/orders/<int:id>", methods=["GET"])\ndef order(ctx, values):\n    return {}\n'
)


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    name = f"deployed_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(request.param, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"--app={name}:webhook"


@pytest.mark.parametrize("application", [DEFERRED], indirect=True)
def test_deferred_work_keeps_its_cpu(application: str, tmp_path: Path) -> None:
    made = ran(tmp_path, application)
    assert "--no-cpu-throttling" in made.deploy.flags
    assert "--cpu-throttling" not in made.deploy.flags
    assert "# no-cpu-throttling: quote (deferred) may work on" in made.text


@pytest.mark.parametrize("application", [DEFERRED], indirect=True)
def test_who_knows_better_says_so(application: str) -> None:
    assert "--no-cpu-throttling" not in planned(application, "--no-background")
    assert "quote (deferred) may work on" in planned(application, "--background")
    assert "--no-cpu-throttling" in planned("--background")


@pytest.mark.parametrize("application", [PLAIN], indirect=True)
def test_without_deferred_work_cpu_is_paid_by_the_call(application: str, tmp_path: Path) -> None:
    made = ran(tmp_path, application)
    assert "--cpu-throttling" in made.deploy.flags
    assert "--no-cpu-throttling" not in made.text


@pytest.mark.parametrize("application", [PLAIN], indirect=True)
def test_an_application_that_reads_no_variables_is_given_none_but_the_servers(application: str, tmp_path: Path) -> None:
    made = ran(tmp_path, application, store="firestore")
    assert made.variables == {"WEB_CONCURRENCY": "1", "CXFULFILL_THREADS": "8"}
    assert made.deploy.value("--add-custom-audiences") == f"{OWN_URL}/cx"
    assert 'idempotency="firestore://hotel-project/cx-calls".' in flat(made.text)
    assert "Flexible webhooks" not in made.text


@pytest.mark.parametrize("application", [PLAIN], indirect=True)
def test_redis_is_named_in_the_code_of_an_application_that_reads_no_variables(application: str) -> None:
    said = flat(planned(application, store="redis", network="n", subnet="s"))
    assert 'idempotency="redis://HOST:6379/0", where HOST is the value of REDIS_HOST.' in said


@pytest.mark.parametrize("application", [PLAIN], indirect=True)
def test_a_secret_that_the_application_does_not_read_is_refused(application: str) -> None:
    said = refused(application, "--secret=CXFULFILL_BASIC_CREDENTIALS=a:1", access="public", auth="basic")
    assert "the application does not read CXFULFILL_BASIC_CREDENTIALS" in said
    planned(application, "--secret=HOTEL_LOGIN=a:1", access="public", auth="basic")


@pytest.mark.parametrize("application", [FROM_ENVIRONMENT], indirect=True)
def test_an_application_that_reads_variables_is_given_them(
    application: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXFULFILL_AUTH", "none")
    monkeypatch.setenv("CXFULFILL_PATH", "/from-environment")
    made = ran(tmp_path, application)
    assert made.variables["CXFULFILL_PATH"] == "/from-environment"
    assert made.variables["CXFULFILL_AUTH"] == "cloud-run-iam"
    assert f"# URL: {OWN_URL}/other\n" in planned(application, webhook_path="/other")


@pytest.mark.parametrize("application", [FLEXIBLE], indirect=True)
def test_flexible_webhooks_have_audiences_of_their_own(application: str, tmp_path: Path) -> None:
    made = ran(tmp_path, application)
    assert made.deploy.value("--add-custom-audiences") == f"{OWN_URL}/cx,{OWN_URL}/orders"
    told = flat(made.text)
    assert (
        f"Flexible webhooks: cxfulfill routes --cx --app {application.removeprefix('--app=')} --url {OWN_URL}" in told
    )


def test_an_application_that_cannot_be_loaded_is_refused() -> None:
    assert "there is no module nowhere" in refused("--app=nowhere:webhook")


def answer(ctx: Context) -> str:
    return "Hello"


async def answer_async(ctx: Context) -> str:
    return "Hello"


def answer_flexibly(ctx: FlexibleContext) -> dict[str, str]:
    return {}


def test_handlers_that_are_cut_off_go_on_behind_their_answer() -> None:
    webhook = Webhook(auth=AllowUnauthenticated())
    webhook.add_handler("plain", answer)
    webhook.add_handler("limited", answer, timeout=3)
    webhook.add_handler("answered", answer, fallback=Reply("Later"))
    webhook.add_handler("async", answer_async)
    webhook.add_handler("cancelled", answer_async, idempotent=False)
    webhook.add_handler("limited look-up", answer, timeout=3, idempotent=False)
    router = Router(timeout=2)
    router.add_handler("routed", answer)
    webhook.include(router)
    webhook.flexible("/plain")(answer_flexibly)
    webhook.flexible("/limited", timeout=2)(answer_flexibly)
    webhook.add_handler("two\n# lines", answer, timeout=1)
    webhook.check()
    told = told_by(webhook)
    assert told.background == ("limited", "answered", "async", "limited look-up", "routed", r"two\n# lines", "/limited")
    assert (told.path, told.fixed_paths) == ("/webhook", ("/plain", "/limited"))
    assert (told.reads_environment, told.has_flexible) == (False, True)
