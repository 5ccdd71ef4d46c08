"""What an operator may change about a client that is registered."""

from dataclasses import dataclass, replace

from actor_oauth.oauth.client_credentials import decide_service_client
from actor_oauth.oauth.client_metadata import (
    MetadataReader,
    read_redirect_uris,
    read_scope,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grant_types import CLIENT_CREDENTIALS
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanges:
    """What is to be different; None leaves something as it is.

    Attributes:
        client_name: Shown on consent pages.
        redirect_uris: Replace all existing ones.
        scope: The most that it may be granted from now on.
        any_scope: Whether to remove the limit on scopes; not for service clients.
        resources: Of a service client: those that it may ask for; none means all.
    """

    client_name: str | None = None
    redirect_uris: tuple[str, ...] | None = None
    scope: Scope | None = None
    any_scope: bool = False
    resources: tuple[str, ...] | None = None


def decide_update(
    client: Client, changes: ClientChanges, policy: Policy
) -> Client | Refused:
    """Decide an operator's changes to a client.

    Only what changes is checked: a client that was registered under another policy
    keeps the rest.

    Args:
        client: As it is registered.
        changes: What is to be different.
        policy: The server's.
    """
    if client.origin == "metadata-document":
        return Refused(Reason.CLIENT_PUBLISHED)
    if client.grant_types == (CLIENT_CREDENTIALS,):
        return _decide_service(client, changes, policy)
    redirects = changes.redirect_uris is not None
    if changes.resources is not None or (redirects and not client.redirect_uris):
        return Refused(Reason.CHANGE_UNFIT)
    reader = MetadataReader(_members(changes))
    if changes.client_name is not None:
        client = replace(client, client_name=reader.words("client_name"))
    if redirects:
        uris = read_redirect_uris(reader, policy, client.application_type)
        client = replace(client, redirect_uris=uris)
    if changes.scope is not None or changes.any_scope:
        client = replace(client, scope=read_scope(reader, policy, strict=True))
    return client if reader.refusal is None else Refused(reader.refusal)


def _members(changes: ClientChanges) -> dict[str, Json]:
    uris = changes.redirect_uris
    return {
        "client_name": changes.client_name,
        "redirect_uris": None if uris is None else list(uris),
        "scope": None if changes.scope is None else str(changes.scope),
    }


def _decide_service(
    client: Client, changes: ClientChanges, policy: Policy
) -> Client | Refused:
    if changes.redirect_uris is not None or changes.any_scope:
        return Refused(Reason.CHANGE_UNFIT)
    decided = decide_service_client(
        client_id=client.client_id,
        client_name=changes.client_name or client.client_name or "",
        scope=changes.scope or client.scope or Scope(),
        resources=client.resources if changes.resources is None else changes.resources,
        policy=policy,
        now=client.issued_at,
    )
    if isinstance(decided, Refused):
        return decided
    new = decided.client
    return replace(
        client, client_name=new.client_name, scope=new.scope, resources=new.resources
    )
