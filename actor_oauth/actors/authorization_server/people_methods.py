"""Users: their accounts and sessions."""

from actor_oauth.actors.accounts import Farewell, LoginRefused, Session
from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.directory import DirectoryPage
from actor_oauth.actors.user import AuditEvent, UserActor
from actor_oauth.oauth.federated import federated_user_id
from actor_oauth.runtime import Address


class PeopleMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def create_user(self, user_id: str, password: str) -> bool:
        """Create an account that can sign in; False if it exists already.

        Raises:
            ValueError: If the name or the password is not acceptable; says why.
        """
        return await self._accounts.create(user_id, password)

    async def set_password(self, user_id: str, password: str) -> bool:
        """Change a password, ending all sessions and grants; False without account.

        Raises:
            ValueError: If the password is not acceptable; says why.
        """
        return await self._accounts.set_password(user_id, password)

    async def set_user_disabled(self, user_id: str, *, disabled: bool) -> bool:
        """Disable an account, ending all sessions and grants, or enable it again.

        Returns:
            False if it is so already, or there is no account.
        """
        return await self._accounts.set_disabled(user_id, disabled=disabled)

    def before_deletion(self, farewell: Farewell) -> None:
        """Have something done before a user is deleted, while it can still be.

        Args:
            farewell: Given the user's name. If it raises, the user is not deleted.
        """
        self._accounts.before_deletion(farewell)

    async def delete_user(self, user_id: str) -> bool:
        """Delete an account with all sessions, grants, consents and the audit trail.

        Nothing that the user allowed lives when this returns, and nothing that was on
        its way can come to life: what is left refuses new grants until the user is
        admitted again, by `create_user` or `readmit_user`. State that an application
        keeps in actors of its own is the application's to erase; see `before_deletion`.

        Returns:
            False if there was none.

        Raises:
            ActorError: If this was raised while data were being erased, everything has
                ended already. Erasing continues by itself, and calling again waits for
                it again.
        """
        return await self._accounts.delete(user_id)

    async def readmit_user(self, user_id: str) -> bool:
        """Recreate a deleted user's account, empty and without a password.

        Returns:
            False unless one of that name was deleted.
        """
        return await self._accounts.readmit(user_id)

    async def audit_trail(
        self, user_id: str, *, limit: int = 256
    ) -> tuple[AuditEvent, ...]:
        """Give the latest security events of a user, newest first."""
        return await self._accounts.actor(user_id).audit_trail(limit=limit)

    async def user_at(self, address: str) -> str | None:
        """Give a user's name, from the actor's address in the log.

        Args:
            address: `user/KEY`.

        Returns:
            None if the user does not exist (any more).

        Raises:
            ValueError: That is no address of a user.
        """
        parsed = Address.parse(address)
        if parsed.kind != UserActor.kind:
            raise ValueError(f"not the address of a user: {address!r}")
        return await self._accounts.name_at(parsed.key)

    def user_address(self, user_id: str) -> str:
        """Give the address of a user's actor, as logs and files name it: `user/KEY`."""
        return str(Address(UserActor.kind, self._effects.user_key(user_id)))

    async def user_exists(self, user_id: str) -> bool:
        """Tell whether a user exists."""
        return await self._accounts.exists(user_id)

    async def list_users(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> DirectoryPage:
        """Give user names with the time of their creation, oldest first."""
        return await self._accounts.listed(cursor=cursor, limit=limit)

    async def log_in(self, user_id: str, password: str) -> str | LoginRefused:
        """Check a password and open a session; returns the value of its cookie."""
        return await self._accounts.log_in(user_id, password)

    async def enter(self, user_id: str) -> str | None:
        """Open a session for a user whom the application has authenticated.

        Who has no account gets one, without a password.

        Returns:
            What its cookie holds; None if the account is disabled.

        Raises:
            ValueError: If the name is not acceptable; says why.
        """
        return await self._accounts.enter(user_id)

    async def session(self, cookie: str) -> Session | None:
        """Give the session of a cookie value, or None for any other text."""
        return await self._accounts.session(cookie)

    async def log_out(self, cookie: str) -> None:
        """End the session of a cookie value, if it has one."""
        await self._accounts.log_out(cookie)

    async def log_out_everywhere(self, session: Session) -> None:
        """End all sessions and grants of the signed-in user (H-08)."""
        await self._accounts.log_out_everywhere(session.user_id)

    def federated_user_id(
        self, issuer: str, subject: str, *, tenant: str | None = None
    ) -> str:
        """Give the local name of a user of a trusted issuer, who may be new.

        Args:
            issuer: As in `iss`.
            subject: As in the issuer's `account_claim`, which usually is `sub`.
            tenant: As in the issuer's `tenant_claim`, if it sends one.
        """
        return federated_user_id(
            self._effects.keyring, issuer=issuer, subject=subject, tenant=tenant
        )
