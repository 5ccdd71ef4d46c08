"""Identity scopes: what a request for them is about, and what a grant keeps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.authorization_request import RedirectRefusal
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.device import DeviceRequest, decide_device_request
from actor_oauth.oauth.openid import MAX_NONCE_LENGTH, Authentication, userinfo_url
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.resources import known_scopes
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Reason
from tests.oauth.authorization_requests import (
    CLIENT,
    MCP,
    POLICY,
    TWO_RESOURCES,
    accepted,
    decide,
)

ON = replace(POLICY, openid_enabled=True)
TWO = replace(TWO_RESOURCES, openid_enabled=True)
USERINFO = "https://h.example/userinfo"


@pytest.mark.requirement("C-08", "C-09")
@pytest.mark.parametrize("policy", [ON, TWO])
@pytest.mark.parametrize(
    "scope", ["openid", "openid profile email", "openid offline_access"]
)
def test_who_only_asks_who_it_is_gets_no_access_to_anything(
    policy: Policy, scope: str
) -> None:
    request = accepted(CLIENT, policy, scope=scope)

    assert request.resource == USERINFO == userinfo_url(policy)
    assert str(request.scope) == scope


@pytest.mark.requirement("C-08", "C-09")
def test_identity_goes_along_with_a_resource() -> None:
    request = accepted(CLIENT, ON, scope="openid mcp email nonsense")
    assert request.resource == MCP.identifier
    assert str(request.scope) == "openid mcp email"

    named = accepted(CLIENT, TWO, scope="openid", resource=MCP.identifier)
    assert named.resource == MCP.identifier
    # Not the default scopes: it asked for something, and not for those.
    assert str(named.scope) == "openid"

    itself = accepted(CLIENT, TWO, scope="openid mcp", resource=USERINFO)
    assert (itself.resource, str(itself.scope)) == (USERINFO, "openid")


@pytest.mark.requirement("C-08")
def test_names_and_addresses_mean_nothing_without_openid() -> None:
    assert str(accepted(CLIENT, ON, scope="mcp profile email").scope) == "mcp"
    for changes in ({"scope": "profile"}, {"resource": USERINFO}):
        decision = decide(CLIENT, ON, **changes)
        assert isinstance(decision, RedirectRefusal)
        assert decision.reason is Reason.SCOPE_UNKNOWN


@pytest.mark.requirement("A-08", "C-08")
def test_while_it_is_off_there_is_no_trace_of_it() -> None:
    request = accepted(scope="openid mcp", nonce="n")
    assert (str(request.scope), request.nonce) == ("mcp", None)
    assert "openid" not in known_scopes(POLICY)
    decision = decide(CLIENT, POLICY, resource=USERINFO)
    assert isinstance(decision, RedirectRefusal)
    assert decision.reason is Reason.RESOURCE_UNKNOWN


@pytest.mark.requirement("C-08")
def test_the_operators_limit_counts_for_identity_too() -> None:
    limited = replace(CLIENT, origin="pre-registered", scope=Scope(("mcp", "email")))
    assert str(accepted(limited, ON, scope="openid mcp email").scope) == "mcp"
    told = replace(limited, scope=Scope(("openid", "email")))
    assert str(accepted(told, ON, scope="openid profile email").scope) == "openid email"


def test_a_nonce_is_kept_as_it_came_and_not_at_any_length() -> None:
    assert accepted(CLIENT, ON, nonce="n-0S6").nonce == "n-0S6"
    decision = decide(CLIENT, ON, nonce="n" * (MAX_NONCE_LENGTH + 1))
    assert isinstance(decision, RedirectRefusal)
    assert decision.reason is Reason.NONCE_TOO_LONG


def test_a_client_may_have_registered_how_old_a_sign_in_may_be() -> None:
    strict = replace(CLIENT, openid=OpenIdClient(default_max_age=60))
    assert accepted(strict, ON, scope="openid").max_age == 60
    assert accepted(strict, ON, scope="openid", max_age="0").max_age == 0
    assert accepted(CLIENT, ON, scope="openid").max_age is None


def test_a_device_may_ask_who_it_is() -> None:
    device = Client(client_id="tv", redirect_uris=())
    request = decide_device_request(device, scope="openid", resources=(), policy=TWO)
    assert request == DeviceRequest(
        client_id="tv", scope=Scope(("openid",)), resource=USERINFO
    )


@given(
    st.none() | st.integers(1, 2**40),
    st.lists(st.text()).map(tuple),
    st.none() | st.text(),
    st.none() | st.text(),
)
def test_an_authentication_is_read_back_as_it_was(
    auth_time: int | None,
    methods: tuple[str, ...],
    session: str | None,
    nonce: str | None,
) -> None:
    authentication = Authentication(
        auth_time=auth_time, methods=methods, session=session, nonce=nonce
    )
    record = authentication.to_record()
    assert Authentication.from_record(record, auth_time=auth_time) == authentication
    assert Authentication.from_record(None, auth_time=auth_time) == Authentication(
        auth_time=auth_time
    )
    assert authentication.without_nonce() == replace(authentication, nonce=None)
