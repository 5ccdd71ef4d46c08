"""People: their accounts and sessions."""

from actor_oauth.actors.accounts import LoginRefused, Session
from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.directory import DirectoryPage
from actor_oauth.oauth.federated import federated_user_id


class PeopleMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def create_user(self, user_id: str, password: str) -> bool:
        """Make an account that can sign in; False if there is one.

        Raises:
            ValueError: If the name or the password is not acceptable; says why.
        """
        return await self._accounts.create(user_id, password)

    async def set_password(self, user_id: str, password: str) -> bool:
        """Change a password, ending every session and grant; False without account.

        Raises:
            ValueError: If the password is not acceptable; says why.
        """
        return await self._accounts.set_password(user_id, password)

    async def user_exists(self, user_id: str) -> bool:
        """Whether there is such a user."""
        return await self._accounts.exists(user_id)

    async def list_users(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> DirectoryPage:
        """User names with the time of their creation, oldest first."""
        return await self._accounts.listed(cursor=cursor, limit=limit)

    async def log_in(self, user_id: str, password: str) -> str | LoginRefused:
        """Check a password and open a session; returns what its cookie holds."""
        return await self._accounts.log_in(user_id, password)

    async def session(self, cookie: str) -> Session | None:
        """The session that a cookie proves, or None, whatever the text is."""
        return await self._accounts.session(cookie)

    async def log_out(self, cookie: str) -> None:
        """End the session that a cookie proves, if it does prove one."""
        await self._accounts.log_out(cookie)

    async def log_out_everywhere(self, session: Session) -> None:
        """End every session and every grant of the signed-in user (H-08)."""
        await self._accounts.log_out_everywhere(session.user_id)

    def federated_user_id(
        self, issuer: str, subject: str, *, tenant: str | None = None
    ) -> str:
        """The name, here, of somebody whom a trusted issuer knows; they may be new.

        Args:
            issuer: As in `iss`.
            subject: As in the issuer's `account_claim`, which usually is `sub`.
            tenant: As in the issuer's `tenant_claim`, if it sends one.
        """
        return federated_user_id(
            self._effects.keyring, issuer=issuer, subject=subject, tenant=tenant
        )
