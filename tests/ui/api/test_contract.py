"""The interface does what its OpenAPI document says, whatever is sent: requests made from it by schemathesis."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
import quick_hashes
import schemathesis
from api_client import Client
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rag import Engine, Role, Users
from ui.server.access import Access

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def hold(client: Client, examples: int, reads: str = "", **headers: str) -> None:
    """Send requests with some headers to every operation and check the answers; `reads` is a key for the document."""
    bearer = {"authorization": f"Bearer {reads}"} if reads else {}
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app, headers=bearer)
    limits = hypothesis.settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    seen = 0
    for result in schema.get_all_operations():
        seen += 1

        @limits
        @hypothesis.given(case=result.ok().as_strategy())
        def sent(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, headers=headers)

        sent()
    assert seen > 10


@pytest.fixture
def client(own_engine: Engine) -> Client:
    return Client(own_engine, Access(names=("testserver",)))


def test_a_few_requests(client: Client) -> None:
    hold(client, 3)


@pytest.fixture
def users(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Users]:
    quick_hashes.use(monkeypatch)
    with Users(own_engine.settings.store) as users:
        users.add("ada", "correct horse", Role.ADMIN)
        yield users


@pytest.mark.parametrize("role", [None, *Role])
def test_a_few_requests_where_there_are_users(own_engine: Engine, users: Users, role: Role | None) -> None:
    client = Client(own_engine, Access(names=("testserver",), users=users))
    key = {"authorization": f"Bearer {users.add_key('ada', 'k', role)}"} if role else {}
    hold(client, 2, users.add_key("ada", "reads"), **key)


@pytest.mark.long
def test_many_requests(client: Client) -> None:
    hold(client, 40)
