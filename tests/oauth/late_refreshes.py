"""Chains of refreshes that come late, and the rules that judge them."""

from dataclasses import replace

from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.refresh_chain import Rejection, Renewal, Retry, Rotation
from actor_oauth.oauth.refresh_reuse import RefreshRules
from actor_oauth.oauth.tokens import TokenResponse
from tests.support.grants import GRACE, START, ChainInMemory, Outcome, a_chain, a_policy

DAY = 86_400


OWNER = Proof(jkt="owner", key=b"", issued_at=START)
THIEF = Proof(jkt="thief", key=b"", issued_at=START)


def a_chain_of(
    rules: RefreshRules, *, generations: int = 3, jkt: str | None = None
) -> tuple[ChainInMemory, list[str]]:
    """Give a chain that has rotated some times, a window apart, and all its tokens."""
    chain, token = a_chain(policy=a_policy(rules=rules))
    chain.grant = replace(chain.grant, refresh_jkt=jkt)
    proof = None if jkt is None else Proof(jkt=jkt, key=b"", issued_at=START)
    tokens = [token]
    for _ in range(generations - 1):
        response = answered(chain.refresh(tokens[-1], proof=proof))
        tokens.append(head_of(response))
        chain.now += GRACE + 1
    return chain, tokens


def answered(outcome: Outcome) -> TokenResponse:
    assert isinstance(outcome, Rotation | Renewal | Retry), outcome
    return outcome.response


def head_of(response: TokenResponse) -> str:
    assert response.refresh_token is not None
    return response.refresh_token


def rejected(outcome: Outcome) -> Rejection:
    assert isinstance(outcome, Rejection), outcome
    return outcome
