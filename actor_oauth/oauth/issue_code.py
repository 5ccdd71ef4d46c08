"""Issuing a code: the user has said yes, and a grant begins (RFC 6749 §4.1.2)."""

from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_details import narrow_details
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.grants import Grant, GrantState, record
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid import Authentication
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import (
    encode_metadata,
    encode_props,
    props_context,
    seal_props,
    wrap_data_key,
)
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.reauthorization import may_refresh, replaces_earlier
from actor_oauth.oauth.scopes import OPENID, Scope
from actor_oauth.oauth.tokens import Token, TokenKind, draw, token_hash

MAX_CODE_LIFETIME: Final = 600
"""Seconds, whatever the policy says (C-17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What the user, or the application on the user's behalf, agreed to.

    Attributes:
        scope: At most what was requested.
        props: For the application, readable with a live token of the grant only.
        metadata: For listing the user's grants; not secret.
        client_epoch: The client's epoch when it was last seen enabled.
        supersede: Whether the grant, once redeemed, ends older ones of the same client,
            redirect URI and resource. None leaves it to `replaces_earlier`.
        auth_time: When the user last proved who it is, in Unix seconds; None if nobody
            knows. Kept with the grant for the `auth_time` of OpenID Connect.
        methods: How, for the `amr` of OpenID Connect; none if nobody knows.
        session: The name of the browser session, for its `sid`; None without one.
        details: Of the `authorization_details` that were requested, at most, as JSON
            text; None for all.
    """

    scope: Scope
    props: Json = field(default=None, repr=False)
    metadata: Json = None
    client_epoch: int
    supersede: bool | None = None
    auth_time: int | None = None
    methods: tuple[str, ...] = ()
    session: str | None = None
    details: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A grant that begins.

    Attributes:
        grant: To be stored.
        code: For the client.
        sealed_props: To be stored with the grant; None without props.
        metadata: To be stored with the grant, as JSON text; None without.
        authentication: To be stored with the grant, see `Authentication.to_record`;
            None if the client does not learn who the user is.
    """

    grant: Grant
    code: Token
    sealed_props: bytes | None = field(repr=False)
    metadata: str | None
    authentication: str | None = None


def decide_code(
    request: AuthorizationRequest,
    approval: Approval,
    *,
    actor_key: str,
    number: int,
    ended_epoch: int,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> IssuedCode | Refused:
    """Decide whether an approved request becomes a grant with a code.

    Args:
        request: As it was put to the user.
        approval: What the user agreed to.
        actor_key: The key of the user's actor.
        number: For the grant: higher than that of every grant before it.
        ended_epoch: The last epoch of the client that this user's actor knows to have
            ended, 0 for none. A grant of an ended epoch would outlive the client (B-36).
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.

    Raises:
        ValueError: If props or metadata are no JSON value, or too long.
    """
    if approval.client_epoch <= ended_epoch:
        return Refused(Reason.CLIENT_ENDED)
    if not approval.scope or not approval.scope.issubset(request.scope):
        return Refused(Reason.SCOPE_NOT_GRANTED)
    if approval.details is not None:
        granted = narrow_details(approval.details, request.details)
        if granted is None:
            return Refused(Reason.DETAILS_NOT_GRANTED)
        request = replace(request, details=granted)
    code = Token(TokenKind.CODE, actor_key, record(number, 0), draw(fresh, "code"))
    sealed_props = data_key = None
    if approval.props is not None:
        data_key = draw(fresh, "props")
        context = props_context(
            actor_key=actor_key, number=number, client_id=request.client_id
        )
        text = encode_props(approval.props)
        sealed_props = seal_props(text, data_key=data_key, context=context)
    metadata = approval.metadata
    return IssuedCode(
        grant=_new_grant(request, approval, code, data_key, policy=policy, now=now),
        code=code,
        sealed_props=sealed_props,
        metadata=None if metadata is None else encode_metadata(metadata),
        authentication=_authentication(request, approval),
    )


def _authentication(request: AuthorizationRequest, approval: Approval) -> str | None:
    if OPENID not in approval.scope:
        return None
    return Authentication(
        methods=approval.methods, session=approval.session, nonce=request.nonce
    ).to_record()


def _new_grant(
    request: AuthorizationRequest,
    approval: Approval,
    code: Token,
    data_key: bytes | None,
    *,
    policy: Policy,
    now: int,
) -> Grant:
    expires_at = now + policy.lifetimes.refresh_absolute
    supersedes = approval.supersede
    if supersedes is None:
        supersedes = replaces_earlier(request.redirect_uri, policy)
    return Grant(
        actor_key=code.actor_key,
        number=int.from_bytes(code.record[:4]),
        state=GrantState.AUTHORIZED,
        clock=now,
        generation=0,
        deadline=min(now + min(policy.lifetimes.code, MAX_CODE_LIFETIME), expires_at),
        expires_at=expires_at,
        created_at=now,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        resource=request.resource,
        scope=approval.scope,
        supersedes=supersedes,
        code_hash=token_hash(code),
        code_challenge=request.code_challenge,
        code_failures=0,
        code_data_key=None if data_key is None else wrap_data_key(data_key, code),
        code_jkt=request.dpop_jkt,
        details=request.details,
        auth_time=approval.auth_time,
        is_refreshable=may_refresh(request.scope, approval.scope, policy),
    )
