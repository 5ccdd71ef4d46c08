"""Documents of clients, and what is decided about them."""

import json

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.metadata_document import decide_document
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.wire import Refused

NOW = 1_800_000_000
URL = "https://c.example/client.json"
POLICY = Policy(
    issuer="https://as.example",
    resources=(ResourcePolicy(identifier="https://as.example/mcp"),),
    metadata_documents_enabled=True,
)


def decide(
    members: object, *, url: str = URL, policy: Policy = POLICY
) -> Client | Refused:
    return decide_document(json.dumps(members).encode(), url, policy, now=NOW)


def accepted(members: dict[str, Json], *, url: str = URL) -> Client:
    decision = decide(members, url=url)
    assert isinstance(decision, Client), decision
    return decision
