"""The public keys that clients sign with (RFC 7517).

Rule 1: only asymmetric signatures, and for each algorithm one type of key: a key is
never used for an algorithm that it was not made for.
Rule 2: a set that contains a private key is refused as a whole: anyone who can read it
can impersonate the client. Merely unknown content, such as a new type of key, is
ignored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from actor_oauth.oauth.json_values import Json, need_text

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey

SIGNING_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""What a client may sign with. There is no `none`, and nothing symmetric (A-06).

`EdDSA` is the older name of `Ed25519` (RFC 9864), and means nothing else here.
"""

MAX_KEYS: Final = 32

_MIN_RSA_BITS: Final = 2048
# In base64: 2048 and 8192 bits, and an exponent of 48.
_MIN_RSA_TEXT: Final = 342
_MAX_RSA_TEXT: Final = 1368
_MAX_EXPONENT_TEXT: Final = 8
_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_CURVES: Final[Mapping[str, str]] = {"EC": "P-256", "OKP": "Ed25519"}
_ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "PS256"),
    "EC": ("ES256",),
    "OKP": ("Ed25519", "EdDSA"),
}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key to verify signatures with.

    Attributes:
        kid: Its name in the set, or None.
        algorithms: Those that it may be used for.
        key: Its public part.
    """

    kid: str | None
    algorithms: tuple[str, ...]
    key: PublicKey = field(repr=False)


def parse_jwks(value: Json) -> tuple[VerificationKey, ...] | None:
    """Read a key set.

    Returns:
        The keys that can be used, possibly none of them; None if this is no key set, has
        too many keys, or has a private or symmetric one.

    Source: RFC 7517 §5 (B-09, E-10).
    """
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        return None
    members = [key for key in keys if isinstance(key, dict)]
    if len(members) != len(keys) or any(map(_is_private, members)):
        return None
    return tuple(_usable(members))


def _is_private(members: Mapping[str, Json]) -> bool:
    return not _PRIVATE.isdisjoint(members) or members.get("kty") == "oct"


def _usable(keys: Iterable[Mapping[str, Json]]) -> Iterable[VerificationKey]:
    for members in keys:
        algorithms = _algorithms(members)
        key = _load(members) if algorithms else None
        if key is not None:
            kid = members.get("kid")
            name = kid if isinstance(kid, str) else None
            yield VerificationKey(name, algorithms, key)


def _algorithms(members: Mapping[str, Json]) -> tuple[str, ...]:
    """Give the purpose that a key declares, within what its type supports."""
    operations = members.get("key_ops", ["verify"])
    if members.get("use", "sig") != "sig":
        return ()
    if not isinstance(operations, list) or "verify" not in operations:
        return ()
    possible = _ALGORITHMS.get(str(members.get("kty")), ())
    stated = members.get("alg")
    return tuple(name for name in possible if stated in (None, name))


def _load(members: Mapping[str, Json]) -> PublicKey | None:
    kind = members["kty"]
    try:
        if kind == "RSA":
            return _load_rsa(members)
        if members.get("crv") != _CURVES[str(kind)]:
            return None
        # Nothing but the numbers: other members are the stranger's own words.
        if kind == "EC":
            return ECKey.import_key(_texts(members, "kty", "crv", "x", "y"))
        return OKPKey.import_key(_texts(members, "kty", "crv", "x"))
    except (JoseError, ValueError, TypeError):
        return None


def _load_rsa(members: Mapping[str, Json]) -> PublicKey | None:
    numbers = _texts(members, "kty", "n", "e")
    # Checked by length before loading: a huge number is costly to process, and the
    # library warns about a small one.
    if not _MIN_RSA_TEXT <= len(numbers["n"]) <= _MAX_RSA_TEXT:
        return None
    if len(numbers["e"]) > _MAX_EXPONENT_TEXT:
        return None
    key = RSAKey.import_key(numbers)
    return key if key.public_key.key_size >= _MIN_RSA_BITS else None


def _texts(members: Mapping[str, Json], *names: str) -> dict[str, str | list[str]]:
    return {name: need_text(members, name) for name in names}
