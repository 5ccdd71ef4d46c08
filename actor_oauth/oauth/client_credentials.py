"""Client credentials: tokens that a client gets for itself (RFC 6749 §4.4).

Nobody is asked, so everything that such a token may do was said by the operator when the
client was made: a client that registered itself has no use of this grant, nor has one
that anybody could impersonate.
"""

from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.clients import CLIENT_ID_PREFIX, SECRET_METHODS, Client
from actor_oauth.oauth.grant_types import CLIENT_CREDENTIALS
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import Registered
from actor_oauth.oauth.resources import find_resource
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import (
    NO_RECORD,
    Token,
    TokenKind,
    TokenResponse,
    draw,
)

NEVER_A_USER: Final = (CLIENT_ID_PREFIX, "https://")
"""Prefix of clients' ids, which no user's name may have (B-01)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTokenRequest:
    """A token request with grant type `client_credentials`.

    Attributes:
        client: Who authenticated.
        scope: If it was sent.
        resources: The values of `resource`.
    """

    client: Client
    scope: Scope | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedClientToken:
    """A token of a client, to be stored by the client's actor.

    Attributes:
        token: As the client gets it.
        issued_at: In Unix seconds.
        expires_at: In Unix seconds.
        scope: What it may be used for.
        resource: The one resource that it is for.
    """

    token: Token
    issued_at: int
    expires_at: int
    scope: Scope
    resource: str

    @property
    def response(self) -> TokenResponse:
        """What the client is answered: never with a refresh token (D-33)."""
        return TokenResponse(
            access_token=self.token.render(),
            expires_in=self.expires_at - self.issued_at,
            scope=self.scope,
            resource=self.resource,
        )


def decide_client_credentials(
    request: ClientTokenRequest,
    *,
    actor_key: str,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> IssuedClientToken | Refused:
    """Decide whether a client gets a token of its own.

    Args:
        request: What the authenticated client sent.
        actor_key: The key of the client's actor.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.

    Source: RFC 6749 §4.4, OAuth 2.1 §4.2, §7.4 (D-33, D-34).
    """
    client = request.client
    if not _may_act_for_itself(client):
        return Refused(Reason.CLIENT_NOT_ITS_OWN)
    resource = _resource(request, policy)
    if resource is None:
        return Refused(Reason.RESOURCE_NOT_ALLOWED)
    scope = _scope(request, resource)
    if not scope:
        return Refused(Reason.SCOPE_NOT_ALLOWED)
    return IssuedClientToken(
        token=Token(
            TokenKind.CLIENT_ACCESS, actor_key, NO_RECORD, draw(fresh, "client access")
        ),
        issued_at=now,
        expires_at=now + policy.lifetimes.access_token,
        scope=scope,
        resource=resource.identifier,
    )


def decide_service_client(
    *,
    client_id: str,
    client_name: str,
    scope: Scope,
    resources: tuple[str, ...],
    policy: Policy,
    now: int,
) -> Registered | Refused:
    """Decide whether the operator may create a client that acts only for itself.

    Args:
        client_id: A fresh one.
        client_name: For listings.
        scope: The most that it may ask for.
        resources: Those that it may ask for; none means all.
        policy: The server's.
        now: The time of registration, in Unix seconds.
    """
    found = [find_resource((resource,), policy) for resource in resources]
    known = [resource for resource in found if resource is not None]
    if len(known) != len(found):
        return Refused(Reason.RESOURCE_NOT_ALLOWED)
    names = {name for item in known or policy.resources for name in item.scopes}
    if not scope or not names.issuperset(scope):
        return Refused(Reason.SCOPE_NOT_ALLOWED)
    client = Client(
        client_id=client_id,
        redirect_uris=(),
        auth_method="client_secret_basic",
        auth_methods_accepted=SECRET_METHODS,
        grant_types=(CLIENT_CREDENTIALS,),
        response_types=(),
        origin="pre-registered",
        client_name=client_name,
        scope=scope,
        resources=tuple(resource.identifier for resource in known),
        issued_at=now,
    )
    return Registered(client=client, needs_secret=True)


def _may_act_for_itself(client: Client) -> bool:
    # The id becomes `sub`: an id that a user could have would impersonate that user.
    return (
        client.is_confidential
        and client.origin == "pre-registered"
        and client.client_id.startswith(NEVER_A_USER)
    )


def _resource(request: ClientTokenRequest, policy: Policy) -> ResourcePolicy | None:
    allowed = request.client.resources
    asked = request.resources
    if not asked and len(allowed) == 1:
        asked = allowed
    resource = find_resource(asked, policy)
    if resource is None or (allowed and resource.identifier not in allowed):
        return None
    return resource


def _scope(request: ClientTokenRequest, resource: ResourcePolicy) -> Scope:
    # What no operator allowed by name is the least there is: the resource's baseline.
    allowed = Scope(resource.baseline)
    if request.client.scope is not None:
        allowed = Scope(resource.scopes).intersection(request.client.scope)
    if request.scope is None:
        return allowed
    # More than is allowed is an error, for there is nobody who could be asked for less.
    return request.scope if request.scope.issubset(allowed) else Scope()
