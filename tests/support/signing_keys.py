"""Keys that the server signs with: one of each algorithm, the same for all tests."""

from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from actor_oauth.oauth.signing_keys import (
    SigningAlgorithm,
    SigningKey,
    signing_key,
)


@lru_cache
def a_signing_key(
    algorithm: SigningAlgorithm = "EdDSA", *, nth: int = 1, active_from: int = 0
) -> SigningKey:
    """The nth key of an algorithm."""
    if algorithm == "EdDSA":
        okp = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([nth]) * 32)
        return signing_key(okp, active_from=active_from)
    if algorithm == "ES256":
        curve = ec.derive_private_key(nth, ec.SECP256R1())
        return signing_key(curve, active_from=active_from)
    return signing_key(_rsa(nth), active_from=active_from)


@lru_cache
def _rsa(nth: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


SIGNING_KEYS: Final = (
    a_signing_key("EdDSA"),
    a_signing_key("ES256"),
    a_signing_key("RS256"),
)
