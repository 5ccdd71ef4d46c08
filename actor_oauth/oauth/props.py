"""Props: what an application attaches to a grant, readable only with a valid token.

A random data key encrypts the props, once per grant and version. That key is wrapped
under each valid token of the grant and stored nowhere else, so a stolen database
without tokens reveals nothing, and the props are lost once the last wrapped key is
deleted (K-09).

Rule 1: a data key encrypts one text. Changed props take a new data key and the next
version number (K-06).
Rule 2: the wrapping key comes from the token's secret by HKDF, the stored hash by plain
SHA-256 over other input: the one says nothing about the other (K-05).
"""

import json
from typing import Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import KEY_LENGTH
from actor_oauth.oauth.tokens import Token

MAX_PROPS_BYTES: Final = 64 * 1024
MAX_METADATA_BYTES: Final = 16 * 1024

# Safe although it never changes: Rule 1 uses each data key for one encryption.
_NONCE: Final = bytes(12)


def encode_props(props: Json) -> bytes:
    """Give the text that is encrypted.

    Raises:
        ValueError: If it is no JSON value, or longer than `MAX_PROPS_BYTES` as JSON.
    """
    return _encode(props, MAX_PROPS_BYTES)


def encode_metadata(metadata: Json) -> str:
    """Give the text of what an application attaches for listing; it is not encrypted.

    Raises:
        ValueError: If it is no JSON value, or longer than `MAX_METADATA_BYTES` as JSON.
    """
    return _encode(metadata, MAX_METADATA_BYTES).decode()


def props_context(
    *, actor_key: str, number: int, client_id: str, version: int = 1
) -> bytes:
    """Say which grant the props belong to, so that they cannot be moved to another.

    Args:
        actor_key: The user's actor, as the keyed hash of the user's name.
        number: The grant's.
        client_id: The grant's.
        version: Rises with every change of the props.
    """
    place = bytes.fromhex(actor_key) + number.to_bytes(8) + version.to_bytes(8)
    return b"actor_oauth props\0" + place + client_id.encode()


def seal_props(text: bytes, *, data_key: bytes, context: bytes) -> bytes:
    """Encrypt encoded props with a data key that is used for nothing else."""
    return AESGCM(data_key).encrypt(_NONCE, text, context)


def unseal_props(sealed: bytes, *, data_key: bytes, context: bytes) -> Json:
    """Decrypt props.

    Raises:
        ValueError: If they were tampered with or belong to another grant.
    """
    text = unseal_text(sealed, data_key=data_key, context=context)
    return cast("Json", json.loads(text))


def unseal_text(sealed: bytes, *, data_key: bytes, context: bytes) -> bytes:
    """Decrypt props; gives them as they were encoded.

    Raises:
        ValueError: If they were tampered with or belong to another grant.
    """
    try:
        return AESGCM(data_key).decrypt(_NONCE, sealed, context)
    except InvalidTag:
        raise ValueError("the stored props do not belong to this grant") from None


def wrap_data_key(data_key: bytes, token: Token) -> bytes:
    """Encrypt a data key so that only this token opens it.

    Deterministic on purpose: a token that is derived again wraps to the same bytes, and
    RFC 3394 needs no nonce that such a repetition could break.
    """
    return aes_key_wrap(_wrapping_key(token), data_key)


def unwrap_data_key(wrapped: bytes, token: Token) -> bytes:
    """Open a data key with the token that it was wrapped for.

    Raises:
        ValueError: If it was wrapped for another token, or tampered with.
    """
    try:
        return aes_key_unwrap(_wrapping_key(token), wrapped)
    except InvalidUnwrap:
        raise ValueError("the data key was wrapped for another token") from None


def _wrapping_key(token: Token) -> bytes:
    salt = bytes.fromhex(token.actor_key) + token.record
    info = b"actor_oauth props data key\0" + token.kind.encode()
    return HKDF(SHA256(), KEY_LENGTH, salt, info).derive(token.secret)


def _encode(value: Json, max_bytes: int) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()
    if len(text) > max_bytes:
        raise ValueError("what is attached to a grant is too long")
    return text
