"""Whether a client may be registered, and as what (RFC 7591).

Anybody may ask, so every member has a limit, and nothing is taken on trust but what the
protocol needs. Two rules where real clients and RFC 7591 §2.1 pull apart:

Rule 1: a grant or response type that this server does not have is left out, and what
remains is what is registered and returned. VS Code, for one, always lists the device
grant too. Refused is a client of which nothing usable remains: without
`authorization_code`, or with response types that lack `code` (B-24).
Rule 2: an authentication method that this server does not have is refused, never
replaced: the client would go on to authenticate in a way that cannot work.

A `software_statement` is ignored as a whole (B-28), and so is every unknown member.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.clients import (
    APPLICATION_TYPES,
    AUTH_METHODS,
    GRANT_TYPES,
    RESPONSE_TYPES,
    SECRET_METHODS,
    ApplicationType,
    AuthMethod,
    Client,
    Origin,
)
from actor_oauth.oauth.json_values import Json, parse_json_object
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.redirect_uris import (
    MAX_REDIRECT_URIS,
    check_application_type,
    check_redirect_uri,
)
from actor_oauth.oauth.resources import known_scopes
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.uris import MAX_URI_LENGTH, parse_web_url
from actor_oauth.oauth.wire import Reason, Refused

MAX_REGISTRATION_BYTES: Final = 65536
MAX_TEXT_LENGTH: Final = 256
MAX_LIST_LENGTH: Final = 64
MAX_LOCALIZED: Final = 64

LOCALIZED_TEXTS: Final = ("client_name",)
LOCALIZED_URIS: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")

_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}")
# Control characters, and those that turn the direction of the text around them: they
# would let a name rewrite the sentence, or the terminal line, that it stands in (J-09).
_UNWANTED: Final = re.compile(
    "[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


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
    body: bytes, policy: Policy, *, client_id: str, now: int
) -> Registered | Refused:
    """Decide a client's request to be registered.

    Args:
        body: As it came.
        policy: The server's.
        client_id: A fresh one; clients never choose theirs (B-01).
        now: The time of registration, in Unix seconds.

    Source: RFC 7591 §2, §3 (B-21 to B-29).
    """
    if not policy.registration_enabled:
        return Refused(Reason.REGISTRATION_DISABLED)
    if len(body) > MAX_REGISTRATION_BYTES:
        return Refused(Reason.REGISTRATION_TOO_LARGE)
    members = parse_json_object(body)
    if members is None:
        return Refused(Reason.REGISTRATION_MALFORMED)
    return decide_client(members, policy, client_id=client_id, now=now)


def decide_client(
    members: Mapping[str, Json],
    policy: Policy,
    *,
    client_id: str,
    now: int,
    origin: Origin = "dynamic",
) -> Registered | Refused:
    """Decide whether client metadata describe a client that can be registered.

    Args:
        members: The metadata, by the names of RFC 7591 §2.
        policy: The server's.
        client_id: A fresh one.
        now: The time of registration, in Unix seconds.
        origin: Who asks. An operator is told of an unknown scope; for a client that
            registers itself it is left out.
    """
    reader = _Reader(members)
    method, accepted = _read_auth_method(reader)
    application_type = _read_application_type(reader)
    client = Client(
        client_id=client_id,
        redirect_uris=_read_redirect_uris(reader, policy, application_type),
        auth_method=method,
        auth_methods_accepted=accepted,
        grant_types=_read_grant_types(reader),
        response_types=_read_response_types(reader),
        origin=origin,
        client_name=reader.words("client_name"),
        scope=_read_scope(reader, policy, strict=origin == "pre-registered"),
        client_uri=reader.uri("client_uri"),
        logo_uri=reader.uri("logo_uri"),
        tos_uri=reader.uri("tos_uri"),
        policy_uri=reader.uri("policy_uri"),
        application_type=application_type,
        issued_at=now,
        metadata=_read_further(reader),
    )
    if reader.refusal is not None:
        return Refused(reader.refusal)
    return Registered(client=client, needs_secret=client.is_confidential)


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
    optional = {
        "client_name": client.client_name,
        "scope": None if client.scope is None else str(client.scope),
        "client_uri": client.client_uri,
        "logo_uri": client.logo_uri,
        "tos_uri": client.tos_uri,
        "policy_uri": client.policy_uri,
        "application_type": client.application_type,
        "client_secret": client_secret,
    }
    response |= {name: text for name, text in optional.items() if text is not None}
    if client_secret is not None:
        response["client_secret_expires_at"] = 0
    return response


class _Reader:
    """Reads members, and keeps the first reason to refuse them.

    What cannot be read is given as absent, so that reading may go on to the end.
    """

    def __init__(self, members: Mapping[str, Json]) -> None:
        # A member that is null says nothing, as one that is missing.
        self.members = {
            name: value for name, value in members.items() if value is not None
        }
        self.refusal: Reason | None = None

    def refuse(self, reason: Reason | None) -> None:
        self.refusal = self.refusal or reason

    def text(self, name: str, limit: int = MAX_TEXT_LENGTH) -> str | None:
        value = self.members.get(name, "")
        if not isinstance(value, str):
            self.refuse(Reason.METADATA_TYPE_WRONG)
            return None
        if len(value) > limit:
            self.refuse(Reason.METADATA_TOO_LONG)
            return None
        return value or None

    def words(self, name: str) -> str | None:
        """Read a text that people will see."""
        value = self.text(name)
        return None if value is None else _clean(value)

    def uri(self, name: str) -> str | None:
        value = self.text(name, MAX_URI_LENGTH)
        if value is not None and parse_web_url(value) is None:
            self.refuse(Reason.METADATA_URI_INVALID)
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
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


def _read_auth_method(reader: _Reader) -> tuple[AuthMethod, frozenset[AuthMethod]]:
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


def _read_application_type(reader: _Reader) -> ApplicationType | None:
    name = reader.text("application_type")
    if name is None:
        return None
    found = APPLICATION_TYPES.get(name)
    if found is None:
        reader.refuse(Reason.APPLICATION_TYPE_UNKNOWN)
    return found


def _read_redirect_uris(
    reader: _Reader, policy: Policy, application_type: ApplicationType | None
) -> tuple[str, ...]:
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


def _read_grant_types(reader: _Reader) -> tuple[str, ...]:
    # The default is RFC 7591's: no refresh token for whom does not ask (D-19). A list
    # without entries says as little as no list.
    asked = reader.texts("grant_types") or GRANT_TYPES[:1]
    usable = tuple(name for name in GRANT_TYPES if name in asked)
    if "authorization_code" not in usable:
        reader.refuse(Reason.GRANT_TYPES_UNSUPPORTED)
    return usable


def _read_response_types(reader: _Reader) -> tuple[str, ...]:
    asked = reader.texts("response_types") or RESPONSE_TYPES
    usable = tuple(name for name in RESPONSE_TYPES if name in asked)
    if not usable:
        reader.refuse(Reason.RESPONSE_TYPES_UNSUPPORTED)
    return usable


def _read_scope(reader: _Reader, policy: Policy, *, strict: bool) -> Scope | None:
    asked = parse_scope(reader.text("scope", MAX_URI_LENGTH) or "")
    if asked is None:
        reader.refuse(Reason.METADATA_SCOPE_MALFORMED)
        return None
    known = asked.intersection(known_scopes(policy))
    if strict and known != asked:
        # Left out of a limit, a misspelt scope might leave no limit at all.
        reader.refuse(Reason.METADATA_SCOPE_MALFORMED)
    return known or None


def _read_further(reader: _Reader) -> dict[str, Json]:
    if "jwks" in reader.members and "jwks_uri" in reader.members:
        reader.refuse(Reason.METADATA_INCONSISTENT)
    found: dict[str, Json | None] = {
        "contacts": _short_texts(reader, reader.texts("contacts") or ()),
        "software_id": reader.words("software_id"),
        "software_version": reader.words("software_version"),
        "jwks_uri": reader.uri("jwks_uri"),
    }
    for name in _localized(reader.members):
        is_uri = name.startswith(LOCALIZED_URIS)
        found[name] = reader.uri(name) if is_uri else reader.words(name)
    if len(found) > MAX_LOCALIZED:
        reader.refuse(Reason.METADATA_TOO_LONG)
    return {name: value for name, value in found.items() if value is not None}


def _short_texts(reader: _Reader, texts: Iterable[str]) -> list[Json] | None:
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
