"""What a client sends to register itself, and what is decided about it."""

import json
from collections.abc import Mapping

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.registration import Registered, decide_registration
from actor_oauth.oauth.wire import Refused

NOW = 1_700_000_000
POLICY = Policy(
    issuer="https://h.example",
    resources=(
        ResourcePolicy(identifier="https://h.example/mcp", scopes=("mcp", "tools")),
    ),
    private_use_schemes=frozenset(("cursor",)),
)
MINIMAL: Mapping[str, Json] = {"redirect_uris": ["https://c.example/cb"]}


def decide(members: object, policy: Policy = POLICY) -> Registered | Refused:
    return decide_registration(
        json.dumps(members).encode(), policy, client_id="aocl_x", now=NOW
    )


def registered(members: object) -> Client:
    decision = decide(members)
    assert isinstance(decision, Registered), decision
    return decision.client
