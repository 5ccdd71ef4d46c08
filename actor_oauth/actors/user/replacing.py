"""What a new grant would replace."""

from actor_oauth.actors.user.grants import replaceable_scopes
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reauthorization import kept_scope, replaces_earlier
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import Database


def granted_scope(
    db: Database,
    request: AuthorizationRequest,
    client: Client,
    policy: Policy,
    *,
    now: int,
) -> Scope:
    """Give the scopes of the grants that a grant for this request would replace."""
    if not replaces_earlier(request.redirect_uri, policy):
        return Scope()
    earlier = replaceable_scopes(db, request, now=now)
    return kept_scope(earlier, client, request.resource, policy)
