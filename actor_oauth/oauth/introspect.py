"""What an access token says now: for resource servers and for introspection.

This is asked on every request to a protected resource, so it works on one row as the
database gave it.
"""

import json
from typing import NamedTuple, cast

from actor_oauth.oauth.authorization_details import stored_details
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.grants import GrantState, grant_id, parse_record, stored_scope
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.props import props_context, unseal_props, unwrap_data_key
from actor_oauth.oauth.tokens import AccessTokenInfo, Token


class StoredAccessToken(NamedTuple):
    """An access token with what its grant says about it: one row.

    Attributes:
        issued_at: In Unix seconds.
        expires_at: In Unix seconds; 0 if it was revoked.
        narrowed_scope: If it is for less than the grant.
        data_key: The data key of the props, wrapped for it; None without props.
        state: Of the grant.
        clock: The latest time that the grant has seen.
        client_id: Of the grant.
        resource: Of the grant.
        scope: Of the grant.
        metadata: Of the grant, as JSON text.
        sealed_props: Of the grant; None without props.
        user_id: Whose grant it is.
        resource_exchanged: If it was exchanged: the resource that it is for.
        holder: If it was exchanged: the client that got it.
        root: If it was exchanged: the hash of the token that it came from.
        props_version: Of the props.
        jkt: The thumbprint of the key that it is bound to, or None.
        origin: On whose word the grant began, as JSON text; None for the user's.
        details: Its `authorization_details`, as JSON text, or None.
    """

    issued_at: int
    expires_at: int
    narrowed_scope: str | None
    data_key: bytes | None
    state: str
    clock: int
    client_id: str
    resource: str
    scope: str
    metadata: str | None
    sealed_props: bytes | None
    user_id: str
    resource_exchanged: str | None = None
    holder: str | None = None
    root: bytes | None = None
    props_version: int = 1
    jkt: str | None = None
    origin: str | None = None
    details: str | None = None


def decide_access(
    token: Token,
    stored: StoredAccessToken | None,
    *,
    now: int,
    with_props: bool = True,
) -> AccessTokenInfo | None:
    """Say what a presented access token is good for.

    Args:
        token: What was presented.
        stored: The row whose hash is this token's, or None if there is none.
        now: The time.
        with_props: Whether to decrypt the props.

    Returns:
        None unless the token and its grant are alive (G-05, H-10).

    Raises:
        ValueError: If the stored props were tampered with.
    """
    if stored is None or stored.state != GrantState.ACTIVE:
        return None
    if max(now, stored.clock) >= stored.expires_at:
        return None
    number, _ = parse_record(token)
    return AccessTokenInfo(
        grant_id=grant_id(number),
        client_id=stored.holder or stored.client_id,
        user_id=stored.user_id,
        scope=stored_scope(stored.narrowed_scope or stored.scope),
        resource=stored.resource_exchanged or stored.resource,
        issued_at=stored.issued_at,
        expires_at=stored.expires_at,
        props=_open_props(token, number, stored) if with_props else None,
        metadata=_metadata(stored.metadata),
        jkt=stored.jkt,
        # They were granted for the grant's own resource.
        authorization_details=stored_details(stored.details)
        if stored.resource_exchanged in (None, stored.resource)
        else None,
        origin=None
        if stored.origin is None
        else GrantOrigin.from_record(stored.origin),
    )


def _open_props(token: Token, number: int, stored: StoredAccessToken) -> Json:
    if stored.data_key is None or stored.sealed_props is None:
        return None
    context = props_context(
        actor_key=token.actor_key,
        number=number,
        client_id=stored.client_id,
        version=stored.props_version,
    )
    data_key = unwrap_data_key(stored.data_key, token)
    return unseal_props(stored.sealed_props, data_key=data_key, context=context)


def _metadata(text: str | None) -> Json:
    return None if text is None else cast("Json", json.loads(text))
