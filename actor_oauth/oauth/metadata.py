"""The two metadata documents, and what must hold before they may be published.

Everything in them comes from configuration, never from a request: choosing the `Host`
header must not mean choosing the issuer (A-01). Lists contain exactly what is enabled.
An empty list is left out, since clients read it as a prohibition.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final, Literal, TypeAlias

from actor_oauth.oauth.clients import AUTH_METHODS
from actor_oauth.oauth.grant_types import published_grant_types
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS
from actor_oauth.oauth.jwt_bearer import ID_JAG_PROFILE
from actor_oauth.oauth.openid import SUBJECT_TYPES, userinfo_url
from actor_oauth.oauth.policy import Lifetimes, Policy, ResourcePolicy
from actor_oauth.oauth.redirect_uris import FORBIDDEN_SCHEMES
from actor_oauth.oauth.resources import canonical_resource, known_scopes
from actor_oauth.oauth.response_types import (
    RESPONSE_MODES,
    enabled_challenge_methods,
    enabled_response_types,
)
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS as OWN_ALGORITHMS
from actor_oauth.oauth.trust_checks import check_trust
from actor_oauth.oauth.uris import parse_web_url

WellKnown: TypeAlias = Literal[
    "oauth-authorization-server", "oauth-protected-resource", "openid-configuration"
]

AUTHORIZATION_SERVER: Final[WellKnown] = "oauth-authorization-server"
OPENID_CONFIGURATION: Final[WellKnown] = "openid-configuration"
PROTECTED_RESOURCE: Final[WellKnown] = "oauth-protected-resource"

MAX_CODE_LIFETIME: Final = 600
"""Seconds (OAuth 2.1 §4.1.2)."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
# Introspection is only for clients that authenticate: never a public one (H-09).
_SECRET_METHODS: Final = tuple(name for name in AUTH_METHODS if name != "none")
# Those that this server has itself; an application may add to them.
_CLAIMS: Final = (
    "iss",
    "sub",
    "aud",
    "iat",
    "exp",
    "at_hash",
    "auth_time",
    "nonce",
    "amr",
    "sid",
    "preferred_username",
)
_ALGORITHMS: Final = "_endpoint_auth_signing_alg_values_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the endpoints are: absolute URLs, None for one that is not served."""

    authorization: str
    token: str
    registration: str | None = None
    registration_management: str | None = None
    revocation: str | None = None
    introspection: str | None = None
    pushed_authorization_request: str | None = None
    device_authorization: str | None = None
    userinfo: str | None = None
    end_session: str | None = None
    jwks: str | None = None


def endpoints_of(policy: Policy) -> Endpoints:
    """Give the endpoints at their usual paths below the issuer's."""
    base = policy.issuer.removesuffix("/")
    manage = policy.registration_enabled and policy.registration_management_enabled
    return Endpoints(
        registration_management=base + "/register/client" if manage else None,
        authorization=base + "/authorize",
        token=base + "/token",
        registration=base + "/register" if policy.registration_enabled else None,
        revocation=base + "/revoke",
        introspection=base + "/introspect",
        pushed_authorization_request=base + "/par",
        device_authorization=(
            base + "/device_authorization"
            if policy.device_authorization_enabled
            else None
        ),
        userinfo=userinfo_url(policy) if policy.openid_enabled else None,
        end_session=base + "/end_session" if policy.openid_enabled else None,
        jwks=base + "/jwks" if policy.signing_algorithms else None,
    )


def authorization_server_metadata(
    policy: Policy, endpoints: Endpoints
) -> dict[str, Json]:
    """Give the authorization server's metadata document.

    Source: RFC 8414 §2, RFC 9207 §3 (A-04, A-05, A-07, A-08, A-09).
    """
    methods = list(AUTH_METHODS)
    document: dict[str, Json] = {
        "issuer": policy.issuer,
        "authorization_endpoint": endpoints.authorization,
        "token_endpoint": endpoints.token,
        "scopes_supported": [*known_scopes(policy)],
        "response_types_supported": [*enabled_response_types(policy)],
        "response_modes_supported": [
            RESPONSE_MODES[name] for name in enabled_response_types(policy)
        ],
        "grant_types_supported": [*published_grant_types(policy)],
        "token_endpoint_auth_methods_supported": [*methods],
        "token" + _ALGORITHMS: [*SIGNING_ALGORITHMS],
        "code_challenge_methods_supported": [*enabled_challenge_methods(policy)],
        "authorization_response_iss_parameter_supported": True,
    }
    if endpoints.registration is not None:
        document["registration_endpoint"] = endpoints.registration
    if endpoints.revocation is not None:
        document["revocation_endpoint"] = endpoints.revocation
        document["revocation_endpoint_auth_methods_supported"] = [*methods]
        document["revocation" + _ALGORITHMS] = [*SIGNING_ALGORITHMS]
    if endpoints.introspection is not None:
        document["introspection_endpoint"] = endpoints.introspection
        document["introspection_endpoint_auth_methods_supported"] = [*_SECRET_METHODS]
        document["introspection" + _ALGORITHMS] = [*SIGNING_ALGORITHMS]
    if policy.metadata_documents_enabled:
        document["client_id_metadata_document_supported"] = True
    optional = {
        "device_authorization_endpoint": endpoints.device_authorization,
        "pushed_authorization_request_endpoint": endpoints.pushed_authorization_request,
        "jwks_uri": endpoints.jwks,
    }
    document |= {name: url for name, url in optional.items() if url is not None}
    document["dpop_signing_alg_values_supported"] = [*SIGNING_ALGORITHMS]
    if policy.trust.has("id-jag"):
        document["authorization_grant_profiles_supported"] = [ID_JAG_PROFILE]
    document |= _detail_types(policy)
    if policy.require_pushed_requests:
        document["require_pushed_authorization_requests"] = True
    if endpoints.userinfo is not None:
        document |= _openid_members(endpoints)
    return document


def _openid_members(endpoints: Endpoints) -> dict[str, Json]:
    """Give the members that OpenID Connect adds (OpenID Connect Discovery §3)."""
    members: dict[str, Json] = {
        "userinfo_endpoint": endpoints.userinfo,
        "subject_types_supported": [*SUBJECT_TYPES],
        "id_token_signing_alg_values_supported": [*OWN_ALGORITHMS],
        "claims_supported": [*_CLAIMS],
        "claims_parameter_supported": False,
        # Said, since clients take the absence of the second for a yes.
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    if endpoints.end_session is not None:
        members["end_session_endpoint"] = endpoints.end_session
    return members


def _detail_types(policy: Policy) -> dict[str, Json]:
    types = {kind.name for item in policy.resources for kind in item.detail_types}
    return {"authorization_details_types_supported": [*sorted(types)]} if types else {}


def protected_resource_metadata(
    resource: ResourcePolicy, issuer: str
) -> dict[str, Json]:
    """Give a protected resource's metadata document.

    `resource` is the identifier as configured, character for character. The scopes are
    the baseline that a client should ask for, without `offline_access` (A-13).

    Source: RFC 9728 §2 (A-11, A-14).
    """
    document: dict[str, Json] = {
        "resource": resource.identifier,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    }
    if resource.baseline:
        document["scopes_supported"] = [*resource.baseline]
    if resource.name:
        document["resource_name"] = resource.name
    return document


def well_known_path(kind: WellKnown, url: str) -> str:
    """Give the path, and query if any, at which a document about a URL is served.

    The well-known part is inserted between host and path. From an issuer's path one
    slash at the end is dropped; a resource loses only the slash right after the host.

    Args:
        kind: Which document.
        url: The issuer, or the resource's identifier, checked by `check_policy`.

    Raises:
        ValueError: It is no http or https URL.

    Source: RFC 8414 §3.1, RFC 9728 §3.1 (A-02, A-10).
    """
    uri = parse_web_url(url)
    if uri is None:
        raise ValueError("not an absolute http or https URL")
    path = "" if uri.path == "/" else uri.path
    if kind != PROTECTED_RESOURCE:
        path = path.removesuffix("/")
    query = "" if uri.query is None else "?" + uri.query
    return f"/.well-known/{kind}{path}{query}"


def openid_configuration_paths(issuer: str) -> tuple[str, ...]:
    """Give the paths at which clients look for the OpenID Connect document.

    RFC 8414 inserts the well-known part into an issuer's URL; OpenID Connect Discovery,
    which is older, appends it. For an issuer without a path they are one.

    Source: RFC 8414 §5, OpenID Connect Discovery §4.
    """
    inserted = well_known_path(OPENID_CONFIGURATION, issuer)
    path = inserted.removeprefix(f"/.well-known/{OPENID_CONFIGURATION}")
    return tuple(
        dict.fromkeys((inserted, f"{path}/.well-known/{OPENID_CONFIGURATION}"))
    )


def well_known_url(kind: WellKnown, url: str) -> str:
    """Give the absolute URL at which a document about a URL is served.

    Raises:
        ValueError: It is no http or https URL.
    """
    path = well_known_path(kind, url)
    scheme, _, rest = url.partition("://")
    # Cut where the path or the query begins, so that the authority stays as written.
    authority = rest.partition("?")[0].partition("/")[0]
    return f"{scheme}://{authority}{path}"


def check_policy(policy: Policy) -> list[str]:
    """Find everything in a policy that the server must not start with (A-15, A-17).

    Returns:
        One sentence for the operator per problem; none if all is well.
    """
    problems = _check_issuer(policy.issuer)
    if not policy.resources:
        problems.append("There must be at least one resource.")
    for resource in policy.resources:
        problems += _check_resource(resource, policy.identity_scopes)
    canonical = [canonical_resource(item.identifier) for item in policy.resources]
    if policy.openid_enabled and canonical_resource(userinfo_url(policy)) in canonical:
        problems.append("The userinfo endpoint cannot be a resource as well.")
    if len(set(canonical)) != len(canonical):
        problems.append("Two resources have the same identifier.")
    default = policy.default_resource
    if default is not None and canonical_resource(default) not in canonical:
        problems.append(f"The default resource {default!r} is none of the resources.")
    problems += _check_schemes(policy.private_use_schemes)
    problems += _check_lifetimes(policy.lifetimes)
    problems += _check_refresh(policy)
    problems += _check_exchange_targets(policy)
    problems += check_trust(policy)
    return problems


def _check_issuer(issuer: str) -> list[str]:
    problems = _check_url("issuer", issuer)
    if "?" in issuer:
        problems.append(f"The issuer {issuer!r} has a query.")
    return problems


def _check_url(what: str, url: str) -> list[str]:
    uri = parse_web_url(url)
    if uri is None:
        return [
            f"The {what} {url!r} is no absolute https URL without user or fragment."
        ]
    if uri.scheme == "http" and not uri.is_loopback:
        return [f"The {what} {url!r} must be https: http is for this machine only."]
    if {".", ".."} & set(uri.path.split("/")):
        return [f"The {what} {url!r} has a path with . or .. in it."]
    return []


def _check_resource(resource: ResourcePolicy, own_scopes: Iterable[str]) -> list[str]:
    problems = _check_url("resource", resource.identifier)
    name = repr(resource.identifier)
    canonical = canonical_resource(resource.identifier)
    as_written = (resource.identifier, resource.identifier.removesuffix("/"))
    if not problems and canonical not in as_written:
        problems.append(f"The resource {name} must be written {canonical}.")
    try:
        scopes, defaults = Scope(resource.scopes), Scope(resource.default_scopes)
    except ValueError as error:
        return [*problems, f"The scopes of {name}: {error}."]
    if not defaults:
        problems.append(f"The resource {name} has no default scope.")
    if not set(resource.needed_scopes).issubset(scopes):
        problems.append(f"A required scope of {name} is not one of its scopes.")
    if not defaults.issubset(scopes):
        problems.append(f"A default scope of {name} is not one of its scopes.")
    related = {n for scope, others in resource.implied_scopes for n in (scope, *others)}
    if not related.issubset(scopes):
        problems.append(f"An implied scope of {name} is not one of its scopes.")
    problems += [
        f"{scope} is not a scope of a resource ({name})."
        for scope in (*own_scopes, OFFLINE_ACCESS)
        if scope in scopes
    ]
    return problems


def _check_schemes(schemes: Iterable[str]) -> list[str]:
    taken = FORBIDDEN_SCHEMES | {"http", "https"}
    return [
        f"The private-use scheme {scheme!r} is not allowed."
        for scheme in sorted(schemes)
        if scheme in taken or not _SCHEME.fullmatch(scheme)
    ]


def _check_exchange_targets(policy: Policy) -> list[str]:
    known = {resource.identifier for resource in policy.resources}
    named = {name for pair in policy.exchange_targets for name in pair}
    return [
        f"The exchange target {name!r} is no resource of this server."
        for name in sorted(named - known)
    ]


def _check_refresh(policy: Policy) -> list[str]:
    every = {"every client": policy.refresh, **policy.client_refresh}
    return [
        f"Of refreshing by {name}: {item} must not be negative."
        for name, rules in every.items()
        for item in ("grace", "recovery", "lost_answer", "contest")
        if getattr(rules, item) < 0
    ]


def _check_lifetimes(lifetimes: Lifetimes) -> list[str]:
    problems = [
        f"The lifetime {item.name} must be positive."
        for item in fields(lifetimes)
        if getattr(lifetimes, item.name) <= 0
    ]
    if lifetimes.code > MAX_CODE_LIFETIME:
        problems.append(f"A code lives {MAX_CODE_LIFETIME} seconds at most.")
    return problems
