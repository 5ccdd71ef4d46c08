"""Requests for authorization, and what is decided about them."""

from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.wire import Reason

ISSUER = "https://h.example"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
MCP = ResourcePolicy(
    identifier="https://h.example/mcp",
    scopes=("mcp", "tools"),
    default_scopes=("mcp",),
)
API = ResourcePolicy(
    identifier="https://h.example/api", scopes=("read",), default_scopes=("read",)
)
POLICY = Policy(issuer=ISSUER, resources=(MCP,))
TWO_RESOURCES = Policy(issuer=ISSUER, resources=(MCP, API))
CLIENT = Client(client_id="c", redirect_uris=("https://c.example/cb",))
VALID = {
    "client_id": "c",
    "redirect_uri": "https://c.example/cb",
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "xyz",
}


def decide(
    client: Client | None = CLIENT,
    policy: Policy = POLICY,
    /,
    **changes: str | None,
) -> AuthorizationRequest | LocalRefusal | RedirectRefusal:
    fields = {**VALID, **changes}
    return decide_authorization_request(
        parameters_of((k, v) for k, v in fields.items() if v is not None),
        client,
        policy,
    )


def accepted(
    client: Client | None = CLIENT,
    policy: Policy = POLICY,
    /,
    **changes: str | None,
) -> AuthorizationRequest:
    decision = decide(client, policy, **changes)
    assert isinstance(decision, AuthorizationRequest), decision
    return decision


def redirected(
    client: Client | None = CLIENT,
    policy: Policy = POLICY,
    /,
    **changes: str | None,
) -> Reason:
    decision = decide(client, policy, **changes)
    assert isinstance(decision, RedirectRefusal), decision
    assert decision.redirect_uri == VALID["redirect_uri"]
    return decision.reason
