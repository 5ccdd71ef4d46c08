"""Erasing expired data everywhere."""

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.purging import PurgeStep, purge_some


class PurgeMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def purge_expired_data(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> PurgeStep:
        """Erase expired data in some actors, as their alarms will do later.

        Call it again with the cursor until that is None. After an interruption,
        continue from the last cursor or start again: repeating is harmless.

        Args:
            cursor: From the call before; None to begin.
            limit: Actors at most, 1 to 1000.
        """
        return await purge_some(
            self._effects,
            accounts=self._accounts,
            clients=self._clients,
            cursor=cursor,
            limit=limit,
        )
