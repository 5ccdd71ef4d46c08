"""Erasing what is over, everywhere."""

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.purging import PurgeStep, purge_some


class PurgeMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def purge_expired_data(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> PurgeStep:
        """Erase what is over, in some actors: what their alarms do by themselves later.

        Call it again with the cursor until there is none. Whoever is interrupted goes
        on from the last cursor, or begins anew: nothing is done twice that matters.

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
