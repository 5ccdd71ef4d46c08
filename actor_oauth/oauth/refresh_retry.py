"""Retries: an older refresh token leads to the chain's head again.

Nothing that is stored is a token, so the head is derived again: from the presented token
along the links, each step an HMAC under the server's key. What comes out counts only if
its hash is the head's.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.oauth.authorization_details import narrow_details
from actor_oauth.oauth.grants import (
    ROUNDING,
    Grant,
    covers_resources,
    issue_access_token,
    token_response,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import (
    Accepted,
    Chain,
    Link,
    RefreshRequest,
    Retry,
    StoredRefreshToken,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, TokenKind, token_hash

MAX_STEPS: Final = 1024
"""Links walked for one retry. Honest bursts make a few rotations in a window; a client
that makes thousands must not have each of its old tokens cost us thousands of HMACs."""

MAX_ACCESS_TOKENS: Final = 64
"""Access tokens derived for one head and one set of parameters, each after the one before
was revoked or had expired."""


def retry(
    request: RefreshRequest,
    grant: Grant,
    chain: Chain,
    *,
    keyring: Keyring,
    policy: Policy,
    now: int,
    accepted: Accepted | None = None,
) -> Retry | Refused:
    """Give the chain's head to a presenter of an older token who may have it.

    Args:
        request: What the authenticated client sent; checked.
        grant: Whose chain it is.
        chain: With every generation after the presented one.
        keyring: The server's keys.
        policy: What the operator decided.
        now: The time of the turn.
        accepted: If it was presented after its window.
    """
    if len(chain.later) > MAX_STEPS:
        return Refused(Reason.RETRY_TOO_FAR)
    token, stored, link = request.token, chain.presented, chain.presented.link
    for successor in chain.later:
        link = stored.link
        # A later link or its key is gone, because the operator shortened the window or
        # removed the key. It is not the client's fault: nothing is revoked.
        if link is None or link.kid not in keyring:
            return Refused(Reason.RETRY_UNDERIVABLE)
        secret = successor_secret(keyring, link, token)
        token = grant.token(TokenKind.REFRESH, successor.generation, secret)
        stored = successor
    if link is None or not matches(token, stored):
        return Refused(Reason.RETRY_UNDERIVABLE)
    walked = _Walked(head=token, stored=stored, link=link)
    answer = _answer_again(
        request, grant, walked, chain.issued, keyring=keyring, policy=policy, now=now
    )
    if accepted is None or isinstance(answer, Refused):
        return answer
    return replace(answer, accepted=accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """The end of a walk along the chain.

    Attributes:
        head: The head itself.
        stored: What is known of it.
        link: The link that led to it.
    """

    head: Token
    stored: StoredRefreshToken
    link: Link


def _answer_again(
    request: RefreshRequest,
    grant: Grant,
    walked: _Walked,
    issued: Mapping[bytes, int],
    *,
    keyring: Keyring,
    policy: Policy,
    now: int,
) -> Retry | Refused:
    time, generation = grant.time(now), walked.stored.generation
    scope = narrowed(request.scope, grant)
    details = narrowed_details(request.details, grant)
    for attempt in range(MAX_ACCESS_TOKENS):
        secret = access_secret(
            keyring, walked.link, walked.head, scope, request.jkt, attempt, details
        )
        token = grant.token(TokenKind.ACCESS, generation, secret)
        expires_at = issued.get(token_hash(token))
        if expires_at is not None and expires_at - ROUNDING <= time:
            continue
        access = None
        if expires_at is None:
            data_key = walked.stored.data_key
            access = issue_access_token(
                grant,
                secret,
                generation=generation,
                time=time,
                lifetimes=policy.lifetimes,
                scope=scope,
                data_key=data_key and unwrap_data_key(data_key, walked.head),
                jkt=request.jkt,
                details=details,
            )
            expires_at = access.expires_at
        return Retry(
            access=access,
            response=token_response(
                grant,
                token,
                expires_at=expires_at,
                time=time,
                scope=scope,
                refresh=walked.head,
                jkt=request.jkt,
                details=details,
            ),
            proof=request.proof,
        )
    return Refused(Reason.RETRY_TOO_FAR)


def matches(token: Token, stored: StoredRefreshToken) -> bool:
    """Tell whether a token is the stored one."""
    return hmac.compare_digest(token_hash(token), stored.hash)


def check_wishes(request: RefreshRequest, grant: Grant) -> Refused | None:
    """Refuse a request that asks for more than was granted (D-23)."""
    if request.scope is not None and not request.scope.issubset(grant.scope):
        return Refused(Reason.SCOPE_NOT_GRANTED)
    if not covers_resources(grant, request.resources):
        return Refused(Reason.RESOURCE_NOT_GRANTED)
    if request.details is not None and not narrow_details(
        request.details, grant.details
    ):
        return Refused(Reason.DETAILS_NOT_GRANTED)
    return None


def narrowed(requested: Scope | None, grant: Grant) -> Scope | None:
    """Give the scope of an access token; None if it has the whole of the grant's."""
    # In the grant's order, so that `a b` and `b a` get the same access token.
    if requested is None or len(requested) == len(grant.scope):
        return None
    return grant.scope.intersection(requested)


def narrowed_details(requested: str | None, grant: Grant) -> str | None:
    """Give the details of an access token; None if it has all of the grant's."""
    if requested is None:
        return None
    details = narrow_details(requested, grant.details)
    return None if details == grant.details else details


def successor_secret(keyring: Keyring, link: Link, token: Token) -> bytes:
    """Derive the secret of the refresh token that a link leads to."""
    key = keyring.derive(link.kid, "refresh successor")
    return hmac.digest(key, _position(link, token), "sha256")


def access_secret(
    keyring: Keyring,
    link: Link,
    head: Token,
    scope: Scope | None,
    jkt: str | None,
    attempt: int,
    details: str | None,
) -> bytes:
    """Derive the secret of an access token that comes with a head.

    Args:
        keyring: The server's keys.
        link: The link that led to the head.
        head: The refresh token that it comes with.
        scope: If it is for less than the grant.
        jkt: The thumbprint of the key that it is bound to, or None.
        attempt: Counts those of the same parameters that are dead, from 0.
        details: If it has less of them than the grant.
    """
    key = keyring.derive(link.kid, "access token of refresh token")
    bound = "" if jkt is None else f"\0{jkt}"
    # Thumbprints are of one length, so no other parameters make the same text.
    exact = "" if details is None else f"\0details\0{details}"
    parameters = f"{attempt} {'' if scope is None else scope}{bound}{exact}"
    return hmac.digest(key, _position(link, head) + parameters.encode(), "sha256")


def _position(link: Link, token: Token) -> bytes:
    # The user, the grant, the generation, the salt and the secret, each of fixed length.
    return bytes.fromhex(token.actor_key) + token.record + link.salt + token.secret
