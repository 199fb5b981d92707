"""What a plan is not made for: missing, wrong and hostile values, and what does not go together."""

from pathlib import Path

import pytest

from tests.deploy.plans import BASE, DIRECTORY, MTLS, NETWORK, NUMBER, OTHER_PROJECT, asked, planned, refused

HOSTILE = ['a"b', "a'b", "$(touch x)", "`touch x`", "a\nb", "${x}", "a b", "a;b", "a|b", "a,b", "ä", "a\x00b"]
ORDINARY: dict[str, dict[str, str]] = {
    "project": {},
    "project-number": dict(OTHER_PROJECT),
    "region": {},
    "service": {},
    "agent-project": dict(OTHER_PROJECT),
    "agent-project-number": {},
    "agent-location": dict(DIRECTORY),
    "cx-service-account": {},
    "url": {},
    "webhook-path": {},
    "image": {},
    "service-account": {},
    "deployer": {},
    "memory": {},
    "network": dict(NETWORK),
    "subnet": dict(NETWORK),
    "proxy-range": dict(DIRECTORY),
    "firestore-database": {},
    "client-roots": dict(MTLS),
}


@pytest.mark.parametrize("option", ORDINARY)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_refused_and_not_repeated(option: str, value: str) -> None:
    for each in (value, f"hotel{value}", f"https://hotel.example{value}", f"/{value}"):
        said = refused(**{**ORDINARY[option], option: each})
        assert f"--{option} takes" in said
        assert each not in said


@pytest.mark.parametrize("option", ORDINARY)
def test_a_value_that_would_be_a_flag_is_refused(option: str) -> None:
    assert f"--{option} takes" in refused(**{**ORDINARY[option], option: "-x"})


@pytest.mark.parametrize(
    "secret",
    [
        "A=b",
        "A=b:latest",
        "a=b:1",
        "A=b c:1",
        "A=$(x):1",
        "A b=c:1",
        "/x=b:1",
        "/x/../$(y)=b:1",
        "A=b:1,C",
        "x/y=b:1",
        "A=b:1\n",
        "=b:1",
    ],
)
def test_a_secret_of_another_form_is_refused(secret: str) -> None:
    said = refused(f"--secret={secret}")
    assert "--secret takes VARIABLE=SECRET:NUMBER" in said
    assert secret not in said


@pytest.mark.parametrize("variable", ["CXFULFILL_PATH", "CXFULFILL_BASIC_PASWORD", "CXFULFILL_PROD__AUDIENCE"])
def test_a_setting_that_is_no_secret_is_refused_as_one(variable: str) -> None:
    assert "is no setting that holds a secret" in refused(f"--secret={variable}=a:1")


def test_a_secret_of_an_environments_own_policy_is_taken() -> None:
    planned("--secret=CXFULFILL_PROD__BASIC_CREDENTIALS=a:1", access="public", auth="basic")


@pytest.mark.parametrize("option", ["access", "project", "region", "service", "agent-project-number", "deployer"])
def test_what_is_always_needed_is_named(option: str) -> None:
    assert f"--{option}" in refused(**{option: None})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        *((DIRECTORY, each) for each in DIRECTORY if each != "access"),
        *((MTLS, each) for each in MTLS if each != "access"),
        *(({"store": "redis", **NETWORK}, each) for each in NETWORK),
        (OTHER_PROJECT, "project-number"),
    ],
)
def test_what_an_access_or_store_needs_is_named(given: dict[str, str], missing: str) -> None:
    assert f"--{missing} is missing: " in refused(**{**given, missing: None})


@pytest.mark.parametrize(
    ("more", "options", "said"),
    [
        ([], {"access": "internal", **OTHER_PROJECT}, "VPC Service Controls perimeter"),
        ([], {**DIRECTORY, "agent-location": "us-central1"}, "--agent-location must be the --region"),
        ([], {**DIRECTORY, "agent-location": "global"}, "has no location global"),
        ([], {"project-number": "42"}, "--agent-project is missing"),
        ([], {"agent-project": "agent-project", "project-number": NUMBER}, "--agent-project-number is the number"),
        ([], {"access": "iam", "auth": "google-id-token"}, "--access iam goes with --auth cloud-run-iam"),
        ([], {"access": "internal", "auth": "basic"}, "--access internal goes with --auth cloud-run-iam"),
        ([], {"access": "public", "auth": "cloud-run-iam"}, "goes with --auth another one than cloud-run-iam"),
        ([], {**MTLS, "auth": "cloud-run-iam"}, "goes with --auth another one than cloud-run-iam"),
        ([], {"access": "public", "auth": "basic"}, "needs --secret CXFULFILL_BASIC_CREDENTIALS=SECRET:NUMBER"),
        ([], {"access": "public", "auth": "header"}, "needs --secret CXFULFILL_HEADER_VALUE=SECRET:NUMBER"),
        ([], {"access": "public", "auth": "oauth-jwt"}, "needs --variable CXFULFILL_OAUTH_ISSUER=VALUE"),
        ([], {"access": "public", "auth": "oauth-introspection"}, "needs --secret CXFULFILL_OAUTH_CLIENT_SECRET="),
        (["--variable=A"], {}, "--variable takes NAME=VALUE"),
        (["--variable=a=b"], {}, "--variable takes NAME=VALUE"),
        (["--variable=A=b\nc"], {}, "--variable takes NAME=VALUE"),
        (["--variable=$(x)=b"], {}, "--variable takes NAME=VALUE"),
        (["--variable=CXFULFILL_BASIC_PASSWORD=hunter2"], {}, "CXFULFILL_BASIC_PASSWORD is a secret; use --secret"),
        (["--variable=CXFULFILL_AUDIENZ=x"], {}, "CXFULFILL_AUDIENZ is no setting"),
        (["--variable=CXFULFILL_THREADS=9"], {}, "CXFULFILL_THREADS has its value already"),
        (["--variable=A=1", "--variable=A=2"], {}, "A has its value already"),
        (["--variable=A=1", "--secret=A=b:1"], {}, "A has its value already"),
        (["--variable=A=,|;#@~"], {}, "one of which must stand between them"),
        (["--secret=A=a:1", "--secret=A=b:1"], {}, "a variable or file twice"),
        (["--secret=/a/b=a:1", "--secret=/a/c=b:1"], {}, "needs a folder of its own"),
        (["--secret=CXFULFILL_STORE=a:1"], {"store": "firestore"}, "--store firestore sets CXFULFILL_STORE"),
        ([], {"max-instances": "2"}, "several instances need --store redis or firestore"),
        ([], {"min-instances": "2"}, "several instances need --store redis or firestore"),
        ([], {"store": "firestore", "min-instances": "3", "max-instances": "2"}, "not below --min-instances"),
        ([], {"workers": "4", "threads": "251"}, "is above 1000"),
        ([], {"threads": "8", "max-in-flight": "8"}, "leave it out for 20"),
        ([], {"webhook-path": "/cxz"}, "never reaches a container"),
        ([], {"webhook-path": "/_ah/cx"}, "never reaches a container"),
        ([], {"service": "a" * 49, "agent-project-number": "1" * 19}, "--service is too long"),
        ([], {"proxy-range": "10.0.0.0/99"}, "--proxy-range takes a range"),
    ],
)
def test_what_does_not_go_together_is_refused(more: list[str], options: dict[str, str], said: str) -> None:
    assert said in refused(*more, **options)


def test_the_terraform_file_needs_an_image(tmp_path: Path) -> None:
    assert "--image is missing" in refused(f"--terraform={tmp_path / 'main.tf'}")
    assert not (tmp_path / "main.tf").exists()


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("mine", encoding="utf-8")
    assert "main.tf is there already" in refused(f"--terraform={tmp_path / 'main.tf'}", image="a/b:1")
    assert (tmp_path / "main.tf").read_text(encoding="utf-8") == "mine"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    said = refused(f"--terraform={tmp_path / 'none' / 'main.tf'}", image="a/b:1")
    assert "main.tf cannot be written: No such file or directory" in said


def test_a_name_that_is_long_makes_names_that_are_allowed() -> None:
    text = planned(service="a" * 49, store="redis", **NETWORK)
    assert f"gcloud iam service-accounts create {'a' * 22}-runtime" in text
    assert f"gcloud redis instances create {'a' * 30}-calls" in text


def test_no_option_is_guessed_from_the_beginning_of_another() -> None:
    assert asked("--proj=x").exit_code == 2
    assert BASE["access"] == "iam"
