"""The turns of a sign-in at another service: begin, take, and finish after the network."""

from dataclasses import dataclass, field

from actor_oauth.actors.connection_trail import ConnectionEvent
from actor_oauth.actors.vault import attempts, owed
from actor_oauth.actors.vault.attempts import Stage
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.storing import store
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.upstream.attempts import Attempt, decide_callback
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.runtime import turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A response to act on, by the caller that got this value and no other.

    Attributes:
        attempt: What was recorded.
        code: To be traded.
    """

    attempt: Attempt
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that came before.

    Attributes:
        resource: What it was for.
        is_over: Whether its outcome is known yet.
        fault: Why it came to nothing; None if it did not.
    """

    resource: str
    is_over: bool
    fault: UpstreamFault | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A connection is in the vault.

    Attributes:
        connection: As it stands now.
        access_token: Its token, for telling the application; None if it is public.
    """

    connection: Connection
    access_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStored:
    """A taken attempt brought no connection.

    Attributes:
        failed: Why.
        owed: The number under which the tokens that came are to be revoked, or None.
    """

    failed: UpstreamFailed
    owed: int | None = None


class AttemptTurns(VaultTurns, kind="vault"):
    """Signing in at another service."""

    @turn(creates=True)
    def begin_attempt(
        self,
        key: bytes,
        attempt: Attempt,
        *,
        browser: bytes,
        keyring: Keyring,
        fresh: bytes,
        now: int,
    ) -> None:
        """Record an attempt before the browser leaves (I-15).

        Args:
            key: The hash of its state.
            attempt: What was asked.
            browser: The hash of what ties the browser to its user.
            keyring: Ours.
            fresh: 32 random bytes.
            now: The time of the turn.
        """
        self._list(now=now)
        seals = self._seals(keyring, fresh)
        attempts.insert(self.db, key, attempt, browser=browser, seals=seals)
        self.wake_by(attempt.expires_at)

    @turn
    def take_attempt(
        self,
        key: bytes,
        answer: Parameters,
        *,
        browser: bytes,
        redirect_uri: str,
        keyring: Keyring,
        now: int,
    ) -> Taken | Answered | UpstreamFailed:
        """Take an answer, if it is the first one and the asked server's (I-18 to I-20).

        An attempt ends with the first response, even a wrong one: nobody can try
        several.
        """
        found = attempts.find(self.db, key, browser=browser, now=now)
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.ATTEMPT_UNKNOWN)
        if found.stage is not Stage.BEGUN:
            return Answered(
                resource=found.resource,
                is_over=found.stage is Stage.OVER,
                fault=found.fault,
            )
        attempt = attempts.take(self.db, key, self._seals(keyring))
        if attempt is None:
            return self._fail(key, UpstreamFailed(fault=UpstreamFault.ATTEMPT_UNKNOWN))
        code = decide_callback(answer, attempt, redirect_uri=redirect_uri)
        if isinstance(code, UpstreamFailed):
            self._note_refusal(attempt.resource, code, now=now)
            return self._fail(key, code)
        return Taken(attempt=attempt, code=code)

    @turn
    def finish_attempt(
        self,
        key: bytes,
        attempt: Attempt,
        answer: UpstreamTokens | UpstreamFailed,
        *,
        user_id: str,
        keyring: Keyring,
        fresh: bytes,
        now: int,
    ) -> Stored | NotStored:
        """Store what a taken attempt brought.

        Tokens that come after the user has removed the connection are to be revoked.

        Args:
            key: The hash of its state.
            attempt: What was asked.
            answer: The other server's, or why there is none.
            user_id: Whose vault it is.
            keyring: Ours.
            fresh: 32 random bytes.
            now: The time of the turn.
        """
        if isinstance(answer, UpstreamFailed):
            self._note_refusal(attempt.resource, answer, now=now)
            return NotStored(failed=self._fail(key, answer))
        seals = self._seals(keyring, fresh)
        stored: Connection | UpstreamFailed = UpstreamFailed(
            fault=UpstreamFault.NOT_CONNECTED
        )
        if attempts.finish(self.db, key, None):
            stored = store(self.db, attempt, answer, seals, user_id=user_id, now=now)
        if isinstance(stored, UpstreamFailed):
            self._fail(key, stored)
            self._note_refusal(attempt.resource, stored, now=now)
            self._list(now=now)
            number = owed.owe_tokens(
                self.db, key.hex(), attempt.server, attempt.client, answer, seals
            )
            return NotStored(failed=stored, owed=self._owe(number))
        self._note(ConnectionEvent.AUTHORIZED, stored.resource, now=now)
        self._watch(stored.number)
        return Stored(connection=stored, access_token=answer.access_token)

    def _note_refusal(self, resource: str, failed: UpstreamFailed, *, now: int) -> None:
        detail = f"{failed.fault} {resource}"
        self._note(ConnectionEvent.REFUSED, detail, now=now)

    def _fail(self, key: bytes, failed: UpstreamFailed) -> UpstreamFailed:
        attempts.finish(self.db, key, failed.fault)
        return failed
