"""The token endpoint's turns: load facts, let `oauth` decide, save what was decided."""

from dataclasses import dataclass
from typing import assert_never

from actor_oauth.actors.proofs import note_proof, unless_used
from actor_oauth.actors.user.exchanged_tokens import holder_of
from actor_oauth.actors.user.grants import (
    end_grant,
    load_grant,
    save_verifier_failures,
)
from actor_oauth.actors.user.redemptions import save_redemption
from actor_oauth.actors.user.tokens import (
    is_known,
    revoke_access_token,
)
from actor_oauth.oauth.grants import Ending, Grant, GrantEvent, parse_record
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import (
    CodeRequest,
    Redemption,
    WrongVerifier,
    decide_redemption,
)
from actor_oauth.oauth.revoke import Revoked, decide_revocation
from actor_oauth.oauth.tokens import Token, TokenResponse
from actor_oauth.runtime import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A code was redeemed.

    Attributes:
        response: For the client.
        grant_id: The grant's name among those of the user.
    """

    response: TokenResponse
    grant_id: str


def redeem(
    db: Database, request: CodeRequest, *, policy: Policy, fresh: bytes, now: int
) -> Redeemed | Refused:
    """Redeem a code: what is decided is what is committed."""
    grant = load_named(db, request.code)
    decision = decide_redemption(request, grant, policy=policy, fresh=fresh, now=now)
    if isinstance(decision, Redemption):
        decision = unless_used(db, request.proof, decision)
    return settle_redemption(db, grant, decision, now=now)


def settle_redemption(
    db: Database,
    grant: Grant | None,
    decision: Redemption | WrongVerifier | Ending | Refused,
    *,
    now: int,
) -> Redeemed | Refused:
    """Save what was decided about a code."""
    match decision:
        case Redemption():
            note_proof(db, decision.proof, now=now)
            save_redemption(db, decision, now=now)
            return Redeemed(
                response=decision.response, grant_id=decision.grant.grant_id
            )
        case WrongVerifier():
            assert grant is not None
            save_verifier_failures(db, grant, decision.failures)
            return decision.refused
        case Ending():
            assert grant is not None
            end_grant(db, grant, decision.event, now=now)
            return decision.refused
        case Refused():
            return decision
        case _:
            assert_never(decision)


def revoke(db: Database, token: Token, *, client_id: str, now: int) -> Revoked:
    """Revoke a token at its client's request."""
    grant = load_named(db, token)
    decision = decide_revocation(
        token.kind,
        grant,
        client_id=client_id,
        matches=is_known(db, token),
        holder=holder_of(db, token),
    )
    if decision is Revoked.GRANT:
        assert grant is not None
        end_grant(db, grant, GrantEvent.REVOKED_BY_CLIENT, now=now)
    elif decision is Revoked.ACCESS_TOKEN:
        revoke_access_token(db, token)
    return decision


def load_named(db: Database, token: Token) -> Grant | None:
    """Give the grant that a token names, or None."""
    number, _ = parse_record(token)
    return load_grant(db, token.actor_key, number)
