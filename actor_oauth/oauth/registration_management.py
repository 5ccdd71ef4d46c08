"""What a client may do with its own registration (RFC 7592).

A client that registered itself holds a registration access token, with which it reads,
replaces or deletes what it registered.

Rule 1: a replacement is complete. What the client leaves out is removed.
Rule 2: the client never says what is the server's to say: ids, times, secrets, tokens.
Rule 3: a replacement gives a new token. It is derived from the one presented and a
stored salt, so that a client that lost the answer, or sent the same request twice, is
given the same one again; until the new one is used, the old one stays good (B-35).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import (
    MAX_REGISTRATION_BYTES,
    decide_client,
    registration_response,
)
from actor_oauth.oauth.software_statement import Statement
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind

_SERVERS_OWN: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What a registration is to become.

    Attributes:
        client: As decided; its time of registration and epoch are the stored ones'.
        needs_secret: Whether it must have a secret.
        client_secret: The secret that the client says it has, to be compared.
    """

    client: Client
    needs_secret: bool
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Successors:
    """What follows from a presented token.

    Attributes:
        access: The registration access token to use next.
        secret: The client's secret, if it needs a new one.
    """

    access: Token
    secret: Token


def decide_replacement(
    body: bytes, client: Client, policy: Policy, statement: Statement | None = None
) -> Replacement | Refused:
    """Decide a client's request to replace its registration.

    Args:
        body: As it came.
        client: As it is registered now.
        policy: The server's.
        statement: The software statement in it, if that was verified.

    Source: RFC 7592 §2.2 (B-33).
    """
    if len(body) > MAX_REGISTRATION_BYTES:
        return Refused(Reason.REGISTRATION_TOO_LARGE)
    members = parse_json_object(body)
    if members is None:
        return Refused(Reason.REGISTRATION_MALFORMED)
    refusal = _check_members(members, client)
    if refusal is not None:
        return Refused(refusal)
    decision = decide_client(
        members,
        policy,
        client_id=client.client_id,
        now=client.issued_at,
        origin=client.origin,
        statement=statement,
    )
    if isinstance(decision, Refused):
        return decision
    return Replacement(
        client=decision.client,
        needs_secret=decision.needs_secret,
        client_secret=get_text(members, "client_secret"),
    )


def derive_successors(presented: Token, salt: bytes) -> Successors:
    """Give what is derived from a token: always the same for one token and salt.

    Without the token, which is stored nowhere, the salt is useless.

    Args:
        presented: The token that the client presented.
        salt: 32 random bytes, drawn when it was first presented for a replacement.
    """

    def derive(kind: TokenKind) -> Token:
        label = b"actor_oauth registration\0" + kind.encode() + b"\0"
        secret = hmac.digest(salt, label + presented.secret, "sha256")
        return Token(kind, presented.actor_key, NO_RECORD, secret)

    return Successors(
        access=derive(TokenKind.REGISTRATION), secret=derive(TokenKind.CLIENT_SECRET)
    )


def managed_response(
    client: Client,
    *,
    management_endpoint: str,
    access_token: str,
    client_secret: str | None = None,
) -> dict[str, Json]:
    """Give the members of a response to a client that manages its registration.

    A secret is in it only when it was made just now: only its hash is stored.

    Args:
        client: As stored.
        management_endpoint: From configuration.
        access_token: The token to use from now on.
        client_secret: A new secret, if there is one.

    Source: RFC 7592 §3 (B-31).
    """
    return {
        **registration_response(client, client_secret),
        "registration_client_uri": f"{management_endpoint}?client_id={client.client_id}",
        "registration_access_token": access_token,
    }


def _check_members(members: Mapping[str, Json], client: Client) -> Reason | None:
    if members.get("client_id") != client.client_id:
        return Reason.MANAGEMENT_CLIENT_ID
    if any(name in members for name in _SERVERS_OWN):
        return Reason.MANAGEMENT_MEMBER
    secret = members.get("client_secret")
    if secret is not None and not isinstance(secret, str):
        return Reason.METADATA_TYPE_WRONG
    return None
