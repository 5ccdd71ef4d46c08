"""Proofs of possession, as a client makes them."""

import hashlib
import itertools
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.json_values import Json
from tests.support.signing import Signer, signer

_numbers: Final = itertools.count()


@dataclass
class ProofKey:
    """A client's key.

    Attributes:
        signer: Holds it.
        nonce: What the server wants to see in the next proof.
    """

    signer: Signer = field(default_factory=lambda: signer("ES256", kid=None))
    nonce: str | None = None

    @property
    def jkt(self) -> str:
        return self.signer.key.thumbprint()

    def proof(
        self,
        method: str,
        url: str,
        *,
        now: int,
        access_token: str | None = None,
        header: dict[str, Json] | None = None,
        **claims: Json,
    ) -> str:
        """A proof for one request; None takes a claim out."""
        said: dict[str, Json] = {
            "jti": f"proof-{next(_numbers)}",
            "htm": method,
            "htu": url,
            "iat": now,
            "nonce": self.nonce,
            "ath": None if access_token is None else ath(access_token),
            **claims,
        }
        present = {name: value for name, value in said.items() if value is not None}
        head: dict[str, Json] = {"typ": "dpop+jwt", "jwk": self.signer.public()}
        return self.signer.sign(present, **{**head, **(header or {})})


def ath(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def a_proof_key(nth: int = 0, algorithm: str = "ES256") -> ProofKey:
    """The nth key of an algorithm."""
    return ProofKey(signer(algorithm, kid=None, nth=nth))
