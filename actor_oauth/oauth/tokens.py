"""Tokens as strings: their layout, and the hashes that are stored.

Every token, code and secret that this server issues has the same layout:

    aort_ base64url( actor key 16 | record 8 | secret 32 | checksum 4 )

Rule 1: the prefix names the kind, and the kind is part of checksum and hash, so that no
kind is ever accepted as another.
Rule 2: actor key and record only say where to look. They identify nobody, and mean
nothing until the hash of the whole has matched (D-29).
Rule 3: only the hash is stored. Plain SHA-256 is enough, for the secret has 256 random
bits.
The checksum lets a secret scanner tell a real token from noise; it protects nothing.
"""

import hashlib
import hmac
import re
import zlib
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.json_values import Json, parse_attached
from actor_oauth.oauth.scopes import Scope

SECRET_LENGTH: Final = 32
NO_RECORD: Final = bytes(8)

Principal: TypeAlias = Literal["user", "client", "external"]


class TokenKind(StrEnum):
    """What a token is for; the value is its prefix."""

    ACCESS = "aoat"
    CLIENT_ACCESS = "aoct"
    REFRESH = "aort"
    CODE = "aoac"
    DEVICE_CODE = "aodc"
    SESSION = "aoss"
    CLIENT_SECRET = "aocs"  # noqa: S105 a prefix, not a secret
    REGISTRATION = "aorg"
    INITIAL_ACCESS = "aoia"


# 60 bytes make 80 characters without padding or spare bits: one token has one spelling.
_TEXT: Final = re.compile(rf"({'|'.join(TokenKind)})_([A-Za-z0-9_-]{{80}})").fullmatch
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_KINDS: Final = {str(kind): kind for kind in TokenKind}


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its holder has it.

    Attributes:
        kind: What it is for.
        actor_key: The key of the actor that knows it: 32 hexadecimal digits.
        record: Which of the actor's records: 8 bytes, or `NO_RECORD`.
        secret: 32 bytes that nobody can guess.
    """

    kind: TokenKind
    actor_key: str
    record: bytes
    secret: bytes = field(repr=False)

    def render(self) -> str:
        """Give the string that is sent to the holder."""
        body = bytes.fromhex(self.actor_key) + self.record + self.secret
        return f"{self.kind}_{urlsafe_b64encode(body + _checksum(self.kind, body)).decode()}"


def parse_token(text: str) -> Token | None:
    """Parse a presented token.

    Args:
        text: Anything at all.

    Returns:
        None if this is no token of ours, whatever is wrong with it.
    """
    match = _TEXT(text)
    if match is None:
        return None
    kind = _KINDS[match[1]]
    body = a2b_base64(match[2].encode().translate(_TO_STANDARD))
    if body[56:] != _checksum(kind, body[:56]):
        return None
    return Token(kind, body[:16].hex(), body[16:24], body[24:56])


def token_hash(token: Token) -> bytes:
    """Give the stored form of a token: SHA-256 over its kind and everything in it."""
    return hashlib.sha256(
        b"actor_oauth token\0"
        + token.kind.encode()
        + bytes.fromhex(token.actor_key)
        + token.record
        + token.secret
    ).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """What a client gets for a code or a refresh token (RFC 6749 §5.1).

    Attributes:
        access_token: The new access token.
        expires_in: Its life from now, in seconds.
        scope: What it may be used for; always reported, even if it equals the request.
        resource: The one resource that it is for.
        refresh_token: The token to present next, or None if there is none.
        token_type: How to present the access token.
        issued_token_type: What it is, in the answer to a token exchange (RFC 8693
            §2.2.1); None in any other.
        id_token: Who has signed in (OpenID Connect Core §3.1.3.3); None if that was not
            granted.
        details: The granted `authorization_details`, as JSON text, or None.
    """

    access_token: str = field(repr=False)
    expires_in: int
    scope: Scope
    resource: str
    refresh_token: str | None = field(default=None, repr=False)
    token_type: str = "Bearer"  # noqa: S105 a word of RFC 6750
    issued_token_type: str | None = None
    id_token: str | None = field(default=None, repr=False)
    details: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Give the members of the answer's JSON object (D-04)."""
        members: dict[str, Json] = {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": str(self.scope),
            "resource": self.resource,
        }
        if self.refresh_token is not None:
            members["refresh_token"] = self.refresh_token
        if self.issued_token_type is not None:
            members["issued_token_type"] = self.issued_token_type
        if self.id_token is not None:
            members["id_token"] = self.id_token
        if self.details is not None:
            members["authorization_details"] = parse_attached(self.details)
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenInfo:
    """The facts of a valid access token.

    Attributes:
        grant_id: The grant that it belongs to: 8 hexadecimal digits, unique together
            with the user. Empty if there is none, as for a client's own token.
        client_id: Whom it was issued to.
        user_id: Who granted it; the `sub` of RFC 7662. For a client's own token the
            client's id, which no user can have (D-33).
        scope: What it may be used for.
        resource: The one resource that it is for; the `aud`.
        issued_at: In Unix seconds.
        expires_at: In Unix seconds; at this second it is expired.
        props_text: What the application attached to the grant, as JSON text, or None.
        metadata_text: What the application attached for listing, as JSON text, or None.
        jkt: The thumbprint of the key that the presenter must hold (RFC 9449 §6); None
            for a bearer token.
        origin: The issuer whose assertion it was issued for, if the user was not asked:
            see `docs/enterprise.md`.
        details: The granted `authorization_details` (RFC 9396 §9), as JSON text, or None.
        principal: Whether it acts for a user or for the client itself; or `external`, if
            the application resolved a token of another server. Only for `user` may
            `user_id` be taken for one of this server's users.
    """

    grant_id: str
    client_id: str
    user_id: str
    scope: Scope
    resource: str
    issued_at: int
    expires_at: int
    props_text: str | None = field(default=None, repr=False)
    metadata_text: str | None = None
    jkt: str | None = None
    details: str | None = None
    principal: Principal = "user"
    origin: GrantOrigin | None = None

    @property
    def props(self) -> Json:
        """What the application attached to the grant, or None; a new copy each time."""
        return parse_attached(self.props_text)

    @property
    def metadata(self) -> Json:
        """What the application attached for listing, or None; likewise."""
        return parse_attached(self.metadata_text)

    @property
    def authorization_details(self) -> Json:
        """What exactly was granted beside the scope, or None; likewise."""
        return parse_attached(self.details)

    @property
    def token_type(self) -> str:
        """How it must be presented."""
        return token_type(self.jkt)


def token_type(jkt: str | None) -> str:
    """Say how a token is presented that is bound to this key, or to none (RFC 9449 §5)."""
    return "Bearer" if jkt is None else "DPoP"


def draw(fresh: bytes, label: str, length: int = SECRET_LENGTH) -> bytes:
    """Take one of several independent random values out of one random input.

    A decision is given its randomness as one value, however many secrets it needs.

    Args:
        fresh: At least 32 random bytes, used for one decision only.
        label: Names the value; another label gives an unrelated one.
        length: Bytes wanted, at most 32.
    """
    return hmac.digest(fresh, b"actor_oauth draw\0" + label.encode(), "sha256")[:length]


def _checksum(kind: TokenKind, body: bytes) -> bytes:
    return zlib.crc32(kind.encode() + body).to_bytes(4)
