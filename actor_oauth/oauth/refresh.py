"""Refreshing: convergent rotation.

A grant's refresh tokens form one chain of generations. The newest is the head. A token
is used for the first time when it is the head: that use makes its successor, and is
remembered as a *link*, a random salt with the end of the grace window.

Nothing at rest is a token. A successor is derived: HMAC under a key of the server, over
the grant, the generation, the link's salt and the secret that was presented. So a
holder of an older token who returns within its window can be given the chain's head
again, by walking the links from that token forward; and once a link's salt is erased,
nobody can derive what it led to.

Rule 1: the chain is linear. Only the head rotates, and a head rotates once (D-25).
Rule 2: a window opens at a token's first use and nothing prolongs it: neither a retry,
nor the use of its successor (D-27).
Rule 3: within its window a superseded token leads to the head, for everybody to the same
one; with the same parameters also to the same access token (D-26).
Rule 4: after it, a superseded token proves that two parties hold the chain, but not
which of them is honest. What follows is the operator's choice, see `refresh_reuse`
(D-28).
Rule 5: a secret that matches nothing proves nothing, and changes nothing (D-29).
"""

from typing import Final

from actor_oauth.oauth.dpop import same_key
from actor_oauth.oauth.grants import (
    Ending,
    Grant,
    GrantEvent,
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
    Rejection,
    Renewal,
    Retry,
    ReuseDue,
    Rotation,
    StoredRefreshToken,
)
from actor_oauth.oauth.refresh_late import use_superseded
from actor_oauth.oauth.refresh_retry import (
    access_secret,
    check_wishes,
    matches,
    narrowed,
    narrowed_details,
    successor_secret,
)
from actor_oauth.oauth.refresh_reuse import RefreshRules, ReuseVerdict
from actor_oauth.oauth.tokens import draw

SALT_LENGTH: Final = 16


def decide_refresh(
    request: RefreshRequest,
    grant: Grant | None,
    chain: Chain | None,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
    verdict: ReuseVerdict | None = None,
) -> Rotation | Renewal | Retry | Rejection | ReuseDue | Ending | Refused:
    """Decide what presenting a refresh token does to its grant.

    Args:
        request: What the authenticated client sent.
        grant: The grant that the token names, or None if there is none.
        chain: What is known of the generation that the token names, or None.
        keyring: The server's keys.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.
        verdict: What the application said about this late reuse; None if it was not
            asked yet.

    Source: OAuth 2.1 §4.3, RFC 9700 §4.14.2.
    """
    if grant is None:
        return Refused(Reason.REFRESH_UNKNOWN)
    if is_final(grant.state):
        return refusal_of_final(grant.state)
    if chain is None or not matches(request.token, chain.presented):
        return Refused(Reason.REFRESH_UNKNOWN)
    # The order matters: another client's request changes nothing (D-21), a replay is one
    # whatever else is wrong with it, and a mistake in what is asked for costs an honest
    # client neither its token nor its grant (D-07, D-23).
    refused = _check_holder(request, grant, now=now)
    if refused is not None:
        return refused
    if chain.presented.generation < grant.generation:
        return use_superseded(
            request,
            grant,
            chain,
            keyring=keyring,
            policy=policy,
            now=now,
            verdict=verdict,
        )
    return check_wishes(request, grant) or _use_head(
        request,
        grant,
        chain.presented,
        keyring=keyring,
        policy=policy,
        fresh=fresh,
        now=now,
    )


def _check_holder(
    request: RefreshRequest, grant: Grant, *, now: int
) -> Ending | Refused | None:
    if request.client_id != grant.client_id:
        return Refused(Reason.REFRESH_CLIENT_MISMATCH)
    # A thief without the key, and an owner who lost it, raise no alarm (F-09).
    if not same_key(grant.refresh_jkt, request.proof):
        return Refused(Reason.REFRESH_KEY_MISMATCH)
    if grant.is_over(now):
        return ending(Reason.GRANT_EXPIRED, GrantEvent.LIFETIME_ENDED)
    return None


def _use_head(
    request: RefreshRequest,
    grant: Grant,
    head: StoredRefreshToken,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Rotation | Renewal:
    rules = policy.refresh_rules(request.client_id)
    is_bound = grant.refresh_jkt is not None or request.proves_client
    if is_bound and rules.rotation == "unless_bound" and not request.rotates:
        return _renew(request, grant, head, policy=policy, fresh=fresh, now=now)
    salt, time = draw(fresh, "salt", SALT_LENGTH), grant.time(now)
    link = _link(keyring.current, salt, rules, is_bound=is_bound, time=time)
    return _rotate(request, grant, head, link, keyring=keyring, policy=policy, now=now)


def _renew(
    request: RefreshRequest,
    grant: Grant,
    head: StoredRefreshToken,
    *,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Renewal:
    time, scope = grant.time(now), narrowed(request.scope, grant)
    details = narrowed_details(request.details, grant)
    key = head.data_key
    access = issue_access_token(
        grant,
        draw(fresh, "access"),
        generation=head.generation,
        time=time,
        lifetimes=policy.lifetimes,
        scope=scope,
        data_key=None if key is None else unwrap_data_key(key, request.token),
        jkt=request.jkt,
        details=details,
    )
    return Renewal(
        access=access,
        time=time,
        deadline=min(time + policy.lifetimes.refresh_idle, grant.expires_at),
        response=token_response(
            grant,
            access.token,
            expires_at=access.expires_at,
            time=time,
            scope=scope,
            # Said again: some clients drop what an answer does not repeat.
            refresh=request.token,
            jkt=request.jkt,
            details=details,
        ),
        proof=request.proof,
    )


def _rotate(
    request: RefreshRequest,
    grant: Grant,
    head: StoredRefreshToken,
    link: Link,
    *,
    keyring: Keyring,
    policy: Policy,
    now: int,
) -> Rotation:
    time, lifetimes, jkt = grant.time(now), policy.lifetimes, request.jkt
    data_key = None
    if head.data_key is not None:
        data_key = unwrap_data_key(head.data_key, request.token)
    secret = successor_secret(keyring, link, request.token)
    refresh = issue_refresh_token(grant, secret, head.generation + 1, data_key)
    scope = narrowed(request.scope, grant)
    details = narrowed_details(request.details, grant)
    access = issue_access_token(
        grant,
        access_secret(keyring, link, refresh.token, scope, jkt, 0, details),
        generation=refresh.generation,
        time=time,
        lifetimes=lifetimes,
        scope=scope,
        data_key=data_key,
        jkt=jkt,
        details=details,
    )
    return Rotation(
        # Where nobody may walk, nothing is kept to walk on.
        link=link if link.is_kept(time) else None,
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
            details=details,
        ),
        proof=request.proof,
        refresh_jkt=grant.refresh_jkt or (jkt if request.binds else None),
    )


def _link(
    kid: str, salt: bytes, rules: RefreshRules, *, is_bound: bool, time: int
) -> Link:
    # Without a window not even the second of the first use is in it.
    ends_at = time + rules.grace if rules.grace > 0 else time - 1
    # The application may accept any presenter, and a key or credential is evidence for
    # each token of the chain, but only the last response can have been lost.
    keeps_all = rules.asks or (is_bound and rules.same_instance)
    kept = rules.recovery if keeps_all else rules.lost_answer
    outlasts = kept > rules.grace
    return Link(
        kid=kid,
        salt=salt,
        window_ends_at=ends_at,
        kept_until=time + kept if outlasts else None,
        while_unused=outlasts and not keeps_all,
    )
