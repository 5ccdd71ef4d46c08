"""The turn that adopts the tokens of a user who signed in here with their service."""

from actor_oauth.actors.connection_trail import ConnectionEvent
from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.storing import store
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.upstream.attempts import Attempt
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.runtime import turn


class AdoptingTurns(VaultTurns, kind="vault"):
    """Turns of a vault; see `VaultActor`."""

    @turn(creates=True)
    def adopt(
        self,
        attempt: Attempt,
        tokens: UpstreamTokens,
        *,
        user_id: str,
        keyring: Keyring,
        fresh: bytes,
        now: int,
    ) -> Connection | UpstreamFailed:
        """Keep tokens as if the user had connected the resource here.

        A connection that can be refreshed is not given up for tokens that cannot: some
        services give a refresh token only the first time.

        Args:
            attempt: How they were asked for, with the resource to keep them under.
            tokens: What came.
            user_id: Whose vault it is.
            keyring: Ours.
            fresh: 32 random bytes.
            now: The time of the turn.

        Returns:
            The connection as it stands.
        """
        known = connections.load_of(self.db, attempt.resource)
        if known is not None and tokens.refresh_token is None:
            credential = known.credential
            if credential.is_usable and credential.can_refresh:
                return known
        self._list(now=now)
        seals = self._seals(keyring, fresh)
        stored = store(self.db, attempt, tokens, seals, user_id=user_id, now=now)
        if isinstance(stored, Connection):
            self._note(ConnectionEvent.AUTHORIZED, stored.resource, now=now)
            self._watch(stored.number)
        return stored
