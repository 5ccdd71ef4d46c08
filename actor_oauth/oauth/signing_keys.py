"""The keys that this server signs access tokens with, and how they take turns.

Rule 1: a key is published before it is used, and stays published until the last token
that it signed has expired (K-11). `active_from` says from when it is used.
Rule 2: which key signs a token follows from the token's own time of issue. Making the
same token again, in another process or after a rotation, yields the same text.
Rule 3: signing is deterministic for every algorithm here, for the same reason.
Rule 4: a private part is never published (`public_jwk` rebuilds the public one).
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeAlias, assert_never, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks

SigningAlgorithm: TypeAlias = Literal["EdDSA", "ES256", "RS256"]
PrivateKey: TypeAlias = (
    ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
)

SIGNING_ALGORITHMS: Final[tuple[SigningAlgorithm, ...]] = get_args(SigningAlgorithm)

_COORDINATE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key to sign with.

    Attributes:
        kid: Its name: the thumbprint of its public part (RFC 7638).
        algorithm: The one that it is used with.
        active_from: When it begins to sign, in Unix seconds.
        private_der: The private key (PKCS #8, DER).

    Raises:
        ValueError: The key is none, or none for this algorithm.
    """

    kid: str
    algorithm: SigningAlgorithm
    active_from: int
    private_der: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if _algorithm_of(_load(self.private_der)) != self.algorithm:
            raise ValueError("a signing key does not fit its algorithm")

    def sign(self, data: bytes) -> bytes:
        """Sign as JWS does (RFC 7515, RFC 7518, RFC 8037): always the same for the same."""
        key = _load(self.private_der)
        match key:
            case ed25519.Ed25519PrivateKey():
                return key.sign(data)
            case ec.EllipticCurvePrivateKey():
                # RFC 6979: no random number that could repeat and give the key away.
                algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
                numbers = decode_dss_signature(key.sign(data, algorithm))
                return b"".join(number.to_bytes(_COORDINATE) for number in numbers)
            case rsa.RSAPrivateKey():
                return key.sign(data, padding.PKCS1v15(), SHA256())
            case _:
                assert_never(key)

    def public_jwk(self) -> dict[str, Json]:
        """Give the public part, as a member of a JWK set (RFC 7517)."""
        numbers = _jwk(self.private_der).as_dict(private=False)
        # Only the numbers: `as_dict` may add what it pleases.
        public: dict[str, Json] = {
            name: str(value) for name, value in numbers.items() if name in _PUBLIC
        }
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def verification_key(self) -> VerificationKey:
        """The public part, to verify with."""
        return _verification_key(self)

    def derive(self, purpose: str) -> bytes:
        """Give a secret of 64 bytes that only holders of the private key know."""
        info = b"actor_oauth signing key\0" + purpose.encode()
        return _derive(self.private_der, info)


def signing_key(private_key: PrivateKey, *, active_from: int) -> SigningKey:
    """Make a signing key of a private key that was just drawn.

    Args:
        private_key: Ed25519, P-256, or RSA.
        active_from: When it begins to sign, in Unix seconds.
    """
    private_der = private_key.private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    return SigningKey(
        kid=_jwk(private_der).thumbprint(),
        algorithm=_algorithm_of(private_key),
        active_from=active_from,
        private_der=private_der,
    )


def choose_key(
    keys: Iterable[SigningKey], algorithm: SigningAlgorithm, *, at: int
) -> SigningKey | None:
    """Give the key that signs what is issued at a time; None if there is none (Rule 2)."""
    active = [
        key for key in keys if key.algorithm == algorithm and key.active_from <= at
    ]
    return max(active, key=_age, default=None)


def without_retired(
    keys: Iterable[SigningKey], *, now: int, kept_for: int
) -> tuple[SigningKey, ...]:
    """Leave out the keys whose last token has expired.

    Args:
        keys: Of any algorithms.
        now: In Unix seconds.
        kept_for: The longest life of a token, and what clocks may differ.
    """
    known = tuple(keys)
    return tuple(
        key
        for key in known
        if not any(
            later.algorithm == key.algorithm
            and _age(later) > _age(key)
            and later.active_from + kept_for <= now
            for later in known
        )
    )


def key_set(keys: Iterable[SigningKey]) -> dict[str, Json]:
    """Give the JWK set: keys that will sign, that sign, and that have signed."""
    return {"keys": [key.public_jwk() for key in keys]}


def to_record(key: SigningKey) -> dict[str, Json]:
    """Give what a keyring file stores of a key. It is as secret as the key."""
    return {
        "kid": key.kid,
        "alg": key.algorithm,
        "active_from": key.active_from,
        "private": urlsafe_b64encode(key.private_der).decode(),
    }


def parse_algorithm(text: str) -> SigningAlgorithm:
    """Read the name of an algorithm.

    Raises:
        KeyError: There is none of this name.
    """
    return _BY_NAME[text]


_BY_NAME: Final[Mapping[str, SigningAlgorithm]] = {
    name: name for name in SIGNING_ALGORITHMS
}
_PUBLIC: Final = ("kty", "crv", "x", "y", "n", "e")


def _age(key: SigningKey) -> tuple[int, str]:
    # Two keys of the same second still have an order that everybody agrees on.
    return key.active_from, key.kid


def _algorithm_of(key: PrivateKey) -> SigningAlgorithm:
    match key:
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
        case ec.EllipticCurvePrivateKey():
            return "ES256"
        case rsa.RSAPrivateKey():
            return "RS256"
        case _:
            assert_never(key)


@lru_cache(maxsize=64)
def _load(private_der: bytes) -> PrivateKey:
    try:
        key = load_der_private_key(private_der, None)
    except (TypeError, UnsupportedAlgorithm):
        raise ValueError("a signing key cannot be read") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name != "secp256r1":
        raise ValueError("a signing key is on an unknown curve")
    if not isinstance(key, PrivateKey):
        raise ValueError("a signing key is of an unknown type")  # noqa: TRY004 - a file's
    return key


@lru_cache(maxsize=64)
def _jwk(private_der: bytes) -> OKPKey | ECKey | RSAKey:
    match _load(private_der):
        case ed25519.Ed25519PrivateKey() as okp:
            return OKPKey.import_key(_pem(okp))
        case ec.EllipticCurvePrivateKey() as curve:
            return ECKey.import_key(_pem(curve))
        case rsa.RSAPrivateKey() as numbers:
            return RSAKey.import_key(_pem(numbers))
        case _ as unknown:
            assert_never(unknown)


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@lru_cache(maxsize=64)
def _verification_key(key: SigningKey) -> VerificationKey:
    found = parse_jwks(key_set((key,)))
    assert found is not None
    return found[0]


@lru_cache(maxsize=64)
def _derive(private_der: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 64, None, info).derive(private_der)
