"""People: their accounts and sessions."""

from actor_oauth.actors.accounts import Farewell, LoginRefused, Session
from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.directory import DirectoryPage
from actor_oauth.actors.user import AuditEvent, UserActor
from actor_oauth.oauth.federated import federated_user_id
from actor_oauth.runtime import Address


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

    async def set_user_disabled(self, user_id: str, *, disabled: bool) -> bool:
        """Disable an account, ending every session and grant, or enable it again.

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
        """Delete an account, with every session, grant, consent and the audit trail.

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
        """Let a deleted user have a new account of the same name, without a password.

        Returns:
            False unless one of that name was deleted.
        """
        return await self._accounts.readmit(user_id)

    async def audit_trail(
        self, user_id: str, *, limit: int = 256
    ) -> tuple[AuditEvent, ...]:
        """The newest security events of a user, newest first; of nobody, none."""
        return await self._accounts.actor(user_id).audit_trail(limit=limit)

    async def user_at(self, address: str) -> str | None:
        """The name of a user, by the address that logs have of that user's actor.

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
        """The address of a user's actor, as logs and damaged files have it: `user/KEY`."""
        return str(Address(UserActor.kind, self._effects.user_key(user_id)))

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
        """Give the local name of a user of a trusted issuer, who may be new.

        Args:
            issuer: As in `iss`.
            subject: As in the issuer's `account_claim`, which usually is `sub`.
            tenant: As in the issuer's `tenant_claim`, if it sends one.
        """
        return federated_user_id(
            self._effects.keyring, issuer=issuer, subject=subject, tenant=tenant
        )
