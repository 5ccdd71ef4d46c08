"""Token exchange: an access token for one that can do less (RFC 8693).

Rule 1: the result is never more than the subject token: not in scope, not in audience
beyond what the operator allowed to clients that prove who they are, not in remaining life
(D-38).
Rule 2: it belongs to the subject's grant and is stored with it, so whatever ends the
grant ends it, also if the exchange was under way. It names the token that it came from in
the first place, so revoking that one ends it too (D-39).
Rule 3: every fault of the subject token gets the same answer (D-36).
"""

from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.grants import (
    IssuedAccessToken,
    access_expiry,
    parse_record,
    told_life,
)
from actor_oauth.oauth.introspect import StoredAccessToken, decide_access
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.props import unwrap_data_key, wrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.resources import covers, find_resource
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import (
    AccessTokenInfo,
    Token,
    TokenKind,
    TokenResponse,
    draw,
    parse_token,
    token_hash,
    token_type,
)

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 a name

MAX_EXCHANGED: Final = 256
"""Maximum number of valid exchanged tokens of one grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """A token request with the grant type of RFC 8693.

    Attributes:
        subject: The token to exchange.
        client: The authenticated client; None means the client that has the token.
        scope: If it was sent.
        resources: The values of `resource` and `audience`.
        expires_in: The longest life in seconds; None for as long as there is.
        proof: Of a key, if one was sent.
    """

    subject: Token
    client: Client | None
    scope: Scope | None = None
    resources: tuple[str, ...] = ()
    expires_in: int | None = None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangedToken:
    """A token that an exchange issues.

    Attributes:
        access: To be stored with the grant.
        resource: The one resource that it is for.
        holder: The client that gets it.
        root: The hash of the token that was exchanged in the first place.
        response: For the client.
    """

    access: IssuedAccessToken
    resource: str
    holder: str
    root: bytes = field(repr=False)
    response: TokenResponse


def parse_exchange(form: Parameters, client: Client) -> ExchangeRequest | Refused:
    """Read a token exchange request of an authenticated client.

    Source: RFC 8693 §2.1 (D-35).
    """
    text = form.get("subject_token")
    if text is None or form.get("subject_token_type") is None:
        return Refused(Reason.PARAMETER_MISSING)
    if form.get("subject_token_type") != ACCESS_TOKEN_TYPE:
        return Refused(Reason.SUBJECT_TYPE_UNSUPPORTED)
    if form.get("actor_token") or form.get("actor_token_type"):
        return Refused(Reason.ACTOR_TOKEN_UNSUPPORTED)
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN_TYPE):
        return Refused(Reason.REQUESTED_TYPE_UNSUPPORTED)
    scope_text = form.get("scope")
    scope = None if scope_text is None else parse_scope(scope_text)
    if scope is None and scope_text is not None:
        return Refused(Reason.SCOPE_MALFORMED)
    subject = parse_token(text)
    # A client that has a token of its own asks for a lesser one with its credentials.
    if subject is None or subject.kind is not TokenKind.ACCESS:
        return Refused(Reason.SUBJECT_TOKEN_INVALID)
    return ExchangeRequest(
        subject=subject,
        client=client,
        scope=scope,
        resources=(*form.getlist("resource"), *form.getlist("audience")),
    )


def decide_exchange(
    request: ExchangeRequest,
    stored: StoredAccessToken | None,
    *,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> ExchangedToken | Refused:
    """Decide what a token is exchanged for.

    Args:
        request: What the authenticated client sent.
        stored: The row of the subject token, or None if there is none.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.

    Source: RFC 8693 §2 (D-36 to D-39).
    """
    info = decide_access(request.subject, stored, now=now, with_props=False)
    if stored is None or info is None:
        return Refused(Reason.SUBJECT_TOKEN_INVALID)
    # Who has a bound token without its key must not get one that is free (D-38).
    if not same_key(info.jkt, request.proof):
        return Refused(Reason.SUBJECT_TOKEN_INVALID)
    if not _may_exchange(request.client, info, policy):
        return Refused(Reason.SUBJECT_TOKEN_FOREIGN)
    target = _target(request, info, policy)
    if target is None:
        return Refused(Reason.EXCHANGE_TARGET)
    scope = _scope(request.scope, info, target)
    if not scope:
        return Refused(Reason.EXCHANGE_SCOPE)
    time = max(now, stored.clock)
    life = policy.lifetimes.access_token
    if request.expires_in is not None:
        life = max(1, min(life, request.expires_in))
    expires_at = access_expiry(time, life, info.expires_at)
    access = _issue(
        request, stored, scope, time=time, expires_at=expires_at, fresh=fresh
    )
    return ExchangedToken(
        access=access,
        resource=target.identifier,
        holder=info.client_id if request.client is None else request.client.client_id,
        root=stored.root or token_hash(request.subject),
        response=TokenResponse(
            access_token=access.token.render(),
            expires_in=told_life(access.expires_at, time),
            scope=scope,
            resource=target.identifier,
            issued_token_type=ACCESS_TOKEN_TYPE,
            token_type=token_type(access.jkt),
            details=stored.details if target.identifier == info.resource else None,
        ),
    )


def _may_exchange(client: Client | None, info: AccessTokenInfo, policy: Policy) -> bool:
    if client is None or client.client_id == info.client_id:
        return True
    # A client that anybody can claim to be must not be able to use stolen tokens.
    return client.is_confidential and client.client_id in policy.exchange_clients


def _target(
    request: ExchangeRequest, info: AccessTokenInfo, policy: Policy
) -> ResourcePolicy | None:
    target = find_resource(request.resources or (info.resource,), policy)
    if target is None:
        return None
    if covers(info.resource, target.identifier):
        return target
    allowed = (info.resource, target.identifier) in policy.exchange_targets
    return target if allowed and _is_proved(request, info) else None


def _is_proved(request: ExchangeRequest, info: AccessTokenInfo) -> bool:
    """Tell whether more than the token shows that its client asks.

    The resource that a token is for has the token too, and so may a thief. They must not
    get by it to where it is not good: whose client has no secret, its name is known.
    """
    client = request.client
    return client is None or client.is_confidential or info.jkt is not None


def _scope(
    requested: Scope | None, info: AccessTokenInfo, target: ResourcePolicy
) -> Scope:
    held = info.scope
    if target.identifier != info.resource:
        held = held.intersection(Scope(target.scopes))
    if requested is None:
        return held
    return held.intersection(requested) if requested.issubset(held) else Scope()


def _issue(
    request: ExchangeRequest,
    stored: StoredAccessToken,
    scope: Scope,
    *,
    time: int,
    expires_at: int,
    fresh: bytes,
) -> IssuedAccessToken:
    subject = request.subject
    token = Token(
        TokenKind.ACCESS, subject.actor_key, subject.record, draw(fresh, "exchanged")
    )
    data_key = None
    if stored.data_key is not None:
        data_key = wrap_data_key(unwrap_data_key(stored.data_key, subject), token)
    return IssuedAccessToken(
        token=token,
        generation=parse_record(subject)[1],
        issued_at=time,
        expires_at=expires_at,
        scope=scope,
        data_key=data_key,
        jkt=None if request.proof is None else request.proof.jkt,
    )
