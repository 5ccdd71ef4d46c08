"""Grants: what a user has allowed, and how it ends."""

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.user import GrantPage


class GrantMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def list_user_grants(
        self, user_id: str, cursor: str | None = None, limit: int = 50
    ) -> GrantPage:
        """Give a user's active grants, newest first."""
        user = self._accounts.actor(user_id)
        return await user.list_grants(
            cursor=cursor, limit=limit, now=self._effects.now()
        )

    async def revoke_grant(self, user_id: str, grant_id: str) -> bool:
        """End a grant with all of its tokens; False if it is not active."""
        user = self._accounts.actor(user_id)
        return await user.revoke_grant(grant_id, now=self._effects.now())
