"""The turns around the application's callback: begin, await, finish.

A turn cannot await, so issuing tokens with a callback takes two. The first decides,
finds that tokens are needed, and *claims* the callback for this grant: no other attempt
begins one until the claim is released or lapses, in any process. The second decides
everything again, since the grant may have ended meanwhile (D-31), and issues only if
the claim is still held: an attempt so slow that another took over must not issue beside
it.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from actor_oauth.actors.proofs import unless_used
from actor_oauth.actors.user.account import load_account
from actor_oauth.actors.user.exchange import (
    Redeemed,
    load_named,
    settle_redemption,
)
from actor_oauth.actors.user.refreshing import RefreshOutcome, settle_refresh
from actor_oauth.actors.user.terms import save_changes
from actor_oauth.actors.user.tokens import load_chain
from actor_oauth.oauth.grants import Ending, Grant
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import props_context, unseal_props, unwrap_data_key
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import (
    CodeRequest,
    Redemption,
    WrongVerifier,
    decide_redemption,
)
from actor_oauth.oauth.refresh import decide_refresh
from actor_oauth.oauth.refresh_chain import (
    RefreshRequest,
    Renewal,
    Retry,
    ReuseDue,
    Rotation,
)
from actor_oauth.oauth.refresh_reuse import ReuseEvent, ReuseVerdict
from actor_oauth.oauth.token_changes import (
    ChangedIssue,
    Issue,
    TokenChanges,
    TokenContext,
    apply_changes,
)
from actor_oauth.runtime import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStep:
    """Which of the two turns it is.

    Attributes:
        claim: Random bytes that name this attempt.
        lease: Seconds for which the claim stands.
        said: The callback's result: changes to the tokens, or a decision about a late
            reuse. None in the first turn.
    """

    claim: bytes = field(repr=False)
    lease: int
    said: TokenChanges | ReuseVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackDue:
    """The claim is made: call the callback, and come back.

    Attributes:
        context: What to tell it.
    """

    context: TokenContext | ReuseEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRunning:
    """Another attempt holds the claim. Wait for it, and start again.

    Attributes:
        until: When its claim lapses, in Unix seconds.
    """

    until: int


Pending: TypeAlias = CallbackDue | CallbackRunning


class DecideRedemption(Protocol):
    """`decide_redemption`, or what takes its place for a device code."""

    def __call__(
        self,
        request: CodeRequest,
        grant: Grant | None,
        *,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redemption | WrongVerifier | Ending | Refused:
        """Decide."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    claim: bytes | None
    until: int
    version: int
    sealed: bytes | None


def redeem_step(
    db: Database,
    request: CodeRequest,
    step: CallbackStep,
    *,
    grant: Grant | None,
    decide: DecideRedemption = decide_redemption,
    grant_type: str = "authorization_code",
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Redeemed | Refused | Pending:
    """Redeem a code with a callback; anything but a redemption needs one turn only."""
    decision = decide(request, grant, policy=policy, fresh=fresh, now=now)
    if isinstance(decision, Redemption):
        decision = unless_used(db, request.proof, decision)
    if grant is None or not isinstance(decision, Redemption):
        return settle_redemption(db, grant, decision, now=now)
    key = grant.code_data_key
    issue = Issue(
        access=decision.access,
        refresh=decision.refresh,
        response=decision.response,
        deadline=decision.grant.deadline,
        expires_at=decision.grant.expires_at,
    )
    changed = _take(
        db,
        step,
        issue,
        grant,
        grant_type=grant_type,
        data_key=None if key is None else unwrap_data_key(key, request.code),
        fresh=fresh,
        now=now,
    )
    if not isinstance(changed, ChangedIssue):
        return changed
    issue = changed.issue
    redeemed = settle_redemption(
        db,
        grant,
        replace(
            decision,
            grant=replace(
                decision.grant, deadline=issue.deadline, expires_at=issue.expires_at
            ),
            access=issue.access,
            refresh=issue.refresh,
            response=issue.response,
        ),
        now=now,
    )
    save_changes(db, grant, changed)
    return redeemed


def refresh_step(
    db: Database,
    request: RefreshRequest,
    step: CallbackStep,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> RefreshOutcome | Refused | Pending:
    """Refresh with a callback.

    Anything but a rotation, or a late reuse that the application is to be asked about,
    needs one turn only.
    """
    grant = load_named(db, request.token)
    chain = None if grant is None else load_chain(db, request.token, grant)
    verdict = step.said if isinstance(step.said, ReuseVerdict) else None
    decision = decide_refresh(
        request,
        grant,
        chain,
        keyring=keyring,
        policy=policy,
        fresh=fresh,
        now=now,
        verdict=verdict,
    )
    if isinstance(decision, Rotation | Renewal | Retry):
        decision = unless_used(db, request.proof, decision)
    if isinstance(decision, ReuseDue):
        assert grant is not None
        return _ask_about_reuse(db, step, grant, decision, now=now)
    if grant is not None and verdict is not None:
        release(db, grant.number, step.claim)
    if grant is None or chain is None or not isinstance(decision, Rotation):
        return settle_refresh(db, grant, chain, decision, now=now)
    key = chain.presented.data_key
    issue = Issue(
        access=decision.access,
        refresh=decision.refresh,
        response=decision.response,
        deadline=decision.deadline,
        expires_at=grant.expires_at,
    )
    changed = _take(
        db,
        step,
        issue,
        grant,
        grant_type="refresh_token",
        data_key=None if key is None else unwrap_data_key(key, request.token),
        fresh=fresh,
        now=now,
    )
    if not isinstance(changed, ChangedIssue):
        return changed
    issue = changed.issue
    assert issue.refresh is not None
    refreshed = settle_refresh(
        db,
        grant,
        chain,
        replace(
            decision,
            access=issue.access,
            refresh=issue.refresh,
            response=issue.response,
            deadline=issue.deadline,
        ),
        now=now,
    )
    save_changes(db, grant, changed)
    return refreshed


def release(db: Database, number: int, claim: bytes) -> bool:
    """Give a claim back without tokens: the callback failed, and may be tried again.

    Returns:
        False if the claim does not stand any more.
    """
    released = db.execute(
        "UPDATE grants SET claim = NULL, claimed_until = NULL"
        " WHERE number = ? AND claim = ?",
        (number, claim),
    )
    return released.rowcount == 1


def _take(
    db: Database,
    step: CallbackStep,
    issue: Issue,
    grant: Grant,
    *,
    grant_type: str,
    data_key: bytes | None,
    fresh: bytes,
    now: int,
) -> ChangedIssue | Pending | Refused:
    claimed = _load(db, grant.number)
    running = _claim(db, step, grant, claimed, now=now)
    if running is not None:
        return running
    if not isinstance(step.said, TokenChanges):
        props = _open(grant, claimed, data_key)
        return CallbackDue(context=_context(db, issue, grant, grant_type, props))
    return apply_changes(
        step.said,
        issue,
        grant,
        data_key=data_key,
        version=claimed.version,
        fresh=fresh,
    )


def _ask_about_reuse(
    db: Database, step: CallbackStep, grant: Grant, due: ReuseDue, *, now: int
) -> Pending:
    running = _claim(db, step, grant, _load(db, grant.number), now=now)
    if running is not None:
        return running
    account = load_account(db)
    assert account is not None
    return CallbackDue(context=replace(due.event, user_id=account.user_id))


def _claim(
    db: Database, step: CallbackStep, grant: Grant, claimed: _Claimed, *, now: int
) -> CallbackRunning | None:
    time = grant.time(now)
    if claimed.claim == step.claim:
        return None
    # In the second turn: the claim lapsed, and another attempt took over.
    if step.said is not None or (claimed.claim is not None and time < claimed.until):
        return CallbackRunning(until=claimed.until)
    db.execute(
        "UPDATE grants SET claim = ?, claimed_until = ? WHERE number = ?",
        (step.claim, time + step.lease, grant.number),
    )
    return None


def _load(db: Database, number: int) -> _Claimed:
    claim, until, version, sealed = db.execute(
        "SELECT claim, ifnull(claimed_until, 0), props_version, props FROM grants"
        " WHERE number = ?",
        (number,),
    ).fetchone()
    return _Claimed(claim=claim, until=until, version=version, sealed=sealed)


def _context(
    db: Database, issue: Issue, grant: Grant, grant_type: str, props: Json
) -> TokenContext:
    account = load_account(db)
    assert account is not None
    return TokenContext(
        grant_type=grant_type,
        user_id=account.user_id,
        client_id=grant.client_id,
        grant_id=grant.grant_id,
        generation=issue.access.generation,
        resource=grant.resource,
        scope=issue.response.scope,
        props=props,
    )


def _open(grant: Grant, claimed: _Claimed, data_key: bytes | None) -> Json:
    if data_key is None or claimed.sealed is None:
        return None
    context = props_context(
        actor_key=grant.actor_key,
        number=grant.number,
        client_id=grant.client_id,
        version=claimed.version,
    )
    return unseal_props(claimed.sealed, data_key=data_key, context=context)
