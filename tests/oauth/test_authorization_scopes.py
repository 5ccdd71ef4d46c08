"""Authorization requests: which scopes of which resource may be granted."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Reason
from tests.oauth.authorization_requests import (
    API,
    CLIENT,
    MCP,
    POLICY,
    TWO_RESOURCES,
    VALID,
    accepted,
    redirected,
)


@pytest.mark.requirement("C-08")
@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (None, "mcp"),
        ("", "mcp"),
        ("tools", "tools"),
        ("tools nonsense", "tools"),
        ("tools offline_access", "tools offline_access"),
        ("offline_access mcp tools", "mcp tools offline_access"),
        ("offline_access", "mcp offline_access"),
        ("mcp mcp", "mcp"),
    ],
)
def test_what_may_be_granted_of_what_is_asked(scope: str | None, granted: str) -> None:
    assert str(accepted(scope=scope).scope) == granted


@pytest.mark.requirement("C-08", "D-19")
def test_offline_access_is_for_clients_with_the_refresh_grant() -> None:
    without = replace(CLIENT, grant_types=("authorization_code",))
    assert str(accepted(without, scope="mcp offline_access").scope) == "mcp"


@pytest.mark.requirement("C-08")
def test_a_scope_is_one_of_the_requested_resource() -> None:
    api = {"resource": "https://h.example/api"}
    assert str(accepted(CLIENT, TWO_RESOURCES, scope="mcp read", **api).scope) == "read"
    assert str(accepted(CLIENT, TWO_RESOURCES, **api).scope) == "read"
    assert redirected(CLIENT, TWO_RESOURCES, scope="mcp", **api) is Reason.SCOPE_UNKNOWN


@pytest.mark.requirement("C-08")
def test_the_scope_of_a_client_is_a_limit_if_an_operator_set_it() -> None:
    limited = replace(CLIENT, origin="pre-registered", scope=Scope(("tools",)))
    assert str(accepted(limited, scope="mcp tools").scope) == "tools"
    assert str(accepted(limited).scope) == "tools"
    assert redirected(limited, scope="mcp") is Reason.SCOPE_UNKNOWN
    foreign = replace(limited, scope=Scope(("read",)))
    assert redirected(foreign) is Reason.SCOPE_UNKNOWN


@pytest.mark.requirement("C-08")
def test_a_client_may_ask_for_more_than_it_once_registered_itself() -> None:
    dynamic = replace(CLIENT, scope=Scope(("mcp",)))
    assert str(accepted(dynamic, scope="mcp tools").scope) == "mcp tools"


@pytest.mark.requirement("C-09")
def test_an_omitted_resource_needs_to_be_the_only_one() -> None:
    assert accepted().resource == "https://h.example/mcp"
    assert redirected(CLIENT, TWO_RESOURCES) is Reason.RESOURCE_UNKNOWN


@pytest.mark.requirement("C-08", "A-13")
def test_who_names_no_scope_gets_what_the_guard_will_require() -> None:
    needy = replace(MCP, scopes=("mcp", "write", "x"), required_scopes=("write",))
    policy = replace(POLICY, resources=(needy,))
    assert accepted(CLIENT, policy).scope.names == ("mcp", "write")


@pytest.mark.requirement("C-09")
def test_one_request_is_about_one_resource() -> None:
    def asked(*resources: str) -> object:
        pairs = [*VALID.items(), *(("resource", url) for url in resources)]
        return decide_authorization_request(parameters_of(pairs), CLIENT, TWO_RESOURCES)

    # Codex sent the same resource twice.
    assert isinstance(asked(MCP.identifier, MCP.identifier), AuthorizationRequest)
    assert isinstance(asked(MCP.identifier, API.identifier), RedirectRefusal)
