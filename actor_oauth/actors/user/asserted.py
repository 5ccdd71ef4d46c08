"""Grants from assertions: begun, and redeemed at once or after a callback."""

from dataclasses import dataclass, field

from actor_oauth.actors.proofs import unless_used
from actor_oauth.actors.user.account import load_account, next_grant_number
from actor_oauth.actors.user.audit import AccountEvent, record_event
from actor_oauth.actors.user.authorization import Circumstances, ended_epoch
from actor_oauth.actors.user.exchange import Redeemed, settle_redemption
from actor_oauth.actors.user.grants import insert_grant
from actor_oauth.oauth.asserted_grant import AssertedGrant, begin_asserted_grant
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest, redeem_grant
from actor_oauth.runtime import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A grant that has begun and waits to be redeemed within the server.

    Attributes:
        request: What redeems it.
        grant_number: Its own.
    """

    request: CodeRequest = field(repr=False)
    grant_number: int


def begin(
    db: Database, due: AssertedGrant, *, client_epoch: int, circumstances: Circumstances
) -> Begun | Refused:
    """Begin a grant, if account and client still stand."""
    issued = _decide(db, due, client_epoch, circumstances)
    if isinstance(issued, Refused):
        return issued
    _insert(db, due, issued)
    return Begun(request=due.request(issued), grant_number=issued.grant.number)


def accept(
    db: Database, due: AssertedGrant, *, client_epoch: int, circumstances: Circumstances
) -> Redeemed | Refused:
    """Begin a grant and redeem it, both or neither."""
    issued = _decide(db, due, client_epoch, circumstances)
    if isinstance(issued, Refused):
        return issued
    redemption = unless_used(
        db,
        due.proof,
        redeem_grant(
            due.request(issued),
            issued.grant,
            policy=due.policy(circumstances.policy),
            fresh=circumstances.fresh,
            now=circumstances.now,
        ),
    )
    if isinstance(redemption, Refused):
        return redemption
    _insert(db, due, issued)
    return settle_redemption(db, issued.grant, redemption, now=circumstances.now)


def _decide(
    db: Database, due: AssertedGrant, client_epoch: int, circumstances: Circumstances
) -> IssuedCode | Refused:
    account = load_account(db)
    if account is None or account.disabled:
        return Refused(Reason.ASSERTION_ACCOUNT)
    live: tuple[int] = db.execute(
        "SELECT count(*) FROM grants WHERE origin IS NOT NULL"
        " AND state IN ('authorized', 'active') AND expires_at > ?",
        (circumstances.now,),
    ).fetchone()
    return begin_asserted_grant(
        due,
        actor_key=circumstances.actor_key,
        number=next_grant_number(db),
        client_epoch=client_epoch,
        ended_epoch=ended_epoch(db, due.client.client_id),
        live=live[0],
        policy=circumstances.policy,
        fresh=circumstances.fresh,
        now=circumstances.now,
    )


def _insert(db: Database, due: AssertedGrant, issued: IssuedCode) -> None:
    insert_grant(db, issued)
    number, origin = issued.grant.number, due.origin
    db.execute(
        "UPDATE grants SET origin = ? WHERE number = ?", (origin.to_record(), number)
    )
    record_event(
        db,
        AccountEvent.ASSERTION_ACCEPTED,
        at=issued.grant.created_at,
        number=number,
        detail=f"{origin.kind} {origin.issuer}",
    )
