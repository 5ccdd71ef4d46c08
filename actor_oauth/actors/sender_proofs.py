"""DPoP at the endpoints that clients call: reading proofs, and asking for nonces."""

from collections.abc import Sequence
from dataclasses import replace

from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, ProofTarget, Role, decide_proof, nonces
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.wire import WireError


class SenderProofs:
    """Reads the proofs that come with requests of clients.

    Args:
        effects: What to act through.
        url: The endpoint, as clients see it.
    """

    def __init__(self, effects: Effects, url: str) -> None:
        self._effects = effects
        self._url = url

    def need(self, lines: Sequence[str], client: Client) -> Proof | Refused | None:
        """The proof of a request for tokens, which some clients must send (F-07, F-08).

        Args:
            lines: The values of all `DPoP` header lines.
            client: Who authenticated.
        """
        if not lines and client.dpop_bound_access_tokens:
            return Refused(Reason.DPOP_PROOF_MISSING)
        return self.read(lines)

    def read(self, lines: Sequence[str]) -> Proof | Refused | None:
        """The proof of a request; None if there is none."""
        if not lines:
            return None
        effects = self._effects
        wanted = effects.policy.dpop_nonces_required
        target = ProofTarget(
            method="POST",
            url=self._url,
            nonces=self.accepted("authorization server") if wanted else None,
        )
        return decide_proof(lines, target, now=effects.now())

    def accepted(self, role: Role) -> tuple[str, ...]:
        """The nonces that are accepted now, the newest first."""
        return nonces(self._effects.keyring, role, now=self._effects.now())

    def with_nonce(self, error: WireError, reason: Reason) -> WireError:
        """An error as it is sent: with the nonce, if that is what was wanted (F-13)."""
        if reason is not Reason.DPOP_NONCE_WANTED:
            return error
        return replace(error, dpop_nonce=self.accepted("authorization server")[0])
