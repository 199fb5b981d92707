"""Ours pass the contracts, and a part that breaks one is found out."""

import ast
import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AnyOf,
    Authenticator,
    BasicAuth,
    EnvironmentSecret,
    FileSecret,
    Forbidden,
    HeaderSecret,
    HttpRequest,
    KeyDocument,
    KeySource,
    NeedsIO,
    NotFound,
    Principal,
    SecretSource,
    Unauthorized,
)
from cxfulfill.testing import AuthenticatorContract, KeySourceContract, SecretSourceContract
from tests.auth.tokens_support import Source, app_g, claims, token
from tests.pipeline.support import basic

SENTENCE = re.compile(r"[a-z`].{20,}")
PASSWORD = "a-long-random-password"
KEY = "the-key-of-the-contract"


class TestBasic(AuthenticatorContract):
    def authenticator(self) -> Authenticator:
        return BasicAuth("cx", PASSWORD)

    def accepted(self) -> Iterable[Mapping[str, str]]:
        return [{"Authorization": basic(f"cx:{PASSWORD}")}]

    def refused(self) -> Iterable[Mapping[str, str]]:
        return [{"Authorization": basic("cx:another")}]


class TestHeader(TestBasic):
    def authenticator(self) -> Authenticator:
        return HeaderSecret("X-Key", KEY)

    def accepted(self) -> Iterable[Mapping[str, str]]:
        return [{"x-key": KEY}]


class TestGoogle(TestBasic):
    def authenticator(self) -> Authenticator:
        return app_g(Source())

    def accepted(self) -> Iterable[Mapping[str, str]]:
        return [{"Authorization": f"Bearer {token()}"}]

    def refused(self) -> Iterable[Mapping[str, str]]:
        return [{"Authorization": f"Bearer {token(claims(email='x@y.z'))}"}]


class TestCombined(TestBasic):
    def authenticator(self) -> Authenticator:
        return AllOf(AnyOf(BasicAuth("cx", PASSWORD), app_g(Source())), HeaderSecret("X-Key", KEY))

    def accepted(self) -> Iterable[Mapping[str, str]]:
        return [{"Authorization": value, "X-Key": KEY} for value in (basic(f"cx:{PASSWORD}"), f"Bearer {token()}")]


class TestKeys(KeySourceContract):
    def source(self) -> KeySource:
        return Source()


class TestFile(SecretSourceContract):
    @pytest.fixture(autouse=True)
    def written(self, tmp_path: Path) -> None:
        self.path = tmp_path / "secret"
        self.path.write_text(PASSWORD)

    def source(self) -> SecretSource:
        return FileSecret(self.path)

    def secret(self) -> str:
        return PASSWORD


class TestEnvironment(SecretSourceContract):
    @pytest.fixture(autouse=True)
    def variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CX_PASSWORD", PASSWORD)

    def source(self) -> SecretSource:
        return EnvironmentSecret("CX_PASSWORD")

    def secret(self) -> str:
        return PASSWORD


class TestCold(TestEnvironment):
    def source(self) -> SecretSource:
        return Cold()


class Cold:
    def __init__(self) -> None:
        self.held = ""

    def get(self) -> str:
        if not self.held:
            raise NeedsIO(lambda: setattr(self, "held", PASSWORD))
        return self.held


class Careless:
    """Authenticators that break the contract, each in a way of its own."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.count = 0

    def authenticate(self, http: HttpRequest) -> Principal:
        self.count += 1
        faults: dict[str, Any] = {
            "reads": lambda: http.body.read(1, 1.0), "never settles": self._never_settles,
            "another status": lambda: self._raise(NotFound()), "fails": lambda: http.headers["X-Key"][100],
        }  # fmt: skip
        if self.fault in faults:
            faults[self.fault]()
        if self.fault != "accepts all" and http.headers.get("X-Key") != KEY:
            raise Unauthorized
        return Principal("" if self.fault == "no name" else f"cx{self.count * (self.fault == 'changes')}", "own")

    def _never_settles(self) -> None:
        raise NeedsIO(lambda: None)

    def _raise(self, error: Exception) -> None:
        raise error

    def __repr__(self) -> str:
        return f"Careless({KEY})" if self.fault == "shows" else "Careless()"

    credential_headers = frozenset({"x-key"})


@pytest.mark.parametrize(
    "fault", ["reads", "never settles", "another status", "fails", "accepts all", "no name", "changes", "shows"]
)
def test_a_broken_authenticator_is_found_out(fault: str) -> None:
    class Broken(AuthenticatorContract):
        def authenticator(self) -> Authenticator:
            return Careless(fault)

        def accepted(self) -> Iterable[Mapping[str, str]]:
            return [{"X-Key": KEY}]

        def refused(self) -> Iterable[Mapping[str, str]]:
            return [{"X-Key": "another"}]

    tests = [getattr(Broken(), name) for name in dir(Broken) if name.startswith("test_")]

    def run() -> None:
        for test in tests:
            test()

    with pytest.raises((AssertionError, IndexError, KeyError, NotFound)) as raised:
        run()
    if isinstance(raised.value, AssertionError):
        assert SENTENCE.match(str(raised.value))
    assert KEY not in str(raised.value)
    fault = "none"
    run()


def test_a_forbidden_caller_needs_no_challenge() -> None:
    class Closed(AuthenticatorContract):
        def authenticator(self) -> Authenticator:
            return Never()

        def accepted(self) -> Iterable[Mapping[str, str]]:
            return []

        def refused(self) -> Iterable[Mapping[str, str]]:
            return [{"X-Key": KEY}]

    Closed().test_it_refuses()


class Never:
    def authenticate(self, http: HttpRequest) -> Principal:
        raise Forbidden


@pytest.mark.parametrize("content", [b"[]", b"<html>"])
def test_a_broken_source_of_keys_is_found_out(content: bytes) -> None:
    class Broken(KeySourceContract):
        def source(self) -> KeySource:
            return Source(content=content)

    with pytest.raises(AssertionError, match="the document must be a JSON object"):
        Broken().test_it_gives_a_document()
    with pytest.raises(AssertionError, match="a cache holds nothing of what it gives"):
        Broken().test_a_cache_takes_it()


def test_a_source_of_keys_with_an_odd_age_is_found_out() -> None:
    class Broken(KeySourceContract):
        def source(self) -> KeySource:
            return Source(max_age=-1)

    with pytest.raises(AssertionError, match="max_age must be seconds, or None"):
        Broken().test_it_gives_a_document()


@pytest.mark.parametrize("given", ["changes", "shows", "text"])
def test_a_broken_source_of_a_secret_is_found_out(given: str) -> None:
    class Own:
        count = 0

        def get(self) -> Any:
            self.count += 1
            return {"changes": f"{PASSWORD}{self.count}", "text": PASSWORD.encode()}.get(given, PASSWORD)

        def __repr__(self) -> str:
            return f"Own({PASSWORD})"

    class Broken(SecretSourceContract):
        def source(self) -> SecretSource:
            return Own()

        def secret(self) -> str:
            return PASSWORD

    test = Broken().test_it_hides_the_secret if given == "shows" else Broken().test_it_gives_the_secret
    with pytest.raises(AssertionError) as raised:
        test()
    assert SENTENCE.match(str(raised.value))
    assert PASSWORD not in str(raised.value).partition("\n")[0]


@pytest.mark.parametrize("contract", [AuthenticatorContract, KeySourceContract, SecretSourceContract])
def test_a_contract_says_what_it_needs(contract: Any) -> None:
    for name in ("authenticator", "accepted", "refused", "source", "secret"):
        if hasattr(contract, name):
            with pytest.raises(NotImplementedError, match=rf"^write {name}\(\): "):
                getattr(contract(), name)()


def test_a_contract_without_cases_proves_nothing() -> None:
    class Nothing(AuthenticatorContract):
        def authenticator(self) -> Authenticator:
            return BasicAuth("cx", PASSWORD)

        def accepted(self) -> Iterable[Mapping[str, str]]:
            return iter(())

        def refused(self) -> Iterable[Mapping[str, str]]:
            return iter(())

    for test in (Nothing().test_it_accepts, Nothing().test_it_hides_secrets):
        with pytest.raises(AssertionError, match=r"accepted\(\) gives no case"):
            test()
    with pytest.raises(AssertionError, match=r"refused\(\) gives no case"):
        Nothing().test_it_refuses()


def test_cases_may_come_one_by_one() -> None:
    class OneByOne(AuthenticatorContract):
        def authenticator(self) -> Authenticator:
            return BasicAuth("cx", PASSWORD)

        def accepted(self) -> Iterable[Mapping[str, str]]:
            yield {"Authorization": basic(f"cx:{PASSWORD}")}

        def refused(self) -> Iterable[Mapping[str, str]]:
            yield {"Authorization": basic("cx:another")}

    for name in dir(OneByOne):
        if name.startswith("test_"):
            getattr(OneByOne(), name)()


def test_no_assertion_of_a_contract_is_bare() -> None:
    tree = ast.parse(Path(inspect.getfile(AuthenticatorContract)).read_text(encoding="utf-8"))
    bare = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert) and node.msg is None]
    assert bare == []


def test_a_document_s_age_may_be_unknown() -> None:
    assert KeyDocument(b"{}").max_age is None
