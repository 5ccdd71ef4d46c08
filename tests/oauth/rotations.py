"""Rotating a chain and retrying it, as decisions that were not refused."""

from actor_oauth.oauth.grants import Ending, GrantEvent
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import Retry, Rotation
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse
from tests.support.grants import ChainInMemory

REPLAYED = Ending(
    refused=Refused(Reason.REFRESH_REPLAYED), event=GrantEvent.REFRESH_REPLAYED
)


def rotated(
    chain: ChainInMemory, token: str, *, scope: Scope | None = None
) -> TokenResponse:
    decision = chain.refresh(token, scope=scope)
    assert isinstance(decision, Rotation)
    return decision.response


def retried(
    chain: ChainInMemory, token: str, *, scope: Scope | None = None
) -> TokenResponse:
    decision = chain.refresh(token, scope=scope)
    assert isinstance(decision, Retry)
    return decision.response


def head_of(response: TokenResponse) -> str:
    assert response.refresh_token is not None
    return response.refresh_token
