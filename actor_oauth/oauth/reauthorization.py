"""A user's earlier grants when the same client asks again (C-21, B-20).

A new grant can take the place of those with the same user, client, redirect URI and
resource. Then it is offered with what they had, so that a client that comes back for one
more scope does not lose the others (SEP-2350).

Rule 1: only a grant that is redeemed replaces others, and only older ones. So there is
always one left, and of two at once the newer one.
Rule 2: a client id does not tell installations apart if it is that of a metadata
document, which they share, and neither does a loopback or private-use redirect URI,
which is the same on every machine. Unless the operator says otherwise, those keep their
grants: the laptop must not sign the desktop out. A loopback URI's port is part of it
here.
"""

from collections.abc import Iterable
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.uris import parse_uri

_OFFLINE: Final = Scope((OFFLINE_ACCESS,))


def replaces_earlier(redirect_uri: str, policy: Policy) -> bool:
    """Tell whether a new grant for this redirect URI takes the place of older ones."""
    if policy.consent.replaces_grants == "hosted":
        return is_hosted(redirect_uri)
    return policy.consent.replaces_grants == "always"


def is_hosted(redirect_uri: str) -> bool:
    """Tell whether a redirect URI leads to one installation on the web.

    Such is https on a host that is not this machine.
    """
    uri = parse_uri(redirect_uri)
    return uri is not None and uri.scheme == "https" and not uri.is_loopback


def may_refresh(offered: Scope, allowed: Scope, policy: Policy) -> bool:
    """Tell whether a client gets a refresh token, if it is registered for them.

    `offline_access` that was offered and not allowed is a no: the user does not want to
    be acted for later on. Clients that never ask for it get refresh tokens too, for most
    MCP clients do not ask, and would send their users to sign in every hour; unless the
    operator wants them to ask.

    Args:
        offered: What was asked, or offered again.
        allowed: What of it was allowed.
        policy: What the operator decided.
    """
    if OFFLINE_ACCESS in allowed:
        return True
    return policy.consent.refresh_tokens == "always" and OFFLINE_ACCESS not in offered


def kept_scope(
    earlier: Iterable[Scope], client: Client, resource: str, policy: Policy
) -> Scope:
    """Give the scopes of the grants to be replaced that the client may still have.

    Args:
        earlier: The scope of each.
        client: The requesting client.
        resource: The identifier of the requested resource.
        policy: What the operator decides today.
    """
    names = dict.fromkeys(name for scope in earlier for name in scope)
    return Scope(tuple(names)).intersection(_grantable(client, resource, policy))


def _grantable(client: Client, resource: str, policy: Policy) -> Scope:
    """Give every scope of a resource that a client may be granted by a user."""
    served = (item for item in policy.resources if item.identifier == resource)
    names = [name for item in served for name in item.scopes]
    allowed = Scope(tuple(dict.fromkeys((*names, *policy.identity_scopes))))
    if client.scope_limit is not None:
        allowed = allowed.intersection(client.scope_limit)
    if "refresh_token" in client.grant_types:
        allowed = allowed.union(_OFFLINE)
    return allowed
