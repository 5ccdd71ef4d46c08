"""How presenting a superseded refresh token affects its grant."""

from actor_oauth.oauth.grants import Ending, Grant, GrantEvent, ending
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import (
    Accepted,
    Chain,
    RefreshRequest,
    Rejection,
    Retry,
    ReuseDue,
    StoredRefreshToken,
)
from actor_oauth.oauth.refresh_retry import check_wishes, retry
from actor_oauth.oauth.refresh_reuse import (
    RefreshRules,
    ReuseEvent,
    ReuseSignals,
    ReuseVerdict,
    judge_reuse,
)


def use_superseded(
    request: RefreshRequest,
    grant: Grant,
    chain: Chain,
    *,
    keyring: Keyring,
    policy: Policy,
    now: int,
    verdict: ReuseVerdict | None,
) -> Retry | Rejection | ReuseDue | Ending | Refused:
    """Decide what presenting a superseded token does.

    Args:
        request: What the authenticated client sent; the token is one of this grant's.
        grant: Alive, and this client's.
        chain: What is known of the token, and of those after it.
        keyring: The server's keys.
        policy: What the operator decided.
        now: The time of the turn.
        verdict: What the application said about a late reuse; None if it was not asked.
    """
    presented, accepted = chain.presented, None
    if presented.link is None or not presented.link.is_open(grant.time(now)):
        rules = policy.refresh_rules(request.client_id)
        late = _decide_late(request, grant, presented, rules, verdict=verdict, now=now)
        if not isinstance(late, Accepted):
            return late
        accepted = late
    return check_wishes(request, grant) or retry(
        request,
        grant,
        chain,
        keyring=keyring,
        policy=policy,
        now=now,
        accepted=accepted,
    )


def _decide_late(
    request: RefreshRequest,
    grant: Grant,
    presented: StoredRefreshToken,
    rules: RefreshRules,
    *,
    verdict: ReuseVerdict | None,
    now: int,
) -> Accepted | Rejection | ReuseDue | Ending | Refused:
    # A token that was rejected once is refused from then on without a new event: a
    # client that retries again and again must neither fill the audit trail nor cause a
    # call to the application each time.
    time = grant.time(now)
    signals = _signals(request, grant, presented, time)
    said = judge_reuse(signals, rules)
    if presented.is_rejected and said is not ReuseVerdict.REVOKE:
        return Refused(Reason.REFRESH_STALE)
    if rules.asks and verdict is None:
        return ReuseDue(event=_event(request, grant, presented, signals, said, time))
    said = verdict or said
    if said is ReuseVerdict.REVOKE:
        return ending(Reason.REFRESH_REPLAYED, GrantEvent.REFRESH_REPLAYED)
    if said is ReuseVerdict.ACCEPT and signals.derivable:
        return Accepted(
            generation=presented.generation,
            window_ends_at=time + rules.grace,
            time=time,
        )
    return _reject(grant, presented, signals, rules, time)


def _reject(
    grant: Grant,
    presented: StoredRefreshToken,
    signals: ReuseSignals,
    rules: RefreshRules,
    time: int,
) -> Rejection:
    # Who has proved a key or a credential is no thief of the token, so there is nothing
    # for the user to settle.
    contests = rules.contest > 0 and not signals.is_bound
    expires_at = grant.expires_at
    if contests:
        expires_at = min(expires_at, time + rules.contest)
    return Rejection(
        refused=Refused(
            Reason.REFRESH_STALE, f"{signals.behind} generations behind the head"
        ),
        generation=presented.generation,
        contests=contests,
        expires_at=expires_at,
        time=time,
    )


def _signals(
    request: RefreshRequest, grant: Grant, presented: StoredRefreshToken, time: int
) -> ReuseSignals:
    link, recovered_at = presented.link, grant.recovered_at
    return ReuseSignals(
        # That the proof is of this key was checked before anything else.
        proves_key=grant.refresh_jkt is not None,
        proves_client=request.proves_client,
        behind=grant.generation - presented.generation,
        derivable=link is not None and link.is_kept(time),
        recovered_ago=None if recovered_at is None else time - recovered_at,
    )


def _event(
    request: RefreshRequest,
    grant: Grant,
    presented: StoredRefreshToken,
    signals: ReuseSignals,
    verdict: ReuseVerdict,
    time: int,
) -> ReuseEvent:
    used_at = presented.used_at
    return ReuseEvent(
        grant_id=grant.grant_id,
        client_id=request.client_id,
        resource=grant.resource,
        generation=presented.generation,
        age=None if used_at is None else time - used_at,
        signals=signals,
        verdict=verdict,
    )
