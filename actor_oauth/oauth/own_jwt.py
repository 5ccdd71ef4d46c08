"""JSON Web Tokens that this server signs itself, and knows again (RFC 7519).

Rule: each kind of token has its own `typ`, and a reader states which one it expects. So
none is ever accepted as another, though one key has signed both (RFC 8725 §3.11).
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from actor_oauth.oauth.json_values import Json, get_text
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.signed_jwt import Jwt, fitting_keys, parse_jwt, verifies
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, SigningKey


def sign_jwt(claims: Mapping[str, Json], *, typ: str, key: SigningKey) -> str:
    """Sign claims: always the same text for the same claims and key.

    Args:
        claims: In the order in which they shall stand.
        typ: The kind of token.
        key: To sign with.

    Source: RFC 7515 §7.1.
    """
    header: dict[str, Json] = {"typ": typ, "alg": key.algorithm, "kid": key.kid}
    signed = f"{_segment(header)}.{_segment(claims)}"
    return f"{signed}.{_encode(key.sign(signed.encode()))}"


def parse_own_jwt(
    text: str, *, typ: str, issuer: str, keyring: Keyring
) -> tuple[Jwt, SigningKey] | None:
    """Read a token that we signed, with the key that signed it.

    It does not check whether the token is still valid.

    Args:
        text: Anything at all.
        typ: The kind that is expected, in lower case.
        issuer: Ours.
        keyring: Ours.

    Returns:
        None if we did not sign it, or it is of another kind.
    """
    jwt = parse_jwt(text)
    if jwt is None or jwt.typ != typ:
        return None
    # The token names a key; which algorithm that key is for, we know ourselves.
    key = keyring.signing_key_named(jwt.kid or "")
    if key is None or get_text(jwt.claims, "iss") != issuer:
        return None
    keys = fitting_keys(jwt, (key.verification_key,))
    if not verifies(jwt, keys, algorithms=SIGNING_ALGORITHMS):
        return None
    return jwt, key


def _segment(value: Mapping[str, Json]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
