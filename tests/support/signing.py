"""Keys that clients sign with, and what they sign."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from actor_oauth.oauth.json_values import Json


@dataclass(frozen=True)
class Signer:
    """A private key and the algorithm that it is used with."""

    key: Key
    algorithm: str
    kid: str | None = "k1"

    def public(self, **more: Json) -> dict[str, Json]:
        """The public key, as a member of a JWK set."""
        members: dict[str, Json] = {**self.key.as_dict(private=False), **more}  # type: ignore[dict-item]  # texts only
        if self.kid is not None:
            members["kid"] = self.kid
        return members

    def jwks(self, *others: "Signer") -> dict[str, Json]:
        return {"keys": [signer.public() for signer in (self, *others)]}

    def sign(self, claims: Mapping[str, Json], **header: Json) -> str:
        named = {} if self.kid is None else {"kid": self.kid}
        head = segment({"alg": self.algorithm, **named, **header})
        signed = f"{head}.{segment(claims)}"
        algorithm = jws.JWSRegistry.algorithms[self.algorithm]
        signature = algorithm.sign(signed.encode(), self.key)
        return f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


@lru_cache
def signer(algorithm: str = "ES256", *, kid: str | None = "k1", nth: int = 0) -> Signer:
    """A key of its own for each set of arguments."""
    key: Key
    if algorithm.startswith(("RS", "PS")):
        key = RSAKey.generate_key(2048)
    elif algorithm == "ES256":
        key = ECKey.generate_key("P-256")
    elif algorithm in ("Ed25519", "EdDSA"):
        key = OKPKey.generate_key("Ed25519")
    else:
        key = OctKey.generate_key(256)
    return Signer(key, algorithm, kid)


def segment(value: object) -> str:
    """A part of a JWT."""
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
