"""Settings that can't be right do not start, and the sentence says what they are and what to take."""

import logging
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import BasicAuth, ConfigurationError, FileSecret, GoogleIdToken, HeaderSecret, dialogflow_service_agent
from cxfulfill.auth.introspection import OAuthIntrospection
from cxfulfill.auth.sources import FILE_MAX_AGE
from tests.auth.test_secrets import replace
from tests.auth.tokens_support import AUDIENCE
from tests.clock import Clock
from tests.pipeline.support import SECRET, Counted, basic, post

PASSWORD = "a-long-random-password"
VERSION = "projects/my-project/secrets/cx-webhook/versions/latest"


def introspecting(secret: str, **options: Any) -> OAuthIntrospection:
    return OAuthIntrospection(
        endpoint="https://idp.example/ask", client_id="own", client_secret=secret, issuer="https://idp.example/",
        client_ids="cx", **options,
    )  # fmt: skip


TAKERS: list[Any] = [
    lambda value, **weak: BasicAuth("cx", value, **weak), BasicAuth.from_credentials, introspecting,
    lambda value, **weak: HeaderSecret("Authorization", value, **weak),
    lambda value, **weak: HeaderSecret("X-Key", f"Bearer {value}", **weak),
]  # fmt: skip


@pytest.mark.parametrize("weak", [{}, {"allow_weak": True}])
@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize(
    ("value", "source"),
    [
        (VERSION, "SecretManager"), (VERSION.partition("/versions")[0], "SecretManager"),
        ("/run/secrets/cx-webhook", "FileSecret"), ("/var/run/cx/password", "FileSecret"),
        ("/etc/cx/password.txt", "FileSecret"), ("/secrets/cx-password", "FileSecret"),
        ("/cx/keys/webhook.txt", "FileSecret"), ("/run/secrets/CX_WEBHOOK", "FileSecret"),
    ],
)  # fmt: skip
def test_the_name_of_a_secret_is_no_secret(value: str, source: str, take: Any, weak: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"names a secret.*take {source}\(\.\.\.\)") as raised:
        take(value, **weak)
    assert value not in str(raised.value)


@pytest.mark.parametrize(
    "value",
    ["/Ab3+9f2c1d774c60b1aa88f4==", "/Run/9f2c1d774c60b1aa", "projects-of-mine-9f2c-1d77", "/runaway-9f2c1d774c60"],
)
def test_a_secret_that_only_looks_a_little_like_a_name(value: str) -> None:
    assert HeaderSecret("X-Key", value)


@pytest.mark.parametrize(
    "value", ["$session.params.token-of-the-user", "Bearer $session.params.key", "x-$sys.func.RAND()"]
)
def test_a_header_that_a_user_can_influence(value: str) -> None:
    with pytest.raises(ConfigurationError, match="refers to a session parameter or function"):
        HeaderSecret("X-Key", value, allow_weak=True)


@pytest.mark.parametrize("value", [f"X-Api-Key: {PASSWORD}", f"x-api-key:{PASSWORD}"])
def test_a_header_s_name_is_no_part_of_its_value(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"begins with the header's own name.*the value alone") as raised:
        HeaderSecret("X-Api-Key", value)
    assert PASSWORD not in str(raised.value)
    assert HeaderSecret("X-Other", value)


@pytest.mark.parametrize("value", [f" {PASSWORD}", f"{PASSWORD} ", f"{PASSWORD} \n"])
def test_a_password_with_spaces_at_its_ends(value: str) -> None:
    with pytest.raises(ConfigurationError, match="begins or ends with a space"):
        BasicAuth.from_credentials(f"cx:{value}")
    for weak in (False, True):
        with pytest.raises(ConfigurationError, match="begins or ends with a space"):
            BasicAuth("cx", value, allow_weak=weak)


def test_spaces_within_a_password() -> None:
    webhook = Counted(BasicAuth("cx", "open sesame, said Ali Baba"))
    assert post(webhook, headers={"Authorization": basic("cx:open sesame, said Ali Baba")}).status == 200


@pytest.mark.parametrize(
    "account",
    [
        "@",
        "a@",
        "@b",
        "a@@b",
        "a@b@c",
        " a@b",
        "a@b ",
        "a @b",
        "a@b\n",
        "a\t@b",
        "nobody",
        "",
        5,
        "a@b.example,c@d.example",
    ],
)
def test_what_is_no_service_account(account: Any) -> None:
    with pytest.raises(ConfigurationError, match="service_accounts must be e-mail addresses"):
        GoogleIdToken(audience=AUDIENCE, service_accounts=[account])


@pytest.mark.parametrize("number", [0, "0", "00", "0123"])
def test_project_number_0(number: Any) -> None:
    with pytest.raises(ConfigurationError, match="project_number must be the number"):
        dialogflow_service_agent(number)


# What is wrong with a weak secret.

WEAK = [
    ("shorty", "is too short: it takes 16 random characters"), ("Bearer 9f2c1d774c60", "is too short"),
    ("changeme", "is a placeholder"), ("<YOUR_CREDENTIAL>", "is a placeholder"),
    ("password-0123456789", "is a placeholder"), ("aaaabbbbaaaabbbb", "has too few different characters"),
    (f"{PASSWORD}\nx", "has a newline in it"), (f"{PASSWORD}\r\nx", "has a newline in it"),
    (f"{PASSWORD}\n\n", "has a newline in it"), (f"{PASSWORD}\x00", "has control characters"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "problem"), WEAK)
def test_what_is_wrong_with_a_secret(value: str, problem: str) -> None:
    for make in (lambda: HeaderSecret("X-Key", value), lambda: BasicAuth("cx", value), lambda: introspecting(value)):
        with pytest.raises(ConfigurationError, match=problem) as raised:
            make()
        assert sum(each in str(raised.value) for each in ("too short", "placeholder", "too few", "newline")) <= 1


# Files.


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    for path in (tmp_path, Path()):
        with pytest.raises(ConfigurationError, match="it is a directory; name the file in it"):
            FileSecret(path)


def test_an_empty_path() -> None:
    with pytest.raises(ConfigurationError, match="FileSecret takes the path of a file; this one is empty"):
        FileSecret("")


def test_what_is_no_regular_file() -> None:
    with pytest.raises(ConfigurationError, match="it is no regular file"):
        FileSecret("/dev/null")


def test_a_file_that_is_gone_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, clock = tmp_path / "cx-secret", Clock()
    file.write_text(SECRET)
    webhook = Counted(HeaderSecret("X-Key", FileSecret(file, clock=clock)))
    file.unlink()
    clock.seconds += FILE_MAX_AGE
    with caplog.at_level(logging.INFO):
        assert post(webhook, headers={"X-Key": SECRET}).status == 503
    problem = "FileNotFoundError; mount the secret there, readable by this process"
    assert caplog.messages[0] == f"secret could not be fetched from FileSecret('{file}'): {problem}"
    assert f"note=\"no secret from FileSecret('{file}'): {problem}\"" in caplog.messages[1]
    replace(file, "x" * 70_000)
    clock.seconds += FILE_MAX_AGE
    assert post(webhook, headers={"X-Key": SECRET}).status == 503
    assert all(message.count(str(file)) == 1 for message in caplog.messages)
