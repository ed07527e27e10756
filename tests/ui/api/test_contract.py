"""The interface does what its OpenAPI document says, whatever is sent: requests made from it by schemathesis."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from api_client import Client
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rag import Engine
from ui.server.access import Access

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def hold(client: Client, examples: int) -> None:
    """Send requests to every operation and check the answers."""
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app)
    limits = hypothesis.settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    seen = 0
    for result in schema.get_all_operations():
        seen += 1

        @limits
        @hypothesis.given(case=result.ok().as_strategy())
        def sent(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        sent()
    assert seen > 10


@pytest.fixture
def client(own_engine: Engine) -> Client:
    return Client(own_engine, Access(names=("testserver",)))


def test_a_few_requests(client: Client) -> None:
    hold(client, 3)


@pytest.mark.long
def test_many_requests(client: Client) -> None:
    hold(client, 40)
