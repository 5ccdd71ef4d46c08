"""Storing what an authorization brought: always under the resource it was asked for."""

from dataclasses import replace

from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.json_values import render_record
from actor_oauth.oauth.upstream.attempts import Attempt
from actor_oauth.oauth.upstream.credentials import (
    Credential,
    CredentialEvent,
    advance,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.oauth.uris import parse_web_url
from actor_oauth.runtime import Database


def store(
    db: Database,
    attempt: Attempt,
    tokens: UpstreamTokens,
    seals: Seals,
    *,
    user_id: str,
    now: int,
) -> Connection | UpstreamFailed:
    """Store the tokens of a new authorization, in place of earlier ones.

    It is the next epoch: whatever is on its way for an earlier one is void (I-32).

    Args:
        db: The vault's.
        attempt: How they were asked for.
        tokens: What came.
        seals: Close them.
        user_id: Whose vault it is.
        now: The time of the turn.
    """
    found = connections.ensure(
        db, attempt.resource, name=default_name(attempt.resource, attempt.name), now=now
    )
    if found is None:
        return UpstreamFailed(fault=UpstreamFault.TOO_MANY)
    state = advance(found.credential.state, CredentialEvent.AUTHORIZED)
    assert state is not None
    number = found.number
    credential = Credential(
        state=state,
        epoch=found.credential.epoch + 1,
        generation=0,
        obtained_at=tokens.obtained_at,
        expires_at=tokens.expires_at,
        can_refresh=tokens.refresh_token is not None,
    )
    terms = replace(
        found.terms,
        scope=tokens.scope,
        requested=attempt.scope,
        wanted=NO_SCOPE,
        doubted=None,
        sends_resource=attempt.sends_resource,
        server=attempt.server,
        client_id=attempt.client.client_id,
        user_id=user_id,
    )
    connections.erase_secrets(db, number, *connections.COLUMNS)
    connections.save_credential(db, number, credential)
    connections.save_terms(db, number, terms)
    client = render_record(attempt.client.to_record())
    connections.save_secret(db, number, "client", client, seals)
    save_tokens(db, number, tokens, seals)
    return replace(found, terms=terms, credential=credential)


def save_tokens(
    db: Database, number: int, tokens: UpstreamTokens, seals: Seals
) -> None:
    """Store tokens; without a new refresh token the one there is stays (I-29)."""
    connections.save_secret(db, number, "access", tokens.access_token, seals)
    if tokens.refresh_token is not None:
        connections.save_secret(db, number, "refresh", tokens.refresh_token, seals)


def default_name(resource: str, said: str | None) -> str:
    """Give a connection's name until the application supplies one: the host's name."""
    uri = parse_web_url(resource)
    host = resource if uri is None else uri.host or resource
    return said or host.lower()
