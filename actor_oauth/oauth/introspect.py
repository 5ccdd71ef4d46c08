"""What an access token says now: for resource servers and for introspection.

This is asked on every request to a protected resource, so it works on one row as the
database gave it. What follows from the row alone is one value, `Access`, which may be
remembered until the row changes; what else decides, the time, is asked each time.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.grants import GrantState, grant_id, parse_record, stored_scope
from actor_oauth.oauth.props import props_context, unseal_text, unwrap_data_key
from actor_oauth.oauth.tokens import AccessTokenInfo, Token

# Two dataclasses, a few short texts, and their entry in a dict.
_RECORD_BYTES: Final = 1024


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
        origin: The issuer whose assertion began the grant, as JSON text; None if the
            user began it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an access token allows, until it expires or its owner changes something.

    Attributes:
        info: While it has not expired.
        clock: The latest time that the owner has seen.
    """

    info: AccessTokenInfo
    clock: int

    @property
    def weight(self) -> int:
        """The bytes that it takes in memory, roughly."""
        info = self.info
        texts = (info.props_text, info.metadata_text, info.details)
        return _RECORD_BYTES + sum(len(text) for text in texts if text is not None)

    def at(self, now: int) -> AccessTokenInfo | None:
        """Give what it allows at this time; None once it has expired (K-13)."""
        expired = max(now, self.clock) >= self.info.expires_at
        return None if expired else self.info


def decide_access(
    token: Token,
    stored: StoredAccessToken | None,
    *,
    now: int,
    with_props: bool = True,
) -> AccessTokenInfo | None:
    """Decide what a presented access token allows now.

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
    access = access_of(token, stored, with_props=with_props)
    return None if access is None else access.at(now)


def access_of(
    token: Token, stored: StoredAccessToken | None, *, with_props: bool = True
) -> Access | None:
    """Decide what a presented access token allows until it expires.

    Args:
        token: What was presented.
        stored: The row whose hash is this token's, or None if there is none.
        with_props: Whether to decrypt the props.

    Returns:
        None unless the token was not revoked and its grant is active (G-05, H-10).

    Raises:
        ValueError: If the stored props were tampered with.
    """
    if stored is None or stored.state != GrantState.ACTIVE or not stored.expires_at:
        return None
    number, _ = parse_record(token)
    return Access(
        info=AccessTokenInfo(
            grant_id=grant_id(number),
            client_id=stored.holder or stored.client_id,
            user_id=stored.user_id,
            scope=stored_scope(stored.narrowed_scope or stored.scope),
            resource=stored.resource_exchanged or stored.resource,
            issued_at=stored.issued_at,
            expires_at=stored.expires_at,
            props_text=_open_props(token, number, stored) if with_props else None,
            metadata_text=stored.metadata,
            jkt=stored.jkt,
            # They were granted for the grant's own resource.
            details=stored.details
            if stored.resource_exchanged in (None, stored.resource)
            else None,
            origin=None
            if stored.origin is None
            else GrantOrigin.from_record(stored.origin),
        ),
        clock=stored.clock,
    )


def _open_props(token: Token, number: int, stored: StoredAccessToken) -> str | None:
    if stored.data_key is None or stored.sealed_props is None:
        return None
    context = props_context(
        actor_key=token.actor_key,
        number=number,
        client_id=stored.client_id,
        version=stored.props_version,
    )
    data_key = unwrap_data_key(stored.data_key, token)
    text = unseal_text(stored.sealed_props, data_key=data_key, context=context)
    return text.decode()
