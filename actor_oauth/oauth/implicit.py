"""The implicit grant: an access token in the answer to the browser (RFC 6749 §4.2).

Legacy, and off by default: the token passes through the browser's address bar, nothing
ties it to the client that asked, and it cannot be bound to a key. So it is short-lived and
comes without a refresh token.

Otherwise it is a token like any other. A grant begins with a code, as always, which is
redeemed in the same turn and never leaves the server.
"""

from dataclasses import replace
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grant_types import IMPLICIT
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.redeem_code import CodeRequest, Redemption, redeem_grant

MAX_LIFETIME: Final = 600
"""Seconds, whatever the policy says."""


def decide_implicit(
    issued: IssuedCode, *, policy: Policy, fresh: bytes, now: int
) -> Redemption:
    """Redeem the code of a grant that has just begun.

    Args:
        issued: The grant and its code.
        policy: What the operator decided.
        fresh: The random bytes that the code was drawn from.
        now: The time of the turn.
    """
    usual = policy.lifetimes
    short = replace(usual, access_token=min(usual.access_token, MAX_LIFETIME))
    # As a client that has no refresh tokens, whatever else it is registered for.
    client = Client(
        client_id=issued.grant.client_id, redirect_uris=(), grant_types=(IMPLICIT,)
    )
    request = CodeRequest(issued.code, client, redirect_uri=None, code_verifier=None)
    shortened = replace(policy, lifetimes=short)
    return redeem_grant(request, issued.grant, policy=shortened, fresh=fresh, now=now)
