"""ID tokens: signed statements for a client about who has signed in.

They say who, when and how, and no more: names and addresses are for the userinfo
endpoint, where a revocation holds at once.

A client hands one back to say whom it means (`id_token_hint`). Then it is proof of who it
was issued to and about, however old it is, and of nothing else: it opens nothing.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.json_values import Json, get_text
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.openid import Authentication
from actor_oauth.oauth.own_jwt import parse_own_jwt, sign_jwt
from actor_oauth.oauth.signing_keys import SigningAlgorithm, SigningKey

TYPE: Final = "JWT"

# Of Ed25519's own hash, for the other half of what a signature covers.
_HASHES: Final[Mapping[SigningAlgorithm, str]] = {
    "RS256": "sha256",
    "ES256": "sha256",
    "EdDSA": "sha512",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """What an ID token says.

    Attributes:
        user_id: Who has signed in; the `sub`.
        client_id: The recipient; the `aud`.
        authentication: When and how.
        access_token: The one issued together with it.
        issued_at: In Unix seconds.
        expires_at: In Unix seconds.
    """

    user_id: str
    client_id: str
    authentication: Authentication
    access_token: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenHint:
    """What an ID token proves that is handed back.

    Attributes:
        user_id: Whom it is about.
        client_id: Whom it was issued to.
        session: The session that it came from, or None; see `Authentication`.
    """

    user_id: str
    client_id: str
    session: str | None


def render_id_token(token: IdToken, *, issuer: str, key: SigningKey) -> str:
    """Give the text of an ID token.

    Args:
        token: What it says.
        issuer: Ours.
        key: To sign with.

    Source: OpenID Connect Core §2, §3.1.3.6.
    """
    authentication = token.authentication
    optional: dict[str, Json] = {
        "auth_time": authentication.auth_time,
        "nonce": authentication.nonce,
        "amr": list(authentication.methods) or None,
        "sid": authentication.session,
    }
    claims: dict[str, Json] = {
        "iss": issuer,
        "sub": token.user_id,
        "aud": token.client_id,
        "iat": token.issued_at,
        "exp": token.expires_at,
        "at_hash": half_hash(token.access_token, key.algorithm),
        **{name: value for name, value in optional.items() if value is not None},
    }
    return sign_jwt(claims, typ=TYPE, key=key)


def half_hash(text: str, algorithm: SigningAlgorithm) -> str:
    """Give the left half of the hash that goes with a signature algorithm.

    Source: OpenID Connect Core §3.1.3.6.
    """
    digest = hashlib.new(_HASHES[algorithm], text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def parse_id_token_hint(
    text: str, *, issuer: str, keyring: Keyring
) -> IdTokenHint | None:
    """Parse an ID token of ours that was sent back. It may have expired.

    Args:
        text: Anything at all.
        issuer: Ours.
        keyring: Ours.

    Returns:
        None if we did not issue it, or its key has been retired since.
    """
    found = parse_own_jwt(text, typ=TYPE.lower(), issuer=issuer, keyring=keyring)
    if found is None:
        return None
    claims = found[0].claims
    user_id, client_id = get_text(claims, "sub"), get_text(claims, "aud")
    if user_id is None or client_id is None:
        return None
    return IdTokenHint(
        user_id=user_id, client_id=client_id, session=get_text(claims, "sid")
    )
