"""Access tokens as signed JWTs (RFC 9068): readable by resource servers far away.

Behind every JWT is an opaque token like any other, whose hash its owner stores. The JWT
carries it, encrypted, as `jti`: anyone who reads the JWT, or finds a `jti` in a log,
learns nothing and can present nothing but the JWT itself, while this server finds the
owner without a table. So a revocation takes effect here at once (G-14).

Nothing in a JWT is random or read from a clock: claims are those that the owner keeps,
the key follows from the time of issue, signature and sealing are deterministic. So a
client that is given the same token again is given the same text (D-26).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from actor_oauth.oauth.grant_origin import CLAIM
from actor_oauth.oauth.json_values import Json, get_text
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.own_jwt import parse_own_jwt, sign_jwt
from actor_oauth.oauth.signing_keys import SigningKey
from actor_oauth.oauth.tokens import AccessTokenInfo, Token, parse_token
from actor_oauth.oauth.verified_tokens import VerifiedTokens

TYPE: Final = "at+jwt"

_PURPOSE: Final = "jti of access tokens"

OwnTokens: TypeAlias = VerifiedTokens[SigningKey, str]
"""JWTs of ours that are known, with their `jti`."""


def is_jwt(text: str) -> bool:
    """Tell whether a presented token can only be a JWT: tokens of ours have no dot."""
    return "." in text


def render_access_token(
    token: Token, info: AccessTokenInfo, *, issuer: str, key: SigningKey
) -> str:
    """Give the JWT that represents a token.

    Args:
        token: What the owner keeps a hash of.
        info: What the owner says of it.
        issuer: Ours.
        key: The one that signs tokens issued at `info.issued_at`.

    Source: RFC 9068 §2 (D-11).
    """
    claims: dict[str, Json] = {
        "iss": issuer,
        "sub": info.user_id,
        "aud": info.resource,
        "client_id": info.client_id,
        "iat": info.issued_at,
        "exp": info.expires_at,
        "jti": _seal(token, key),
        "scope": str(info.scope),
    }
    if info.jkt is not None:
        claims["cnf"] = {"jkt": info.jkt}
    if info.authorization_details is not None:
        claims["authorization_details"] = info.authorization_details
    if info.origin is not None:
        claims[CLAIM] = info.origin.to_json()
    return sign_jwt(claims, typ=TYPE, key=key)


def parse_access_token(
    text: str, *, keyring: Keyring, issuer: str, known: OwnTokens | None = None
) -> Token | None:
    """Find the token that stands behind a JWT of ours.

    Only its owner can say whether it is valid, and what it allows.

    Args:
        text: Anything at all.
        keyring: Ours.
        issuer: Ours.
        known: Those that were read before, with this issuer; this one is added.

    Returns:
        None if we did not sign it as an access token.
    """
    signed = None if known is None else known.recall(text)
    if signed is not None:
        key, jti = signed
        return _unseal(jti, key) if key in keyring.signing_keys else None
    found = parse_own_jwt(text, typ=TYPE, issuer=issuer, keyring=keyring)
    if found is None:
        return None
    jwt, key = found
    jti = get_text(jwt.claims, "jti") or ""
    if known is not None:
        known.keep(text, key, jti)
    return _unseal(jti, key)


def _seal(token: Token, key: SigningKey) -> str:
    # SIV: the same token gives the same text, and nothing is lost by the repetition.
    cipher = AESSIV(key.derive(_PURPOSE))
    return _encode(cipher.encrypt(token.render().encode(), None))


def _unseal(text: str, key: SigningKey) -> Token | None:
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = AESSIV(key.derive(_PURPOSE)).decrypt(sealed, None)
    except (InvalidTag, ValueError):
        return None
    return parse_token(plain.decode())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
