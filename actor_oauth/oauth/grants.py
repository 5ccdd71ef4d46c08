"""A grant: what one user allowed one installation of a client to do, until it ends.

One authorization makes one grant, for exactly one resource, with one code. The grant's
state is also its code's: the code can be redeemed in `AUTHORIZED` and in no other state.

Rule 1: a grant changes state through `next_state` or not at all.
Rule 2: `REVOKED` and `EXPIRED` are final. Nothing that arrives later, in whatever order,
revives a grant (H-07).
Rule 3: time in a grant never runs backwards: every decision takes `Grant.time`, which is
the later of the clock and of what the grant has seen (K-13).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.props import wrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import Token, TokenKind, TokenResponse, token_type

ROUNDING: Final = 1
"""Seconds that an access token stays valid beyond the lifetime its holder was told.

Its life begins at the whole second before it was issued, so without them it would end up
to a second early. A client trusts it in that second, and one that is then refused sends
its user to log in again instead of refreshing."""


class GrantState(StrEnum):
    """Where a grant stands."""

    AUTHORIZED = "authorized"
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


class GrantEvent(StrEnum):
    """What can happen to a grant; the audit trail uses the same words."""

    CODE_REDEEMED = "code_redeemed"
    REFRESHED = "refreshed"
    VERIFIER_EXHAUSTED = "verifier_exhausted"
    CODE_REPLAYED = "code_replayed"
    REFRESH_REPLAYED = "refresh_replayed"
    LATE_REFRESH_ACCEPTED = "late_refresh_accepted"
    LATE_REFRESH_REJECTED = "late_refresh_rejected"
    CONTEST_ENDED = "contest_ended"
    REVOKED_BY_CLIENT = "revoked_by_client"
    REVOKED_BY_USER = "revoked_by_user"
    REVOKED_BY_OPERATOR = "revoked_by_operator"
    CLIENT_ENDED = "client_ended"
    CREDENTIALS_CHANGED = "credentials_changed"
    ACCOUNT_DELETED = "account_deleted"
    ENDED_BY_APPLICATION = "ended_by_application"
    SUPERSEDED = "superseded"
    LIFETIME_ENDED = "lifetime_ended"


_S = GrantState
_E = GrantEvent

REVOCATIONS: Final[Mapping[GrantEvent, GrantState]] = dict.fromkeys(
    (
        _E.REVOKED_BY_CLIENT,
        _E.REVOKED_BY_USER,
        _E.REVOKED_BY_OPERATOR,
        _E.CLIENT_ENDED,
        _E.CREDENTIALS_CHANGED,
        _E.ACCOUNT_DELETED,
        _E.ENDED_BY_APPLICATION,
        _E.SUPERSEDED,
    ),
    _S.REVOKED,
)

TRANSITIONS: Final[Mapping[GrantState, Mapping[GrantEvent, GrantState]]] = {
    _S.AUTHORIZED: {
        _E.CODE_REDEEMED: _S.ACTIVE,
        _E.VERIFIER_EXHAUSTED: _S.REVOKED,
        _E.LIFETIME_ENDED: _S.EXPIRED,
        **REVOCATIONS,
    },
    _S.ACTIVE: {
        _E.REFRESHED: _S.ACTIVE,
        _E.CODE_REPLAYED: _S.REVOKED,
        _E.REFRESH_REPLAYED: _S.REVOKED,
        _E.LATE_REFRESH_ACCEPTED: _S.ACTIVE,
        _E.LATE_REFRESH_REJECTED: _S.ACTIVE,
        _E.CONTEST_ENDED: _S.REVOKED,
        _E.LIFETIME_ENDED: _S.EXPIRED,
        **REVOCATIONS,
    },
    _S.REVOKED: {},
    _S.EXPIRED: {},
}


class IllegalTransitionError(Exception):
    """The code that decided is wrong: this event cannot happen in this state."""


def next_state(state: GrantState, event: GrantEvent) -> GrantState:
    """Give the state after the event.

    Raises:
        IllegalTransitionError: If the event cannot happen in this state.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(state, event) from None


def is_final(state: GrantState) -> bool:
    """Tell whether nothing can happen to a grant in this state any more."""
    return not TRANSITIONS[state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant as decisions see it.

    Attributes:
        actor_key: The key of the user's actor.
        number: Counts the user's grants; a later one has a higher number.
        state: Where it stands.
        clock: The latest time that it has seen, in Unix seconds.
        generation: Of the newest refresh token, from 1; 0 if there never was one.
        deadline: When it ends unless it is used: the code's expiry, then the newest
            refresh token's (D-24), then, without one, the access token's.
        expires_at: When it ends in any case. Never moves out.
        created_at: When it was authorized.
        client_id: Of the one client that may use it.
        redirect_uri: Where the code went.
        resource: The one resource, as configured.
        scope: Everything that was granted.
        supersedes: Whether its redemption ends older grants like it (C-21).
        code_hash: Kept after redemption, to tell a replay from a guess (D-17).
        code_challenge: Kept as long, for the same reason.
        code_failures: Wrong verifiers that came with the right code (D-18).
        code_data_key: The data key of its props, wrapped for the code.
        code_jkt: The thumbprint of the key that must redeem the code, or None.
        refresh_jkt: The thumbprint of the key that must refresh, or None (F-09).
        details: The granted `authorization_details`, as JSON text, or None (RFC 9396).
        auth_time: When the user had last proved who it is when it agreed, in Unix
            seconds; None if nobody knew.
        is_refreshable: Whether its client gets refresh tokens, if it is registered for
            them: see `may_refresh`.
        contested_at: When a late presenter of a refresh token was refused while this
            grant lived on, in Unix seconds; None if that never happened.
        recovered_at: When a late presenter was last answered, in Unix seconds, or None.
    """

    actor_key: str
    number: int
    state: GrantState
    clock: int
    generation: int
    deadline: int
    expires_at: int
    created_at: int
    client_id: str
    redirect_uri: str
    resource: str
    scope: Scope
    supersedes: bool
    code_hash: bytes
    code_challenge: str = field(repr=False)
    code_failures: int
    code_data_key: bytes | None = field(repr=False)
    code_jkt: str | None = None
    refresh_jkt: str | None = None
    auth_time: int | None = None
    details: str | None = None
    is_refreshable: bool = True
    contested_at: int | None = None
    recovered_at: int | None = None

    @property
    def grant_id(self) -> str:
        """The name of the grant among those of its user: 8 hexadecimal digits."""
        return grant_id(self.number)

    def time(self, now: int) -> int:
        """Give the time that holds for this grant (Rule 3)."""
        return max(now, self.clock)

    def is_over(self, now: int) -> bool:
        """Tell whether the grant's life has run out."""
        time = self.time(now)
        return time >= self.deadline or time >= self.expires_at

    def token(self, kind: TokenKind, generation: int, secret: bytes) -> Token:
        """Make a token of this grant."""
        return Token(kind, self.actor_key, record(self.number, generation), secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A refusal that ends the grant: both are committed by the same turn.

    Attributes:
        refused: The answer to the caller.
        event: What happened to the grant.
    """

    refused: Refused
    event: GrantEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedAccessToken:
    """An access token that a decision issues.

    Attributes:
        token: As the client gets it.
        generation: The refresh generation that it came with; 0 without one.
        issued_at: In Unix seconds.
        expires_at: In Unix seconds.
        scope: None if it has the whole scope of the grant.
        data_key: The data key of the props, wrapped for it; None without props.
        jkt: The thumbprint of the key that it is bound to, or None.
        details: None if it has all the details of the grant, or there are none.
    """

    token: Token
    generation: int
    issued_at: int
    expires_at: int
    scope: Scope | None
    data_key: bytes | None = field(repr=False)
    jkt: str | None = None
    details: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRefreshToken:
    """A refresh token that a decision issues: the new head of the grant's chain.

    Attributes:
        token: As the client gets it.
        generation: Its place in the chain.
        data_key: The data key of the props, wrapped for it; None without props.
    """

    token: Token
    generation: int
    data_key: bytes | None = field(repr=False)


def ending(reason: Reason, event: GrantEvent) -> Ending:
    """Refuse for a reason, and end the grant by an event."""
    return Ending(refused=Refused(reason), event=event)


def refusal_of_final(state: GrantState) -> Refused:
    """Say why a grant in a final state serves nobody."""
    if state is GrantState.REVOKED:
        return Refused(Reason.GRANT_REVOKED)
    return Refused(Reason.GRANT_EXPIRED)


def covers_resources(grant: Grant, requested: tuple[str, ...]) -> bool:
    """Tell whether a request asks for the grant's resource and for no other (D-10)."""
    granted = canonical_resource(grant.resource)
    return all(canonical_resource(resource) == granted for resource in requested)


def issue_access_token(
    grant: Grant,
    secret: bytes,
    *,
    generation: int,
    time: int,
    lifetimes: Lifetimes,
    scope: Scope | None = None,
    data_key: bytes | None,
    jkt: str | None = None,
    details: str | None = None,
) -> IssuedAccessToken:
    """Make an access token, whose life the grant's own cuts short (D-09).

    Args:
        grant: A grant that is not over at `time`.
        secret: 32 bytes, drawn or derived.
        generation: The refresh generation that it comes with.
        time: The grant's time.
        lifetimes: How long tokens live.
        scope: If it is for less than the grant.
        data_key: The data key of the props, to be wrapped for the token.
        jkt: The thumbprint of the key that it is bound to, or None.
        details: If it has less of them than the grant.
    """
    token = grant.token(TokenKind.ACCESS, generation, secret)
    return IssuedAccessToken(
        token=token,
        generation=generation,
        issued_at=time,
        expires_at=access_expiry(time, lifetimes.access_token, grant.expires_at),
        scope=scope,
        data_key=None if data_key is None else wrap_data_key(data_key, token),
        jkt=jkt,
        details=details,
    )


def access_expiry(time: int, life: int, limit: int) -> int:
    """Give the expiry of an access token with this lifetime, but at most `limit`."""
    return min(time + life + ROUNDING, limit)


def told_life(expires_at: int, time: int) -> int:
    """Give the remaining lifetime of an access token, as reported to its holder."""
    return max(1, expires_at - time - ROUNDING)


def issue_refresh_token(
    grant: Grant, secret: bytes, generation: int, data_key: bytes | None
) -> IssuedRefreshToken:
    """Make a refresh token; `data_key` is wrapped for it if there is one."""
    token = grant.token(TokenKind.REFRESH, generation, secret)
    return IssuedRefreshToken(
        token=token,
        generation=generation,
        data_key=None if data_key is None else wrap_data_key(data_key, token),
    )


def token_response(
    grant: Grant,
    access: Token,
    *,
    expires_at: int,
    time: int,
    scope: Scope | None = None,
    refresh: Token | None = None,
    jkt: str | None = None,
    details: str | None = None,
) -> TokenResponse:
    """Say what the client gets.

    Args:
        grant: The grant that the tokens belong to.
        access: The access token.
        expires_at: When it expires.
        time: The grant's time.
        scope: If it is for less than the grant.
        refresh: The refresh token, if there is one.
        jkt: The thumbprint of the key that the access token is bound to, or None.
        details: If it has less of them than the grant.
    """
    return TokenResponse(
        access_token=access.render(),
        expires_in=told_life(expires_at, time),
        scope=grant.scope if scope is None else scope,
        resource=grant.resource,
        refresh_token=None if refresh is None else refresh.render(),
        token_type=token_type(jkt),
        details=grant.details if details is None else details,
    )


def record(number: int, generation: int) -> bytes:
    """Give the part of a token that says where in its actor to look."""
    return number.to_bytes(4) + generation.to_bytes(4)


def parse_record(token: Token) -> tuple[int, int]:
    """Give the number of the grant and the generation that a token names."""
    return int.from_bytes(token.record[:4]), int.from_bytes(token.record[4:])


def grant_id(number: int) -> str:
    """Give a grant's name among those of its user."""
    return f"{number:08x}"


def parse_grant_id(text: str) -> int | None:
    """Give the number of the grant with this name; None if the name is invalid."""
    try:
        number = int(text, 16)
    except ValueError:
        return None
    return number if grant_id(number) == text else None


# A server knows few different scopes, and reading one costs more than finding it.
@lru_cache(maxsize=1024)
def stored_scope(text: str) -> Scope:
    """Read a scope that this program stored."""
    return parse_scope(text) or Scope()
