"""From the user's yes to a code: consent transactions, and the application's own pages."""

from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.account import load_account, next_grant_number
from actor_oauth.actors.user.browsers import binding_of
from actor_oauth.actors.user.consents import load_consent
from actor_oauth.actors.user.grants import insert_grant
from actor_oauth.actors.user.redemptions import save_redemption
from actor_oauth.actors.user.short_lived import Kind
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.consent import Consent, decide_answer
from actor_oauth.oauth.device import DeviceAuthorization, for_device
from actor_oauth.oauth.implicit import decide_implicit
from actor_oauth.oauth.issue_code import Approval, IssuedCode, decide_code
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.question_lifecycle import Answer
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.runtime import Database

TOMBSTONE_LIFETIME: Final = 7 * 86_400
"""Seconds. It only has to outlive every request that was under way when it was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """There is a new grant.

    Attributes:
        code: For the redirect; empty if the client gets a token at once.
        response: That token, or None.
        request: What was asked, with where to redirect to.
        grant_id: The grant's name among those of the user.
    """

    code: str = field(repr=False)
    request: AuthorizationRequest
    grant_id: str
    response: TokenResponse | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The user said no.

    Attributes:
        request: What was asked, with where to redirect to.
    """

    request: AuthorizationRequest


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a turn brings along.

    Attributes:
        actor_key: The key of the user's actor.
        policy: What the operator decided.
        fresh: Random bytes for this turn.
        now: The time of the turn.
    """

    actor_key: str
    policy: Policy
    fresh: bytes = field(repr=False)
    now: int


def authorize(
    db: Database,
    request: AuthorizationRequest,
    approval: Approval,
    circumstances: Circumstances,
) -> Approved | Refused:
    """Begin a grant, if the account and the client still stand."""
    decision = _decide(db, request, approval, circumstances)
    if isinstance(decision, Refused):
        return decision
    insert_grant(db, decision)
    code, response = decision.code.render(), None
    if request.wants_token:
        code, response = "", _redeem_at_once(db, decision, circumstances)
    return Approved(
        code=code,
        request=request,
        grant_id=decision.grant.grant_id,
        response=response,
    )


def _redeem_at_once(
    db: Database, issued: IssuedCode, circumstances: Circumstances
) -> TokenResponse:
    redemption = decide_implicit(
        issued,
        policy=circumstances.policy,
        fresh=circumstances.fresh,
        now=circumstances.now,
    )
    save_redemption(db, redemption, now=circumstances.now)
    return redemption.response


def _decide(
    db: Database,
    request: AuthorizationRequest,
    approval: Approval,
    circumstances: Circumstances,
) -> IssuedCode | Refused:
    account = load_account(db)
    if account is None or account.disabled:
        return Refused(Reason.ACCOUNT_DISABLED)
    return decide_code(
        request,
        approval,
        actor_key=circumstances.actor_key,
        number=next_grant_number(db),
        ended_epoch=ended_epoch(db, request.client_id),
        policy=circumstances.policy,
        fresh=circumstances.fresh,
        now=circumstances.now,
    )


def authorize_device(
    db: Database,
    device: DeviceAuthorization,
    approval: Approval,
    circumstances: Circumstances,
) -> str | Refused:
    """Begin a grant that only a device code redeems; returns its name."""
    issued = _decide(db, device.request.as_authorization(), approval, circumstances)
    if isinstance(issued, Refused):
        return issued
    issued = for_device(issued, device.device_hash, device.expires_at)
    insert_grant(db, issued)
    return issued.grant.grant_id


def answer_consent(
    db: Database,
    actor_key: str,
    handle: bytes,
    browser: str,
    answer: Answer,
    *,
    now: int,
) -> Consent | Refused:
    """Decide what an answer does to a consent transaction. Nothing is stored yet."""
    binding = binding_of(db, actor_key, browser, now=now)
    if binding is None:
        return Refused(Reason.SESSION_ENDED)
    return decide_answer(load_consent(db, handle), answer, browser=binding, now=now)


def bury_client(db: Database, client_id: str, epoch: int, *, now: int) -> int:
    """Remember that a client's epoch has ended; returns until when."""
    expires_at = now + TOMBSTONE_LIFETIME
    latest = max(epoch, ended_epoch(db, client_id))
    short_lived.put(
        db,
        Kind.ENDED_CLIENT,
        client_id.encode(),
        str(latest),
        expires_at=expires_at,
    )
    return expires_at


def ended_epoch(db: Database, client_id: str) -> int:
    """Give the last epoch of a client that is known to have ended, or 0."""
    row = short_lived.get(db, Kind.ENDED_CLIENT, client_id.encode())
    return 0 if row is None else int(row[1])
