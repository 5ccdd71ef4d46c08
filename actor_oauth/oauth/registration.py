"""Whether a client may be registered, and as what (RFC 7591).

Anybody may ask, so every member has a limit, and nothing is taken on trust but what the
protocol needs. Two rules where real clients and RFC 7591 §2.1 pull apart:

Rule 1: a grant or response type that this server does not have is left out, and what
remains is what is registered and returned. VS Code, for one, always lists the device
grant too. Refused is a client of which nothing usable remains: without
`authorization_code`, or with response types that lack `code` (B-24).
Rule 2: an authentication method that this server does not support is refused, never
replaced: the client would then authenticate in a way that cannot work.

A `software_statement` counts only if it was verified (B-28), see
`software_statement.py`. Every unknown member is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.oauth.client_metadata import (
    MetadataReader,
    has_no_browser,
    read_application_type,
    read_assertion_algorithm,
    read_further,
    read_grant_types,
    read_keys,
    read_openid,
    read_redirect_uris,
    read_response_types,
    read_scope,
)
from actor_oauth.oauth.clients import (
    AUTH_METHODS,
    SECRET_METHODS,
    AuthMethod,
    Client,
    Origin,
)
from actor_oauth.oauth.json_values import Json, parse_json_object
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.software_statement import Statement
from actor_oauth.oauth.wire import Reason, Refused

MAX_REGISTRATION_BYTES: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client to be stored.

    Attributes:
        client: As it is registered, which may be less than it asked for.
        needs_secret: Whether it must be given a secret.
    """

    client: Client
    needs_secret: bool


def decide_registration(
    body: bytes,
    policy: Policy,
    *,
    client_id: str,
    now: int,
    statement: Statement | None = None,
) -> Registered | Refused:
    """Decide a client's request to be registered.

    Args:
        body: As it came.
        policy: The server's.
        client_id: A fresh one; clients never choose theirs (B-01).
        now: The time of registration, in Unix seconds.
        statement: The software statement in it, if that was verified.

    Source: RFC 7591 §2, §3 (B-21 to B-29).
    """
    if not policy.registration_enabled:
        return Refused(Reason.REGISTRATION_DISABLED)
    if len(body) > MAX_REGISTRATION_BYTES:
        return Refused(Reason.REGISTRATION_TOO_LARGE)
    members = parse_json_object(body)
    if members is None:
        return Refused(Reason.REGISTRATION_MALFORMED)
    return decide_client(
        members, policy, client_id=client_id, now=now, statement=statement
    )


def decide_client(
    members: Mapping[str, Json],
    policy: Policy,
    *,
    client_id: str,
    now: int,
    origin: Origin = "dynamic",
    statement: Statement | None = None,
) -> Registered | Refused:
    """Decide whether client metadata describe a client that can be registered.

    Args:
        members: The metadata, by the names of RFC 7591 §2.
        policy: The server's.
        client_id: A fresh one.
        now: The time of registration, in Unix seconds.
        origin: Who registers it. An operator's unknown scope is an error; for a client
            that registers itself it is dropped.
        statement: A verified software statement, which takes precedence.
    """
    if statement is not None:
        members = statement.over(members)
    reader = MetadataReader(members)
    method, accepted = _read_auth_method(reader)
    application_type = read_application_type(reader)
    jwks, jwks_uri = read_keys(reader)
    if method == "private_key_jwt" and jwks is None and jwks_uri is None:
        reader.refuse(Reason.METADATA_KEYS_MISSING)
    if method == "none" and origin == "dynamic" and not policy.public_registration:
        reader.refuse(Reason.PUBLIC_CLIENT_REFUSED)
    browserless = has_no_browser(reader, policy)
    grant_types = read_grant_types(reader, policy)
    client = Client(
        client_id=client_id,
        redirect_uris=()
        if browserless
        else read_redirect_uris(reader, policy, application_type),
        auth_method=method,
        auth_methods_accepted=accepted,
        grant_types=grant_types,
        response_types=() if browserless else read_response_types(reader, grant_types),
        origin=origin,
        client_name=reader.words("client_name"),
        scope=read_scope(reader, policy, strict=origin == "pre-registered"),
        client_uri=reader.uri("client_uri"),
        logo_uri=reader.uri("logo_uri"),
        tos_uri=reader.uri("tos_uri"),
        policy_uri=reader.uri("policy_uri"),
        application_type=application_type,
        dpop_bound_access_tokens=reader.flag("dpop_bound_access_tokens"),
        jwks=jwks,
        jwks_uri=jwks_uri,
        assertion_algorithm=read_assertion_algorithm(reader),
        openid=read_openid(reader, policy),
        # A client may not choose a weaker proof for itself: only an operator knows that
        # it is too old for the better one.
        may_use_plain_pkce=origin == "pre-registered" and reader.flag("plain_pkce"),
        issued_at=now,
        metadata=read_further(reader),
    )
    if reader.refusal is not None:
        return Refused(reader.refusal)
    if statement is not None:
        client = statement.kept_by(client)
    return Registered(client=client, needs_secret=method in SECRET_METHODS)


def is_reduced(asked: Client, approved: Client) -> bool:
    """Tell whether a client is what was asked for, or less, but nothing else.

    Less are fewer redirect URIs, grant types and scopes. What people are shown may be
    another text, and who the client is and how it authenticates may not change.
    """
    code = "authorization_code"
    if bool(approved.redirect_uris) != bool(asked.redirect_uris):
        return False
    if not approved.grant_types or (code in asked.grant_types) != (
        code in approved.grant_types
    ):
        return False
    within = set(approved.redirect_uris) <= set(asked.redirect_uris) and set(
        approved.grant_types
    ) <= set(asked.grant_types)
    same = replace(
        approved,
        redirect_uris=asked.redirect_uris,
        grant_types=asked.grant_types,
        scope=asked.scope,
        client_name=asked.client_name,
        client_uri=asked.client_uri,
        logo_uri=asked.logo_uri,
        tos_uri=asked.tos_uri,
        policy_uri=asked.policy_uri,
        metadata=asked.metadata,
    )
    if asked.scope is not None and approved.scope is not None:
        within = within and approved.scope.issubset(asked.scope)
    return within and same == asked


def registration_response(
    client: Client, client_secret: str | None = None
) -> dict[str, Json]:
    """Give the members of the registration response: everything as registered.

    Args:
        client: As it was stored.
        client_secret: The only time that it is shown; None for a public client.

    Source: RFC 7591 §3.2.1 (B-22).
    """
    response: dict[str, Json] = {
        **client.metadata,
        "client_id": client.client_id,
        "client_id_issued_at": client.issued_at,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": list(client.grant_types),
        "response_types": list(client.response_types),
    }
    optional: dict[str, Json] = {
        "client_name": client.client_name,
        "scope": None if client.scope is None else str(client.scope),
        "client_uri": client.client_uri,
        "logo_uri": client.logo_uri,
        "tos_uri": client.tos_uri,
        "policy_uri": client.policy_uri,
        "application_type": client.application_type,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens or None,
        "jwks": None if client.jwks is None else dict(client.jwks),
        "jwks_uri": client.jwks_uri,
        "token_endpoint_auth_signing_alg": client.assertion_algorithm,
        "client_secret": client_secret,
    }
    if client.openid is not None:
        response |= client.openid.to_members()
    response |= {name: text for name, text in optional.items() if text is not None}
    if client_secret is not None:
        response["client_secret_expires_at"] = 0
    return response


def _read_auth_method(
    reader: MetadataReader,
) -> tuple[AuthMethod, frozenset[AuthMethod]]:
    name = reader.text("token_endpoint_auth_method")
    if name is None:
        # RFC 7591 §2 makes Basic the default; a client that never said so may also
        # send the same secret in the form (B-29).
        return "client_secret_basic", SECRET_METHODS
    method = AUTH_METHODS.get(name)
    if method is None:
        reader.refuse(Reason.AUTH_METHOD_UNSUPPORTED)
        return "none", frozenset(("none",))
    return method, frozenset((method,))
