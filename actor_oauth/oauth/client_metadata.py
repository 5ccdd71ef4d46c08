"""Parsing untrusted client metadata, member by member (RFC 7591 §2).

What a client says about itself when it registers, and what it publishes in a metadata
document, is the same set of members, read here by the same rules. Every member has a
limit, and what people will see loses the characters that could deceive them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from actor_oauth.oauth.clients import (
    APPLICATION_TYPES,
    GRANT_TYPES,
    ApplicationType,
)
from actor_oauth.oauth.grant_types import (
    DEVICE_CODE,
    IMPLICIT,
    JWT_BEARER,
    registrable_grant_types,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, parse_jwks
from actor_oauth.oauth.openid_client import DEFAULT_ALGORITHM, OpenIdClient
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.redirect_uris import (
    MAX_REDIRECT_URIS,
    check_application_type,
    check_redirect_uri,
)
from actor_oauth.oauth.resources import known_scopes
from actor_oauth.oauth.response_types import CODE, TOKEN
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS as OWN_ALGORITHMS
from actor_oauth.oauth.signing_keys import parse_algorithm
from actor_oauth.oauth.uris import MAX_URI_LENGTH, parse_web_url
from actor_oauth.oauth.wire import Reason

MAX_TEXT_LENGTH: Final = 256
MAX_LIST_LENGTH: Final = 64
MAX_LOCALIZED: Final = 64

LOCALIZED_TEXTS: Final = ("client_name",)
LOCALIZED_URIS: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")

# RFC 7591 §2.1: which answer goes with which grant.
_RESPONSE_TYPES: Final = {"authorization_code": CODE, IMPLICIT: TOKEN}
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}")
# Control characters, and those that change the text direction: they would let a name
# alter the sentence, or the terminal line, in which it is shown (J-09).
_UNWANTED: Final = re.compile(
    "[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


class MetadataReader:
    """Reads members, and keeps the first reason to refuse them.

    Values that cannot be parsed are treated as absent, so that parsing can continue.
    """

    def __init__(self, members: Mapping[str, Json]) -> None:
        # A member that is null says nothing, as one that is missing.
        self.members = {
            name: value for name, value in members.items() if value is not None
        }
        self.refusal: Reason | None = None

    def refuse(self, reason: Reason | None) -> None:
        """Keep a reason, unless there is one already."""
        self.refusal = self.refusal or reason

    def text(self, name: str, limit: int = MAX_TEXT_LENGTH) -> str | None:
        """Read a text; an empty one says nothing."""
        value = self.members.get(name, "")
        if not isinstance(value, str):
            self.refuse(Reason.METADATA_TYPE_WRONG)
            return None
        if len(value) > limit:
            self.refuse(Reason.METADATA_TOO_LONG)
            return None
        return value or None

    def flag(self, name: str) -> bool:
        """Parse a boolean; False if the member is absent."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            self.refuse(Reason.METADATA_TYPE_WRONG)
        return value is True

    def number(self, name: str) -> int | None:
        """Parse a whole number that is not negative; None if the member is absent."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.refuse(Reason.METADATA_TYPE_WRONG)
            return None
        return value

    def words(self, name: str) -> str | None:
        """Read a text that people will see."""
        value = self.text(name)
        return None if value is None else _clean(value)

    def uri(self, name: str) -> str | None:
        """Read an absolute http or https URL (B-26)."""
        value = self.text(name, MAX_URI_LENGTH)
        if value is not None and parse_web_url(value) is None:
            self.refuse(Reason.METADATA_URI_INVALID)
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Parse a list of strings, without repeats; None if the member is absent."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.refuse(Reason.METADATA_TYPE_WRONG)
            return None
        if len(value) > MAX_LIST_LENGTH:
            self.refuse(Reason.METADATA_TOO_LONG)
            return None
        texts = tuple(item for item in value if isinstance(item, str))
        if len(texts) != len(value):
            self.refuse(Reason.METADATA_TYPE_WRONG)
        return tuple(dict.fromkeys(texts))


def read_keys(reader: MetadataReader) -> tuple[Mapping[str, Json] | None, str | None]:
    """Read the client's keys: by value, or the URL that they are at, never both (B-09)."""
    jwks, uri = reader.members.get("jwks"), reader.uri("jwks_uri")
    if jwks is not None and uri is not None:
        reader.refuse(Reason.METADATA_INCONSISTENT)
    if jwks is None:
        return None, uri
    if not isinstance(jwks, dict) or parse_jwks(jwks) is None:
        reader.refuse(Reason.METADATA_JWKS_INVALID)
        return None, uri
    return jwks, uri


def read_assertion_algorithm(reader: MetadataReader) -> str | None:
    """Read the one algorithm that the client will sign with, if it names one (E-10)."""
    name = reader.text("token_endpoint_auth_signing_alg")
    if name is not None and name not in SIGNING_ALGORITHMS:
        reader.refuse(Reason.SIGNING_ALGORITHM_UNSUPPORTED)
    return name


def read_application_type(reader: MetadataReader) -> ApplicationType | None:
    """Read whether the client says that it runs on the web or on a device (B-27)."""
    name = reader.text("application_type")
    if name is None:
        return None
    found = APPLICATION_TYPES.get(name)
    if found is None:
        reader.refuse(Reason.APPLICATION_TYPE_UNKNOWN)
    return found


def read_redirect_uris(
    reader: MetadataReader, policy: Policy, application_type: ApplicationType | None
) -> tuple[str, ...]:
    """Read where codes may be sent, at least one place (B-02, B-03)."""
    value = reader.members.get("redirect_uris")
    if not isinstance(value, list) or not value:
        reader.refuse(Reason.REDIRECT_URIS_MISSING)
        return ()
    if len(value) > MAX_REDIRECT_URIS:
        reader.refuse(Reason.REDIRECT_URIS_TOO_MANY)
        return ()
    uris = [item for item in value if isinstance(item, str)]
    if len(uris) != len(value):
        reader.refuse(Reason.REDIRECT_URI_MALFORMED)
    for uri in uris:
        reader.refuse(check_redirect_uri(uri, policy))
    if application_type is not None:
        reader.refuse(check_application_type(uris, application_type))
    return tuple(dict.fromkeys(uris))


def read_grant_types(reader: MetadataReader, policy: Policy) -> tuple[str, ...]:
    """Read those of the grant types that this server has (B-24)."""
    # The default is RFC 7591's: no refresh token for whom does not ask (D-19). A list
    # without entries says as little as no list.
    asked = reader.texts("grant_types") or GRANT_TYPES[:1]
    usable = tuple(name for name in registrable_grant_types(policy) if name in asked)
    redirects = {"authorization_code", IMPLICIT} & set(usable)
    if not redirects and not has_no_browser(reader, policy):
        reader.refuse(Reason.GRANT_TYPES_UNSUPPORTED)
    return usable


def has_no_browser(reader: MetadataReader, policy: Policy) -> bool:
    """Tell whether this is a client that has nothing to redirect to it.

    So is a device, and a client that only presents assertions.
    """
    asked = reader.texts("grant_types") or ()
    enabled = set(registrable_grant_types(policy)) & {DEVICE_CODE, JWT_BEARER}
    redirects = {"authorization_code", IMPLICIT} & set(asked)
    return not enabled.isdisjoint(asked) and not redirects


def read_response_types(
    reader: MetadataReader, grant_types: Iterable[str]
) -> tuple[str, ...]:
    """Read those of the response types that go with the client's grant types (B-24).

    Args:
        reader: Of the client's metadata.
        grant_types: From `read_grant_types`.
    """
    asked = reader.texts("response_types") or (CODE,)
    possible = {_RESPONSE_TYPES.get(name) for name in grant_types}
    usable = tuple(
        name for name in (CODE, TOKEN) if name in possible.intersection(asked)
    )
    if not usable:
        reader.refuse(Reason.RESPONSE_TYPES_UNSUPPORTED)
    return usable


def read_openid(reader: MetadataReader, policy: Policy) -> OpenIdClient | None:
    """Read what the client says about signing in; None if this server does not offer it.

    Source: OpenID Connect Registration §2, RP-Initiated Logout §3.1.
    """
    if not policy.openid_enabled:
        return None
    algorithm = reader.text("id_token_signed_response_alg") or DEFAULT_ALGORITHM
    if algorithm not in OWN_ALGORITHMS:
        reader.refuse(Reason.ID_TOKEN_ALGORITHM_UNSUPPORTED)
        return None
    if reader.text("subject_type") not in (None, "public"):
        reader.refuse(Reason.PAIRWISE_UNSUPPORTED)
    uris = reader.texts("post_logout_redirect_uris") or ()
    if len(uris) > MAX_REDIRECT_URIS:
        reader.refuse(Reason.REDIRECT_URIS_TOO_MANY)
    for uri in uris:
        reader.refuse(check_redirect_uri(uri, policy))
    return OpenIdClient(
        id_token_algorithm=parse_algorithm(algorithm),
        default_max_age=reader.number("default_max_age"),
        require_auth_time=reader.flag("require_auth_time"),
        post_logout_redirect_uris=uris,
    )


def read_scope(reader: MetadataReader, policy: Policy, *, strict: bool) -> Scope | None:
    """Read the scope; what is unknown here is left out, or refused if `strict`."""
    asked = parse_scope(reader.text("scope", MAX_URI_LENGTH) or "")
    if asked is None:
        reader.refuse(Reason.METADATA_SCOPE_MALFORMED)
        return None
    known = asked.intersection(known_scopes(policy))
    if strict and known != asked:
        # Left out of a limit, a misspelt scope might leave no limit at all.
        reader.refuse(Reason.METADATA_SCOPE_MALFORMED)
    return known or None


def read_further(reader: MetadataReader) -> dict[str, Json]:
    """Read what is only stored and shown (B-25)."""
    found: dict[str, Json | None] = {
        "contacts": _short_texts(reader, reader.texts("contacts") or ()),
        "software_id": reader.words("software_id"),
        "software_version": reader.words("software_version"),
    }
    for name in _localized(reader.members):
        is_uri = name.startswith(LOCALIZED_URIS)
        found[name] = reader.uri(name) if is_uri else reader.words(name)
    if len(found) > MAX_LOCALIZED:
        reader.refuse(Reason.METADATA_TOO_LONG)
    return {name: value for name, value in found.items() if value is not None}


def _short_texts(reader: MetadataReader, texts: Iterable[str]) -> list[Json] | None:
    cleaned: list[Json] = []
    for text in texts:
        if len(text) > MAX_TEXT_LENGTH:
            reader.refuse(Reason.METADATA_TOO_LONG)
        cleaned.append(_clean(text))
    return [text for text in cleaned if text] or None


def _clean(text: str) -> str | None:
    return _UNWANTED.sub("", text).strip() or None


def _localized(names: Iterable[str]) -> list[str]:
    """Give the `name#language` variants of members that people read (RFC 7591 §2.2)."""
    found = []
    for name in names:
        base, mark, language = name.partition("#")
        known = base in LOCALIZED_TEXTS or base in LOCALIZED_URIS
        if mark and known and _LANGUAGE.fullmatch(language):
            found.append(name)
    return found
