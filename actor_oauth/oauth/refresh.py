"""Refreshing: convergent rotation.

A grant's refresh tokens form one chain of generations. The newest is the head. A token
is used for the first time when it is the head: that use makes its successor, and is
remembered as a *link*, a random salt with the end of the grace window.

Nothing at rest is a token. A successor is derived: HMAC under a key of the server, over
the grant, the generation, the link's salt and the secret that was presented. So whoever
holds an older token and comes within its window can be given the chain's head once more,
by walking the links from that token forward; and once a link's salt is erased, nobody
can derive what it led to.

Rule 1: the chain is linear. Only the head rotates, and a head rotates once (D-25).
Rule 2: a window opens at a token's first use and nothing prolongs it: neither a retry,
nor the use of its successor (D-27).
Rule 3: within its window a superseded token leads to the head, for everybody to the same
one; with the same parameters also to the same access token (D-26).
Rule 4: after it, a superseded token proves that two parties hold the chain. The whole
grant ends (D-28).
Rule 5: a secret that matches nothing proves nothing, and changes nothing (D-29).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.dpop import same_key
from actor_oauth.oauth.grants import (
    ROUNDING,
    Ending,
    Grant,
    GrantEvent,
    covers_resources,
    ending,
    is_final,
    issue_access_token,
    issue_refresh_token,
    next_state,
    refusal_of_final,
    token_response,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import (
    Chain,
    Link,
    RefreshRequest,
    Retry,
    Rotation,
    StoredRefreshToken,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, TokenKind, draw, token_hash

__all__ = [
    "MAX_ACCESS_TOKENS",
    "MAX_STEPS",
    "SALT_LENGTH",
    "Chain",
    "Link",
    "RefreshRequest",
    "Retry",
    "Rotation",
    "StoredRefreshToken",
    "decide_refresh",
]

SALT_LENGTH: Final = 16

MAX_STEPS: Final = 1024
"""Links walked for one retry. Honest bursts make a few rotations in a window; a client
that makes thousands must not have each of its old tokens cost us thousands of HMACs."""

MAX_ACCESS_TOKENS: Final = 64
"""Access tokens derived for one head and one set of parameters, each after the one before
was revoked or had expired."""


def decide_refresh(
    request: RefreshRequest,
    grant: Grant | None,
    chain: Chain | None,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Rotation | Retry | Ending | Refused:
    """Decide what presenting a refresh token does to its grant.

    Args:
        request: What the authenticated client sent.
        grant: The grant that the token names, or None if there is none.
        chain: What is known of the generation that the token names, or None.
        keyring: The server's keys.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.

    Source: OAuth 2.1 §4.3, RFC 9700 §4.14.2.
    """
    if grant is None:
        return Refused(Reason.REFRESH_UNKNOWN)
    if is_final(grant.state):
        return refusal_of_final(grant.state)
    if chain is None or not _matches(request.token, chain.presented):
        return Refused(Reason.REFRESH_UNKNOWN)
    refused = _check(request, grant, chain.presented, now=now)
    if refused is not None:
        return refused
    if chain.presented.generation < grant.generation:
        return _retry(request, grant, chain, keyring=keyring, policy=policy, now=now)
    head = chain.presented
    return _rotate(
        request, grant, head, keyring=keyring, policy=policy, fresh=fresh, now=now
    )


def _check(
    request: RefreshRequest, grant: Grant, presented: StoredRefreshToken, *, now: int
) -> Ending | Refused | None:
    # The order matters: another client's request changes nothing (D-21), a replay ends
    # the grant whatever else is wrong with it, and a mistake in what is asked for costs
    # an honest client neither its token nor its grant (D-07, D-23).
    if request.client_id != grant.client_id:
        return Refused(Reason.REFRESH_CLIENT_MISMATCH)
    # A thief without the key, and an owner who lost it, raise no alarm (F-09).
    if not same_key(grant.refresh_jkt, request.proof):
        return Refused(Reason.REFRESH_KEY_MISMATCH)
    if grant.is_over(now):
        return ending(Reason.GRANT_EXPIRED, GrantEvent.LIFETIME_ENDED)
    is_superseded = presented.generation < grant.generation
    if is_superseded and _window_has_ended(presented.link, grant.time(now)):
        return ending(Reason.REFRESH_REPLAYED, GrantEvent.REFRESH_REPLAYED)
    if request.scope is not None and not request.scope.issubset(grant.scope):
        return Refused(Reason.SCOPE_NOT_GRANTED)
    if not covers_resources(grant, request.resources):
        return Refused(Reason.RESOURCE_NOT_GRANTED)
    return None


def _matches(token: Token, stored: StoredRefreshToken) -> bool:
    return hmac.compare_digest(token_hash(token), stored.hash)


def _window_has_ended(link: Link | None, time: int) -> bool:
    return link is None or time > link.window_ends_at


def _rotate(
    request: RefreshRequest,
    grant: Grant,
    head: StoredRefreshToken,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Rotation:
    time, lifetimes, jkt = grant.time(now), policy.lifetimes, request.jkt
    link = Link(
        kid=keyring.current,
        salt=draw(fresh, "salt", SALT_LENGTH),
        window_ends_at=time + lifetimes.refresh_grace,
    )
    data_key = None
    if head.data_key is not None:
        data_key = unwrap_data_key(head.data_key, request.token)
    secret = _successor_secret(keyring, link, request.token)
    refresh = issue_refresh_token(grant, secret, head.generation + 1, data_key)
    scope = _narrowed(request.scope, grant)
    access = issue_access_token(
        grant,
        _access_secret(keyring, link, refresh.token, scope, jkt, attempt=0),
        generation=refresh.generation,
        time=time,
        lifetimes=lifetimes,
        scope=scope,
        data_key=data_key,
        jkt=jkt,
    )
    return Rotation(
        # Without a window there is nothing to walk, so nothing is kept to walk on.
        link=link if lifetimes.refresh_grace > 0 else None,
        refresh=refresh,
        access=access,
        state=next_state(grant.state, GrantEvent.REFRESHED),
        time=time,
        deadline=min(time + lifetimes.refresh_idle, grant.expires_at),
        response=token_response(
            grant,
            access.token,
            expires_at=access.expires_at,
            time=time,
            scope=scope,
            refresh=refresh.token,
            jkt=jkt,
        ),
        proof=request.proof,
        refresh_jkt=grant.refresh_jkt or (jkt if request.binds else None),
    )


def _retry(
    request: RefreshRequest,
    grant: Grant,
    chain: Chain,
    *,
    keyring: Keyring,
    policy: Policy,
    now: int,
) -> Retry | Refused:
    if len(chain.later) > MAX_STEPS:
        return Refused(Reason.RETRY_TOO_FAR)
    token, stored, link = request.token, chain.presented, chain.presented.link
    for successor in chain.later:
        link = stored.link
        # A later link is gone, or its key, if the operator shortened the window or took
        # out the key meanwhile. The client did nothing wrong: nothing is revoked.
        if link is None or link.kid not in keyring:
            return Refused(Reason.RETRY_UNDERIVABLE)
        secret = _successor_secret(keyring, link, token)
        token = grant.token(TokenKind.REFRESH, successor.generation, secret)
        stored = successor
    if link is None or not _matches(token, stored):
        return Refused(Reason.RETRY_UNDERIVABLE)
    walked = _Walked(head=token, stored=stored, link=link)
    return _answer_again(
        request, grant, walked, chain.issued, keyring=keyring, policy=policy, now=now
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """The end of a walk along the chain.

    Attributes:
        head: The head itself.
        stored: What is known of it.
        link: The one that led to it.
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
    scope = _narrowed(request.scope, grant)
    for attempt in range(MAX_ACCESS_TOKENS):
        secret = _access_secret(
            keyring, walked.link, walked.head, scope, request.jkt, attempt
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
            ),
            proof=request.proof,
        )
    return Refused(Reason.RETRY_TOO_FAR)


def _narrowed(requested: Scope | None, grant: Grant) -> Scope | None:
    # In the grant's order, so that `a b` and `b a` get the same access token.
    if requested is None or len(requested) == len(grant.scope):
        return None
    return grant.scope.intersection(requested)


def _successor_secret(keyring: Keyring, link: Link, token: Token) -> bytes:
    key = keyring.derive(link.kid, "refresh successor")
    return hmac.digest(key, _position(link, token), "sha256")


def _access_secret(
    keyring: Keyring,
    link: Link,
    head: Token,
    scope: Scope | None,
    jkt: str | None,
    attempt: int,
) -> bytes:
    key = keyring.derive(link.kid, "access token of refresh token")
    bound = "" if jkt is None else f"\0{jkt}"
    parameters = f"{attempt} {'' if scope is None else scope}{bound}"
    return hmac.digest(key, _position(link, head) + parameters.encode(), "sha256")


def _position(link: Link, token: Token) -> bytes:
    # The user, the grant, the generation, the salt and the secret, each of fixed length.
    return bytes.fromhex(token.actor_key) + token.record + link.salt + token.secret
