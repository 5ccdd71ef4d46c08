"""What decorators demand, where the function is reached without a server in front."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from pydantic import BaseModel

from actor_oauth.mcp import (
    Caller,
    NotPermittedError,
    current_caller,
    require,
    require_scope,
)
from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.oauth.tokens import AccessTokenInfo
from tests.mcp.protected_server import ISSUER, token_info

RESOURCE = "http://127.0.0.1/mcp"


class Member(BaseModel):  # type: ignore[explicit-any]  # pydantic's own
    """Props as the application types them."""

    role: str


def is_admin(caller: Caller) -> bool:
    return caller.props_as(Member).role == "admin"


@contextmanager
def serving_for(info: AccessTokenInfo) -> Iterator[None]:
    """Run the block as the SDK runs a tool that this token's holder called."""
    user = AuthenticatedUser(VerifiedAccessToken.of(info, issuer=ISSUER))
    token = auth_context_var.set(user)
    try:
        yield
    finally:
        auth_context_var.reset(token)


@require(is_admin)
@require_scope("notes:write")
def guarded_function() -> str:
    """A function with both demands."""
    return "done"


@require_scope("notes:write")
async def guarded_coroutine() -> str:
    """An asynchronous one."""
    return current_caller().client_id


def test_a_decorated_function_refuses_however_it_was_reached() -> None:
    with pytest.raises(NotPermittedError, match=r"may not do that\.$"):
        guarded_function()
    with (
        serving_for(token_info("alice", RESOURCE, {"role": "admin"})),
        pytest.raises(NotPermittedError, match="needs the scopes: notes:write"),
    ):
        guarded_function()
    scopes = ("mcp", "notes:write")
    with (
        serving_for(token_info("alice", RESOURCE, {"role": "guest"}, scopes)),
        pytest.raises(NotPermittedError, match=r"may not do that\.$"),
    ):
        guarded_function()
    with serving_for(token_info("alice", RESOURCE, {"role": "admin"}, scopes)):
        assert guarded_function() == "done"


async def test_a_decorated_coroutine_function_refuses_too() -> None:
    with pytest.raises(NotPermittedError):
        await guarded_coroutine()
    with serving_for(token_info("alice", RESOURCE, scope=("notes:write",))):
        assert await guarded_coroutine() == "client"


def test_a_client_that_calls_for_itself_is_no_user() -> None:
    info = replace(token_info("client", RESOURCE), principal="client")
    with serving_for(info):
        caller = current_caller()
    assert (caller.subject, caller.principal) == ("client", "client")
    assert caller.props is None
    with pytest.raises(LookupError):
        caller.user_id  # noqa: B018  it raises


def test_demands_need_scopes() -> None:
    with pytest.raises(ValueError, match="which scope"):
        require_scope()
    with pytest.raises(ValueError, match="grammar"):
        require_scope("two words")
