"""Users: accounts, passwords and browser sessions, each in the user's actor."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from actor_oauth.actors.directory import USERS, DirectoryActor, DirectoryPage
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.passwords import Passwords
from actor_oauth.actors.unknown_names import UnknownNamesActor, unknown_names_key
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.sessions import session_hash
from actor_oauth.oauth.clients import CLIENT_ID_PREFIX
from actor_oauth.oauth.federated import FEDERATED_PREFIX
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.openid import session_name
from actor_oauth.oauth.tokens import SECRET_LENGTH, Token, TokenKind, parse_token

MAX_USER_ID_LENGTH: Final = 255
_RESERVED: Final = (CLIENT_ID_PREFIX, "https://", FEDERATED_PREFIX)
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser.

    Attributes:
        user_id: Who.
        label: What pages call them.
        user_key: The key of the user's actor.
        secret: What the browser proved it with.
        auth_time: When they proved who they are, in Unix seconds.
        entered_at: When they came in, if that was later.
    """

    user_id: str
    label: str
    user_key: str
    secret: bytes = field(repr=False)
    auth_time: int
    entered_at: int | None = None

    @property
    def name(self) -> str:
        """The session's name for clients: it cannot be used to enter the session."""
        return session_name(session_hash(self.user_key, self.secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused:
    """The log-in was refused.

    Attributes:
        retry_after: Seconds until another attempt is admitted, if there were too many;
            None if name and password do not match.
    """

    retry_after: int | None


Farewell: TypeAlias = Callable[[str], Awaitable[None]]
"""Called with the name of a user to be deleted. Its failure stops the deletion."""


class Accounts:
    """The users of one server."""

    def __init__(self, effects: Effects, passwords: Passwords) -> None:
        self._effects = effects
        self._passwords = passwords
        self._farewells: list[Farewell] = []

    def actor(self, user_id: str) -> UserActor:
        """The actor of a user, who need not exist."""
        return self._effects.system.get(UserActor, self._effects.user_key(user_id))

    async def create(self, user_id: str, password: str) -> bool:
        """Create an account that can sign in; False if it exists already.

        Raises:
            ValueError: If the name or the password is not acceptable; says why.
        """
        check_user_id(user_id)
        password_hash = await self._passwords.hash(password)
        return await self.actor(user_id).create_account(
            user_id, password_hash=password_hash, now=self._effects.now()
        )

    async def set_password(self, user_id: str, password: str) -> bool:
        """Change a password, ending all sessions and grants; False without account.

        Raises:
            ValueError: If the password is not acceptable; says why.
        """
        password_hash = await self._passwords.hash(password)
        return await self.actor(user_id).set_password(
            password_hash, now=self._effects.now()
        )

    def before_deletion(self, farewell: Farewell) -> None:
        """Have something done before a user is deleted, while it can still be."""
        self._farewells.append(farewell)

    async def delete(self, user_id: str) -> bool:
        """Delete an account: nothing granted by the user is valid on return (K-10).

        Returns:
            False if there was none.
        """
        effects, user = self._effects, self.actor(user_id)
        for farewell in self._farewells:
            await farewell(user_id)
        deleted = await user.delete_account(keyring=effects.keyring, now=effects.now())
        # Also for one that is deleted already: that deletion may not be through.
        while await user.erase_deleted(now=effects.now()):
            pass
        await effects.system.delivered(user)
        return deleted

    async def readmit(self, user_id: str) -> bool:
        """Let a deleted user have an account again; False unless one was deleted."""
        return await self.actor(user_id).readmit(user_id, now=self._effects.now())

    async def set_disabled(self, user_id: str, *, disabled: bool) -> bool:
        """Disable an account or enable it again; False if it is so, or there is none."""
        return await self.actor(user_id).set_disabled(
            disabled=disabled, now=self._effects.now()
        )

    async def name_at(self, key: str) -> str | None:
        """The name of the user whose actor has this key; None if there is none."""
        account = await self._effects.system.get(UserActor, key).account()
        return None if account is None else account.user_id

    async def exists(self, user_id: str) -> bool:
        """Tell whether a user exists."""
        return await self.actor(user_id).account() is not None

    async def listed(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> DirectoryPage:
        """Give user names with the time of their creation, oldest first."""
        directory = self._effects.system.get(DirectoryActor, USERS)
        return await directory.page(cursor=cursor, limit=limit)

    async def log_in(self, user_id: str, password: str) -> str | LoginRefused:
        """Check a password and open a session; takes as long for unknown users.

        Returns:
            What the browser's cookie holds, new every time.
        """
        user, now = self.actor(user_id), self._effects.now()
        account = await user.account()
        if account is None:
            return await self._refuse_unknown(user.address.key, password)
        wait = await user.login_allowed(now=now)
        if wait:
            return LoginRefused(retry_after=wait)
        stored = account.password_hash
        matches = await self._passwords.verify(stored, password)
        await user.record_login(success=matches, now=now)
        if not matches:
            return LoginRefused(retry_after=None)
        cookie = await user.open_session(
            secret=self._effects.entropy.token_bytes(SECRET_LENGTH),
            verified_hash=stored,
            lifetimes=self._effects.policy.lifetimes,
            now=self._effects.now(),
        )
        # Disabled, or the password was changed in between: as if it did not match.
        return LoginRefused(retry_after=None) if cookie is None else cookie

    async def _refuse_unknown(self, user_key: str, password: str) -> LoginRefused:
        """Refuse an attempt as one at an account with another password is refused."""
        effects = self._effects
        names = effects.system.get(UnknownNamesActor, unknown_names_key(user_key))
        wait = await names.login_allowed(user_key, now=effects.now())
        if wait:
            return LoginRefused(retry_after=wait)
        await self._passwords.verify(None, password)
        await names.record_login(user_key)
        return LoginRefused(retry_after=None)

    async def enter(self, user_id: str) -> str | None:
        """Open a session for a user who was authenticated elsewhere.

        Returns:
            What the browser's cookie holds; None if the account is disabled.

        Raises:
            ValueError: If the name is not acceptable; says why.
        """
        check_user_id(user_id)
        return await self.actor(user_id).enter(
            user_id,
            secret=self._effects.entropy.token_bytes(SECRET_LENGTH),
            lifetimes=self._effects.policy.lifetimes,
            now=self._effects.now(),
        )

    async def session(self, cookie: str) -> Session | None:
        """Give the session of a cookie value, or None for any other text."""
        token = _session_token(cookie)
        if token is None:
            return None
        user = self._effects.system.get(UserActor, token.actor_key)
        now = self._effects.now()
        found = await user.session(token.secret, now=now)
        if found is None:
            return None
        if found.touch_due:
            await user.touch_session(token.secret, now=now)
        return Session(
            user_id=found.user_id,
            label=found.label,
            user_key=token.actor_key,
            secret=token.secret,
            auth_time=found.opened_at,
            entered_at=found.entered_at,
        )

    async def log_out(self, cookie: str) -> None:
        """End the session of a cookie value, if it has one."""
        token = _session_token(cookie)
        if token is not None:
            user = self._effects.system.get(UserActor, token.actor_key)
            await user.close_session(token.secret)

    async def log_out_everywhere(self, user_id: str) -> None:
        """End every session and every grant of a user (H-08)."""
        user, now = self.actor(user_id), self._effects.now()
        await user.close_all_sessions(now=now)
        await user.revoke_all_grants(now=now, reason=GrantEvent.REVOKED_BY_USER)


def check_user_id(user_id: str) -> None:
    """See that a user's name can be one.

    It must never be taken for a client's id, since both are used as `sub` (B-01), nor
    for the name of a federated user.

    Raises:
        ValueError: If not; says why.
    """
    if not 1 <= len(user_id) <= MAX_USER_ID_LENGTH:
        raise ValueError(f"a user name has 1 to {MAX_USER_ID_LENGTH} characters")
    if _CONTROL.search(user_id) or user_id != user_id.strip():
        raise ValueError(
            "a user name has no control characters, and no spaces around it"
        )
    if user_id.startswith(_RESERVED):
        raise ValueError(f"a user name does not begin with {' or '.join(_RESERVED)}")


def check_asked_user(effects: Effects, user_id: str, browser: str) -> None:
    """Check a user name that an application supplies for a browser's user.

    An application cannot supply the names of federated users: they come with a session
    of this server, which the user's actor then looks up.

    Args:
        effects: Of the server.
        user_id: Who is asked.
        browser: Where.

    Raises:
        ValueError: If not; says why.
    """
    token = _session_token(browser)
    if token is None or token.actor_key != effects.user_key(user_id):
        check_user_id(user_id)


def _session_token(cookie: str) -> Token | None:
    token = parse_token(cookie)
    return token if token is not None and token.kind is TokenKind.SESSION else None
