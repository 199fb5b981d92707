"""Flexible routes and tags, called with what schemathesis makes of their description: right values, wrong or none."""

import logging
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from cxfulfill import Webhook
from cxfulfill.openapi import describe, for_tools
from cxfulfill.openapi.schemas import OPENAPI
from tests.server.flexible_app import PARTNER_KEY, PASSWORD, USERNAME
from tests.server.flexible_app import webhook as own

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, ignored_auth,
]  # fmt: skip
AUTH = {
    "BasicAuth": {"username": USERNAME, "password": PASSWORD},
    "Header-x-partner-key": {"api_key": PARTNER_KEY},
}
Answered = dict[str, set[int]]


def loaded(webhook: Webhook, document: Any) -> Any:
    settings = {
        "seed": 1,
        "generation": {"max-examples": 30, "deterministic": True, "no-shrink": True, "database": "none"},
        "auth": {"openapi": {name: AUTH[name] for name in document["components"]["securitySchemes"]} or AUTH},
    }
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(settings))
    schema.app = webhook
    return schema


def example() -> Webhook:
    """Import the example app anew, with credentials of these tests."""
    name = "example_app.main"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTEL_USERNAME", USERNAME)
        patch.setenv("HOTEL_PASSWORD", PASSWORD)
        patch.delitem(sys.modules, name, raising=False)
        webhook: Webhook = import_module(name).webhook
        del sys.modules[name]
    return webhook


EXAMPLE = example()
TAGS = ("book-room", "airport-transfer", "welcome")
"""Parameters by pydantic, by marshmallow, and none."""
SCHEMAS = {
    "own": loaded(own, describe(own)),
    "own_for_tools": loaded(own, for_tools(describe(own)).document),
    "example_app": loaded(EXAMPLE, describe(EXAMPLE)),
    "example_app_for_tools": loaded(EXAMPLE, for_tools(describe(EXAMPLE)).document),
    **{tag.replace("-", "_"): loaded(EXAMPLE, for_tools(describe(EXAMPLE, tag=tag)).document) for tag in TAGS},
}


@pytest.fixture(scope="module")
def answered() -> Iterator[Answered]:
    """The statuses of each operation that was called; among them must be a 200."""
    log = logging.getLogger("cxfulfill")
    before = log.level
    log.setLevel(logging.CRITICAL)  # a failed test would show a line for each of its calls
    found: Answered = defaultdict(set)
    yield found
    log.setLevel(before)
    assert [label for label, statuses in found.items() if 200 not in statuses] == []


@schemathesis.pytest.parametrize(**{name: schema for name, schema in SCHEMAS.items() if schema.raw_schema["paths"]})
def test_no_call_is_answered_otherwise_than_described(case: schemathesis.Case[Any], answered: Answered) -> None:
    document = case.operation.schema.raw_schema
    # What an entity takes besides its shape is no part of its JSON schema, and the example app has entities.
    also: list[Any] = [positive_data_acceptance] if case.operation.app is own else []
    # To a tool not every operation is told.
    also += [unsupported_method] if document["openapi"] == OPENAPI else []
    response = case.call_and_validate(checks=[*CHECKS, *also])
    answered[f"{document['openapi']} {document['info']['title']}: {case.operation.label}"].add(response.status_code)
