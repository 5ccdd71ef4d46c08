"""OpenID Connect over OAuth: what a client may learn about the user.

Rule 1: like `offline_access`, the identity scopes belong to no resource. A client that
only needs to identify the user gets a token for the userinfo endpoint and for nothing
else: signing in must not give access to the user's tools.
Rule 2: `profile` and `email` mean nothing without `openid`.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.oauth.json_values import (
    Json,
    get_text,
    get_texts,
    parse_record,
    render_record,
)
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.resources import find_resource
from actor_oauth.oauth.scopes import (
    EMAIL,
    OFFLINE_ACCESS,
    OPENID,
    PROFILE,
    Scope,
    parse_scope,
)

MAX_NONCE_LENGTH: Final = 1024

SUBJECT_TYPES: Final = ("public",)
"""Every client gets the same `sub` for a user (OpenID Connect Core §8)."""

_DESCRIPTIONS: Final = (
    (OPENID, "Know who you are"),
    (PROFILE, "See your name and your profile"),
    (EMAIL, "See your email address"),
)
_SESSION_NAME_BYTES: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What ID tokens of a grant say of how its user had signed in.

    Attributes:
        auth_time: When the user was recognised, in Unix seconds; None if not known. The
            grant keeps it itself: it is not part of the record.
        methods: How, in the words of RFC 8176; none if not known.
        session: Names the browser session to clients, without being of use in it; None
            if there was none of ours.
        nonce: What the client sent along, or None.
    """

    auth_time: int | None = None
    methods: tuple[str, ...] = ()
    session: str | None = None
    nonce: str | None = None

    def to_record(self) -> str:
        """Give the JSON text to store."""
        values: dict[str, Json] = {
            "amr": list(self.methods) or None,
            "sid": self.session,
            "nonce": self.nonce,
        }
        return render_record(values)

    @classmethod
    def from_record(
        cls, text: str | None, *, auth_time: int | None
    ) -> "Authentication":
        """Read it back; None was stored for a grant that is not about identity.

        Raises:
            RecordError: The record is damaged.
        """
        record = {} if text is None else parse_record(text)
        return cls(
            auth_time=auth_time,
            methods=get_texts(record, "amr"),
            session=get_text(record, "sid"),
            nonce=get_text(record, "nonce"),
        )

    def without_nonce(self) -> "Authentication":
        """Give it as a refresh tells it (OpenID Connect Core §12.2)."""
        return replace(self, nonce=None)


def session_name(session_hash: bytes) -> str:
    """Give the name by which clients know a browser session.

    Args:
        session_hash: The stored form of the session's secret.
    """
    digest = hashlib.sha256(b"actor_oauth session name\0" + session_hash).digest()
    return urlsafe_b64encode(digest[:_SESSION_NAME_BYTES]).rstrip(b"=").decode()


def userinfo_resource(policy: Policy) -> ResourcePolicy:
    """Give the userinfo endpoint as the resource of tokens that are for nothing else."""
    return ResourcePolicy(
        identifier=userinfo_url(policy),
        scopes=(),
        default_scopes=(),
        name="your name on this server",
    )


def userinfo_url(policy: Policy) -> str:
    """Give the URL of the userinfo endpoint."""
    return policy.issuer.removesuffix("/") + "/userinfo"


def scope_descriptions(policy: Policy) -> dict[str, str]:
    """Give descriptions of scopes for the consent page."""
    own = _DESCRIPTIONS if policy.openid_enabled else ()
    return {**dict(own), **dict(policy.scope_descriptions)}


def resource_names(policy: Policy) -> dict[str, str | None]:
    """Give display names of resources for the consent page."""
    resources = (*policy.resources, userinfo_resource(policy))
    return {resource.identifier: resource.name for resource in resources}


def find_target(
    requested: Sequence[str], scope: str | None, policy: Policy
) -> ResourcePolicy | None:
    """Find the one resource that a request is about (C-09).

    Args:
        requested: The values of `resource`.
        scope: The parameter, or None.
        policy: The server's.

    Returns:
        The userinfo endpoint for a request that names it, or that names identity scopes
        only and no resource; else as `find_resource` says.
    """
    if policy.openid_enabled:
        userinfo = userinfo_resource(policy)
        if tuple(requested) == (userinfo.identifier,):
            return userinfo
        if not requested and _is_for_identity_only(scope, policy):
            return userinfo
    return find_resource(requested, policy)


def without_idle(scope: Scope, policy: Policy) -> Scope:
    """Leave out the scopes that mean nothing without `openid` (Rule 2)."""
    if OPENID in scope:
        return scope
    return scope.difference(Scope(policy.identity_scopes))


def _is_for_identity_only(scope: str | None, policy: Policy) -> bool:
    wanted = parse_scope(scope or "") or Scope()
    rest = wanted.difference(Scope((*policy.identity_scopes, OFFLINE_ACCESS)))
    return OPENID in wanted and not rest
