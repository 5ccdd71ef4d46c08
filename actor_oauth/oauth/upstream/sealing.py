"""Secrets of other servers, encrypted at rest (K-08).

They must be readable when no user is there, to be refreshed, so that no token of ours
can hold their key: they are sealed under the server's keyring.

Rule 1: every place has a key of its own, derived from the keyring and the place, and
every sealing a fresh nonce (K-06).
Rule 2: what was sealed opens at its place only: nothing can be moved to another user,
another connection or another column.
Rule 3: the key's id comes first, so that values sealed with an older key can be found
and resealed before that key is dropped.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from actor_oauth.oauth.keyring import KEY_LENGTH, NONCE_LENGTH, Keyring

_VERSION: Final = 1
_PURPOSE: Final = "vault"


def seal_secret(text: str, *, place: bytes, keyring: Keyring, nonce: bytes) -> bytes:
    """Encrypt a secret under the current key.

    Args:
        text: The secret.
        place: Where it will be, in a form that no other place has.
        keyring: Ours.
        nonce: 12 fresh random bytes.
    """
    kid = keyring.current.encode()
    header = bytes((_VERSION, len(kid))) + kid + nonce
    cipher = _cipher(keyring, keyring.current, place)
    return header + cipher.encrypt(nonce, text.encode(), header + place)


def unseal_secret(sealed: bytes, *, place: bytes, keyring: Keyring) -> str | None:
    """Decrypt a secret.

    Returns:
        None if its key is gone, or if it was sealed for another place.
    """
    kid = sealing_key(sealed)
    if kid is None or kid not in keyring:
        return None
    end = 2 + sealed[1] + NONCE_LENGTH
    header, body = sealed[:end], sealed[end:]
    cipher = _cipher(keyring, kid, place)
    try:
        return cipher.decrypt(header[-NONCE_LENGTH:], body, header + place).decode()
    except InvalidTag:
        return None


def sealing_key(sealed: bytes) -> str | None:
    """Give the id of the key that something was sealed with; None if it was not."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        return None
    kid = sealed[2 : 2 + sealed[1]]
    is_whole = len(sealed) >= 2 + sealed[1] + NONCE_LENGTH
    return kid.decode(errors="replace") if is_whole else None


def _cipher(keyring: Keyring, kid: str, place: bytes) -> AESGCM:
    info = b"actor_oauth vault\0" + place
    return AESGCM(
        HKDF(SHA256(), KEY_LENGTH, None, info).derive(keyring.derive(kid, _PURPOSE))
    )
