"""What a valid assertion yields: a grant for one access token.

Nobody is asked, so what is granted is the least that all agree on: what the issuer
asserts, what the client asks for, and what the operator lets this issuer open (D-45).
There is no refresh token: for the next access token the issuer is asked again, which is
how an organization keeps its say (D-48).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.issue_code import Approval, IssuedCode, decide_code
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwt_bearer import Asserted
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.resources import find_resource
from actor_oauth.oauth.scopes import Scope

MAX_ASSERTED_GRANTS: Final = 1000
"""Maximum of active ones per account, so that a client in a loop cannot fill the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertedGrant:
    """A grant to be issued because a trusted issuer asserts it.

    Attributes:
        origin: Which issuer asserts it, and about whom.
        client: Who gets the token: as registered, but never a refresh token.
        scope: What is granted.
        resource: The one resource.
        props: What the issuer says that the protected application wants to know.
        access_token_life: Of the token, in seconds; None for the usual one.
        proof: Of a key, if one was sent.
    """

    origin: GrantOrigin
    client: Client
    scope: Scope
    resource: str
    props: Json = field(default=None, repr=False)
    access_token_life: int | None = None
    proof: Proof | None = None

    def policy(self, policy: Policy) -> Policy:
        """Give the policy for this grant: its token may live less long than others."""
        lifetimes, life = policy.lifetimes, self.access_token_life
        if life is None:
            return policy
        shorter = min(life, lifetimes.access_token)
        return replace(policy, lifetimes=replace(lifetimes, access_token=shorter))

    def request(self, code: IssuedCode) -> CodeRequest:
        """Give the redemption of the code that such a grant has inside the server."""
        return CodeRequest(code.code, self.client, None, None, proof=self.proof)


def decide_asserted_grant(
    asserted: Asserted,
    client: Client,
    *,
    scope: Scope | None,
    resources: tuple[str, ...],
    proof: Proof | None,
    policy: Policy,
) -> AssertedGrant | Refused:
    """Decide what a client gets for an assertion.

    Args:
        asserted: From `decide_assertion`.
        client: Who authenticated.
        scope: If it was sent.
        resources: The values of `resource`.
        proof: Of a key, if one was sent.
        policy: What the operator decided.
    """
    resource = _resource(asserted, resources, policy)
    if isinstance(resource, Refused):
        return resource
    granted = _scope(asserted, client, scope, resource)
    if not granted:
        return Refused(Reason.SCOPE_NOT_ALLOWED)
    issuer = asserted.issuer
    props: dict[str, Json] = {
        name: asserted.claims[name]
        for name in issuer.props_claims
        if name in asserted.claims
    }
    grant_types = tuple(name for name in client.grant_types if name != "refresh_token")
    return AssertedGrant(
        origin=asserted.origin,
        client=replace(client, grant_types=grant_types),
        scope=granted,
        resource=resource.identifier,
        props=props or None,
        access_token_life=issuer.access_token_life,
        proof=proof,
    )


def begin_asserted_grant(
    grant: AssertedGrant,
    *,
    actor_key: str,
    number: int,
    client_epoch: int,
    ended_epoch: int,
    live: int,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> IssuedCode | Refused:
    """Begin a grant. Its code never leaves the server; its deadline ends what crashes.

    Args:
        grant: What `decide_asserted_grant` allowed.
        actor_key: The key of the account's actor.
        number: For the grant: higher than that of every grant before it.
        client_epoch: The client's epoch when it was last seen enabled.
        ended_epoch: The last epoch of the client that is known to have ended.
        live: How many such grants the account has.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.
    """
    if live >= MAX_ASSERTED_GRANTS:
        return Refused(Reason.ASSERTED_GRANTS_TOO_MANY)
    request = AuthorizationRequest(
        client_id=grant.client.client_id,
        redirect_uri="",
        redirect_uri_sent=None,
        state=None,
        scope=grant.scope,
        resource=grant.resource,
        code_challenge="",
    )
    return decide_code(
        request,
        Approval(scope=grant.scope, props=grant.props, client_epoch=client_epoch),
        actor_key=actor_key,
        number=number,
        ended_epoch=ended_epoch,
        policy=policy,
        fresh=fresh,
        now=now,
    )


def _resource(
    asserted: Asserted, requested: tuple[str, ...], policy: Policy
) -> ResourcePolicy | Refused:
    open_to_issuer = [
        resource
        for resource in policy.resources
        if not asserted.issuer.resources
        or resource.identifier in asserted.issuer.resources
    ]
    possible: list[ResourcePolicy | None] = [*open_to_issuer]
    if asserted.resources is not None:
        possible = [find_resource((name,), policy) for name in asserted.resources]
        if not all(resource in open_to_issuer for resource in possible):
            return Refused(Reason.ASSERTION_RESOURCE)
    found = find_resource(requested, policy) if requested else None
    if not requested and len(set(possible)) == 1:
        found = possible[0]
    if found is None or found not in possible:
        return Refused(Reason.RESOURCE_NOT_ALLOWED)
    return found


def _scope(
    asserted: Asserted,
    client: Client,
    requested: Scope | None,
    resource: ResourcePolicy,
) -> Scope:
    allowed = Scope(resource.scopes).intersection(_mapped(asserted, resource))
    if client.scope_limit is not None:
        allowed = allowed.intersection(client.scope_limit)
    if requested is None and asserted.scope is None:
        # Nobody named anything: the least there is.
        requested = Scope(resource.default_scopes)
    return allowed if requested is None else requested.intersection(allowed)


def _mapped(asserted: Asserted, resource: ResourcePolicy) -> Scope:
    """Give what the issuer allows, under our scope names."""
    mapping = dict(asserted.issuer.scopes)
    if asserted.scope is not None:
        return _union(
            mapping.get(name, ()) if mapping else (name,) for name in asserted.scope
        )
    return _union(mapping.values()) if mapping else Scope(resource.scopes)


def _union(names: Iterable[Iterable[str]]) -> Scope:
    return Scope(tuple(dict.fromkeys(name for some in names for name in some)))
