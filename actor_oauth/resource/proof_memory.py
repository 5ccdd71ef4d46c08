"""The memory of DPoP proofs of a resource server that has no authorization server inside.

It is this process's own: where several processes serve one resource, each accepts a proof
once. `AuthorizationServer.accept_proof` knows no such gap.
"""

from collections import defaultdict
from typing import Final

from actor_oauth.oauth.dpop import WINDOW, Proof
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Clock

MAX_PROOFS: Final = 100_000
"""Proofs remembered at once; when it is full, proofs are refused (K-14)."""

_MARGIN: Final = 60


class ProofMemory:
    """Accepts every proof once, as long as its time does not refuse it.

    Args:
        clock: Wall time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: defaultdict[int, set[bytes]] = defaultdict(set)
        self._count = 0

    async def accept(self, _token: str, proof: Proof) -> Refused | None:
        """Accept a proof, or say why not. It never waits in between."""
        self._forget()
        if proof.key in self._seen.get(proof.issued_at, ()):
            return Refused(Reason.DPOP_PROOF_REPLAYED)
        if self._count >= MAX_PROOFS:
            return Refused(Reason.DPOP_PROOFS_TOO_MANY)
        self._seen[proof.issued_at].add(proof.key)
        self._count += 1
        return None

    def _forget(self) -> None:
        oldest = self._clock.now() - WINDOW - _MARGIN
        for second in [second for second in self._seen if second < oldest]:
            self._count -= len(self._seen.pop(second))
