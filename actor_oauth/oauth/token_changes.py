"""What the application's callback changes about tokens that are about to be issued.

The callback runs between two turns: one that found that new tokens are needed, and one
that decides the same again and issues them with the changes (D-31). Its result applies
to one generation: to the access token issued with it, and to every further one that a
retry of the same generation gets.

Rule 1: a change never widens. A scope is narrowed, a life ends with the grant's (D-09).
Rule 2: changed props take a new data key and the next version. Access tokens that are out
keep the version that they were issued with (K-06, K-07).
Rule 3: the props of an access token alone have a key derived from the grant's data key
and a fresh salt, so that a retry that holds the refresh token can hand it on (M-8).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from actor_oauth.oauth.grants import (
    Grant,
    IssuedAccessToken,
    IssuedRefreshToken,
    access_expiry,
    told_life,
)
from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.props import (
    encode_props,
    props_context,
    seal_props,
    unwrap_data_key,
    wrap_data_key,
)
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import Token, TokenResponse, draw

OWN_PROPS_VERSION: Final = 0
"""Limit for the props of an access token's own."""


class Unchanged(Enum):
    """Says that something stays as it is, where None is a value like any other."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenContext:
    """The callback's argument.

    Attributes:
        grant_type: `authorization_code`, `refresh_token`, or the one of device codes.
        user_id: Whose grant it is.
        client_id: Whose tokens they will be.
        grant_id: The grant's name among those of the user.
        generation: Of the refresh token that is about to be issued. With the user and
            the grant it is a key under which to do something once.
        resource: What the tokens will be for.
        scope: What the access token will have, unless it is narrowed.
        props: As they are.
    """

    grant_type: str
    user_id: str
    client_id: str
    grant_id: str
    generation: int
    resource: str
    scope: Scope
    props: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChanges:
    """The changes that the callback wants.

    Attributes:
        props: The grant's from now on.
        access_token_props: What this generation's access tokens have in their place.
        access_token_lifetime: Seconds.
        refresh_lifetime: Seconds in which the new refresh token must be used, as often
            as there is one.
        grant_lifetime: Seconds after which the grant ends however often it is used. It
            can only come earlier than it would have.
        scope: The most that this generation's access tokens may have.
    """

    props: "Json | Unchanged" = field(default=UNCHANGED, repr=False)
    access_token_props: "Json | Unchanged" = field(default=UNCHANGED, repr=False)
    access_token_lifetime: int | None = None
    refresh_lifetime: int | None = None
    grant_lifetime: int | None = None
    scope: Scope | None = None


class TokenRefusal(Enum):
    """Why the callback refuses to issue tokens.

    `ENDED` is final: what the grant stands for has ended, and the grant ends with it,
    as when an upstream provider says `invalid_grant`. After `BUSY` and `DENIED` the
    presented token stays usable (D-32).
    """

    ENDED = Reason.CALLBACK_ENDED
    BUSY = Reason.CALLBACK_BUSY
    DENIED = Reason.CALLBACK_DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every access token of one generation.

    Attributes:
        scope: The most that it may have; None for no limit beyond the grant's.
        lifetime: Seconds; None for the server's.
        salt: Of the key to the access tokens' own props; None without such.
    """

    scope: Scope | None = None
    lifetime: int | None = None
    salt: bytes | None = field(default=None, repr=False)

    def to_record(self) -> str | None:
        """Give the JSON text to store; None if nothing is out of the ordinary."""
        if self == Terms():
            return None
        values: Mapping[str, Json] = {
            "scope": None if self.scope is None else str(self.scope),
            "lifetime": self.lifetime,
            "salt": None if self.salt is None else self.salt.hex(),
        }
        return render_record(values)

    @classmethod
    def from_record(cls, text: str) -> "Terms":
        """Read terms back."""
        record = parse_record(text)
        scope, salt = get_text(record, "scope"), get_text(record, "salt")
        return cls(
            scope=None if scope is None else parse_scope(scope),
            lifetime=get_integer(record, "lifetime") or None,
            salt=None if salt is None else bytes.fromhex(salt),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Tokens that a decision issues.

    Attributes:
        access: To be stored.
        refresh: To be stored; None if the client gets none.
        response: For the client.
        deadline: When the grant ends unless it is used.
        expires_at: When it ends in any case.
    """

    access: IssuedAccessToken
    refresh: IssuedRefreshToken | None
    response: TokenResponse
    deadline: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedProps:
    """Props to be stored in place of the grant's.

    Attributes:
        sealed: None if there are none any more.
        version: Of them.
    """

    sealed: bytes | None = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedIssue:
    """Tokens with the changes applied.

    Attributes:
        issue: To be stored.
        terms: To be stored with the grant, for retries of this generation.
        props: To be stored with the grant; None if they stay.
        own_props: To be stored with the access token; None without.
    """

    issue: Issue
    terms: Terms
    props: SealedProps | None
    own_props: bytes | None = field(repr=False)


def check_changes(changes: TokenChanges) -> None:
    """See that what the callback gave can be stored.

    Raises:
        ValueError: If props are no JSON value or too long, or a lifetime is not positive.
    """
    for props in (changes.props, changes.access_token_props):
        if not isinstance(props, Unchanged):
            encode_props(props)
    for lifetime in (
        changes.access_token_lifetime,
        changes.refresh_lifetime,
        changes.grant_lifetime,
    ):
        if lifetime is not None and lifetime <= 0:
            raise ValueError("a lifetime must be positive")


def apply_changes(
    changes: TokenChanges,
    issue: Issue,
    grant: Grant,
    *,
    data_key: bytes | None,
    version: int,
    fresh: bytes,
) -> ChangedIssue | Refused:
    """Apply what the callback said to tokens that a decision issues.

    Args:
        changes: What it said.
        issue: What was decided without it.
        grant: As it was before.
        data_key: Of the grant's props; None without props.
        version: Of the grant's props.
        fresh: Random bytes for this decision.
    """
    scope = _narrow(issue.access.scope or grant.scope, changes.scope)
    if not scope:
        return Refused(Reason.SCOPE_NOT_GRANTED)
    issue = _with_end(issue, changes)
    props = None
    if not isinstance(changes.props, Unchanged):
        sealed = data_key = None
        if changes.props is not None:
            data_key = draw(fresh, "changed props")
            sealed = _seal(changes.props, grant, data_key, version + 1)
        props = SealedProps(sealed=sealed, version=version + 1)
    salt = own_props = None
    access_key = data_key
    if not isinstance(changes.access_token_props, Unchanged):
        salt = draw(fresh, "own props", 16)
        data_key = data_key or draw(fresh, "base of own props")
        access_key = _own_key(data_key, salt)
        # None is a value too: this access token has no props.
        own_props = _seal(
            changes.access_token_props, grant, access_key, OWN_PROPS_VERSION
        )
    terms = Terms(
        scope=changes.scope, lifetime=changes.access_token_lifetime, salt=salt
    )
    limit = issue.expires_at
    access = _with_terms(issue.access, grant, terms, access_key, limit=limit)
    return ChangedIssue(
        issue=_with_deadlines(issue, access, grant, changes, data_key),
        terms=terms,
        props=props,
        own_props=own_props,
    )


def apply_terms(
    terms: Terms,
    access: IssuedAccessToken | None,
    response: TokenResponse,
    grant: Grant,
    *,
    head: Token,
    head_data_key: bytes | None,
) -> tuple[IssuedAccessToken | None, TokenResponse] | Refused:
    """Hold a retry to what the callback said when its generation began.

    Args:
        terms: Of the head's generation.
        access: What the retry issues; None if it returns what exists already.
        response: For the client.
        grant: Whose tokens they are.
        head: The chain's head.
        head_data_key: The data key of the props, wrapped for the head; None without.
    """
    scope = _narrow(response.scope, terms.scope)
    if not scope:
        return Refused(Reason.SCOPE_NOT_GRANTED)
    response = replace(response, scope=scope)
    if access is None:
        return None, response
    data_key = None
    if head_data_key is not None:
        data_key = unwrap_data_key(head_data_key, head)
        if terms.salt is not None:
            data_key = _own_key(data_key, terms.salt)
    access = _with_terms(access, grant, terms, data_key, limit=grant.expires_at)
    return access, replace(
        response, expires_in=told_life(access.expires_at, access.issued_at)
    )


def _with_end(issue: Issue, changes: TokenChanges) -> Issue:
    if changes.grant_lifetime is None:
        return issue
    end = min(issue.expires_at, issue.access.issued_at + changes.grant_lifetime)
    return replace(issue, expires_at=end, deadline=min(issue.deadline, end))


def _with_terms(
    access: IssuedAccessToken,
    grant: Grant,
    terms: Terms,
    data_key: bytes | None,
    *,
    limit: int,
) -> IssuedAccessToken:
    held = access.scope or grant.scope
    scope = _narrow(held, terms.scope)
    expires_at = min(access.expires_at, limit)
    if terms.lifetime is not None:
        expires_at = access_expiry(access.issued_at, terms.lifetime, limit)
    return replace(
        access,
        expires_at=expires_at,
        scope=access.scope if scope == held else scope,
        data_key=None if data_key is None else wrap_data_key(data_key, access.token),
    )


def _with_deadlines(
    issue: Issue,
    access: IssuedAccessToken,
    grant: Grant,
    changes: TokenChanges,
    data_key: bytes | None,
) -> Issue:
    refresh, time = issue.refresh, access.issued_at
    deadline, expires_at = issue.deadline, issue.expires_at
    if refresh is None:
        # Nothing can follow the access token.
        deadline = expires_at = access.expires_at
    else:
        wrapped = None if data_key is None else wrap_data_key(data_key, refresh.token)
        refresh = replace(refresh, data_key=wrapped)
        if changes.refresh_lifetime is not None:
            deadline = min(time + changes.refresh_lifetime, expires_at)
    response = replace(
        issue.response,
        scope=grant.scope if access.scope is None else access.scope,
        expires_in=told_life(access.expires_at, time),
    )
    return Issue(
        access=access,
        refresh=refresh,
        response=response,
        deadline=deadline,
        expires_at=expires_at,
    )


def _narrow(scope: Scope, limit: Scope | None) -> Scope:
    return scope if limit is None else scope.intersection(limit)


def _seal(props: Json, grant: Grant, data_key: bytes, version: int) -> bytes:
    context = _context(grant, version)
    return seal_props(encode_props(props), data_key=data_key, context=context)


def _context(grant: Grant, version: int) -> bytes:
    return props_context(
        actor_key=grant.actor_key,
        number=grant.number,
        client_id=grant.client_id,
        version=version,
    )


def _own_key(data_key: bytes, salt: bytes) -> bytes:
    return hmac.digest(data_key, b"actor_oauth own props\0" + salt, "sha256")
