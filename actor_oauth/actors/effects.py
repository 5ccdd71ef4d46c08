"""The effects that decisions must not have, in one value: actors, keys, time, randomness."""

from dataclasses import dataclass

from actor_oauth.oauth.keyring import Keyring, user_key
from actor_oauth.oauth.policy import Policy
from actor_oauth.runtime import ActorSystem, Clock, Entropy

FRESH_BYTES = 64


@dataclass(slots=True, kw_only=True)
class Effects:
    """What the authorization server acts through.

    Attributes:
        system: The actors.
        policy: What the operator decided.
        keyring: The server's keys: the one thing here that may be replaced.
        clock: Wall time.
        entropy: Randomness.
    """

    system: ActorSystem
    policy: Policy
    keyring: Keyring
    clock: Clock
    entropy: Entropy

    def now(self) -> int:
        """The time, in Unix seconds."""
        return self.clock.now()

    def fresh(self) -> bytes:
        """Random bytes for one decision, which draws all that it needs from them."""
        return self.entropy.token_bytes(FRESH_BYTES)

    def user_key(self, user_id: str) -> str:
        """The key of a user's actor."""
        return user_key(self.keyring, user_id)
