"""Requests to another server's token endpoint, and how this server signs them."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha512
from typing import Final, assert_never
from urllib.parse import quote_plus

from cryptography.hazmat.primitives.asymmetric import ec

from actor_oauth.oauth.client_assertion import ASSERTION_TYPE
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.own_jwt import sign_jwt
from actor_oauth.oauth.signing_keys import SigningKey, key_set, signing_key
from actor_oauth.oauth.upstream.attempts import Attempt
from actor_oauth.oauth.upstream.clients import UpstreamClient

ASSERTION_LIFE: Final = 300
"""Seconds (I-37). As long as may be: a server whose clock is ahead counts less of it."""

_JTI_BYTES: Final = 16
_PURPOSE: Final = "client assertions"
# The order of P-256 (FIPS 186-5): private keys are 1 to one less.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """A form to be posted.

    Attributes:
        form: Its fields.
        authorization: For the header, or None.
    """

    form: Mapping[str, str] = field(repr=False)
    authorization: str | None = field(default=None, repr=False)


def code_form(attempt: Attempt, code: str) -> dict[str, str]:
    """Give the form that exchanges a code, built from what was recorded (I-21)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.client.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    if attempt.sends_resource:
        form["resource"] = attempt.resource
    return form


def refresh_form(refresh_token: str, *, resource: str | None) -> dict[str, str]:
    """Give the form that refreshes a token, for the same resource (I-16)."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if resource is not None:
        form["resource"] = resource
    return form


def revocation_form(token: str, *, hint: str) -> dict[str, str]:
    """Give the form that ends a token (RFC 7009 §2.1)."""
    return {"token": token, "token_type_hint": hint}


def authenticated(
    form: Mapping[str, str],
    client: UpstreamClient,
    *,
    issuer: str,
    keyring: Keyring,
    fresh: bytes,
    now: int,
) -> FormRequest:
    """Add to a form what proves who sends it.

    Args:
        form: What is asked.
        client: Who this server is there.
        issuer: The other server: an assertion is for nobody else.
        keyring: Ours, for assertions.
        fresh: 16 random bytes.
        now: The time, in Unix seconds.

    Source: RFC 6749 §2.3.1, RFC 7523 §2.2 (I-37).
    """
    named = {**form, "client_id": client.client_id}
    match client.method:
        case "client_secret_basic":
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret or '')}"
            header = "Basic " + b64encode(pair.encode()).decode()
            return FormRequest(form=form, authorization=header)
        case "client_secret_post":
            return FormRequest(form={**named, "client_secret": client.secret or ""})
        case "private_key_jwt":
            assertion = _assertion(client.client_id, issuer, keyring, fresh, now)
            return FormRequest(
                form={
                    **named,
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": assertion,
                }
            )
        case "none":
            return FormRequest(form=named)
        case _:
            assert_never(client.method)


def published_keys(keyring: Keyring) -> dict[str, Json]:
    """Give the public keys that assertions of this server are verified with."""
    return key_set(assertion_key(keyring, kid) for kid in keyring.secrets)


def assertion_key(keyring: Keyring, kid: str) -> SigningKey:
    """Give the key that signs assertions while a key of the keyring is current.

    It is derived: there is nothing to store, and it is replaced with the keyring's own.
    """
    return _key_of(keyring.derive(kid, _PURPOSE))


def _assertion(
    client_id: str, issuer: str, keyring: Keyring, fresh: bytes, now: int
) -> str:
    claims: dict[str, Json] = {
        "iss": client_id,
        "sub": client_id,
        # Nobody else: an assertion for two could be used by one at the other.
        "aud": issuer,
        "iat": now,
        "exp": now + ASSERTION_LIFE,
        "jti": fresh[:_JTI_BYTES].hex(),
    }
    key = assertion_key(keyring, keyring.current)
    return sign_jwt(claims, typ="client-authentication+jwt", key=key)


@lru_cache(maxsize=16)
def _key_of(secret: bytes) -> SigningKey:
    # Twice as many bits as the order has, so that no private key is likelier.
    number = int.from_bytes(sha512(secret).digest()) % (_ORDER - 1) + 1
    return signing_key(ec.derive_private_key(number, ec.SECP256R1()), active_from=0)
