"""The application's callbacks: called outside of turns, within a time, once for all.

`on_token_exchange` runs once per generation of a grant however many callers wait. Which
attempt calls it is decided by a claim in the grant's own database, so that it holds over
processes; the other attempts of this process wait for that one and share its failure.

An attempt runs in a task of its own: a caller that goes away stops nothing (G4). The
callback has `Callbacks.seconds`, and the claim a little more: who comes to nothing in
that time, crashed or hung, is taken over.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeAlias, TypeVar

import outcome
import structlog
import trio

from actor_oauth.actors.user.callbacks import CallbackDue, CallbackRunning, CallbackStep
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import is_reduced
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import (
    TokenChanges,
    TokenContext,
    TokenRefusal,
    check_changes,
)
from actor_oauth.oauth.tokens import Token
from actor_oauth.runtime import Entropy, StoppedError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Settled = TypeVar("Settled")

MARGIN: Final = 5
"""Seconds for which a claim stands beyond the callback's own limit."""

LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks at a claim that another process has."""

MAX_OBSERVED: Final = 256
"""Errors that are being told at a time."""

CLAIM_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedError:
    """What `on_error` is told. It never holds a secret.

    Attributes:
        endpoint: Where it happened, such as `token`.
        reason: Why, in the stable words of the log.
        category: What the client was told it is.
        status: The HTTP status of the answer.
        client_id: As the client said it, or None.
        detail: More for the operator, or None.
    """

    endpoint: str
    reason: str
    category: str
    status: int
    client_id: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalToken:
    """What the application says of a token that is not of this server.

    Attributes:
        user_id: Whom it speaks for, in the words of whoever issued it.
        client_id: Whom it was issued to.
        scope: What it may be used for.
        resource: The resource that it was issued for; compared with the one asked for.
        expires_at: In Unix seconds.
        props: For the protected application.
    """

    user_id: str
    client_id: str
    scope: Scope
    resource: str
    expires_at: int
    props: Json = field(default=None, repr=False)


OnTokenExchange: TypeAlias = Callable[
    [TokenContext], Awaitable[TokenChanges | TokenRefusal | None]
]
OnError: TypeAlias = Callable[[ObservedError], Awaitable[None]]
OnClientRegistration: TypeAlias = Callable[[Client], Awaitable[Client | None]]
ResolveExternalToken: TypeAlias = Callable[[str, str], Awaitable[ExternalToken | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What the application wants to be asked or told.

    Attributes:
        on_token_exchange: Before a code or refresh token is traded for tokens.
        on_error: After a refusal at an endpoint that clients call.
        on_client_registration: Before a client that registers itself, or replaces its
            registration, is stored: gives it, or one with less, or None to refuse.
        resolve_external_token: Given a token that is none of this server's, and the
            resource that it was presented to.
        seconds: How long each may take.
    """

    on_token_exchange: OnTokenExchange | None = None
    on_error: OnError | None = None
    on_client_registration: OnClientRegistration | None = None
    resolve_external_token: ResolveExternalToken | None = None
    seconds: float = 10.0


@dataclass(slots=True)
class _Flight:
    """A callback under way in this process."""

    done: trio.Event = field(default_factory=trio.Event)
    failure: Refused | None = None


class _Answer(Generic[Settled]):
    """What an attempt came to."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: outcome.Value[Settled] | outcome.Error = outcome.Error(
            StoppedError("the server stopped before the answer was there")
        )


class CallbackRunner:
    """Runs callbacks in a nursery of its own; made by `open_callbacks`."""

    def __init__(
        self, callbacks: Callbacks, *, nursery: trio.Nursery, entropy: Entropy
    ) -> None:
        self.callbacks = callbacks
        self._nursery = nursery
        self._entropy = entropy
        self._flights: dict[tuple[str, bytes], _Flight] = {}
        self._observed = 0
        self._lease = math.ceil(callbacks.seconds) + MARGIN

    async def run(
        self,
        token: Token,
        turn: Callable[
            [CallbackStep], Awaitable[Settled | CallbackDue | CallbackRunning]
        ],
        release: Callable[[bytes], Awaitable[None]],
    ) -> Settled | Refused:
        """Trade a token, with the callback in between if new tokens are due.

        Cancelled, the caller only stops waiting.

        Args:
            token: What was presented.
            turn: Takes a step at the owner's actor.
            release: Gives a claim back there.
        """
        answer = _Answer[Settled | Refused]()
        self._nursery.start_soon(self._attempt, token, turn, release, answer)
        await answer.done.wait()
        return answer.outcome.unwrap()

    async def _attempt(
        self,
        token: Token,
        turn: Callable[
            [CallbackStep], Awaitable[Settled | CallbackDue | CallbackRunning]
        ],
        release: Callable[[bytes], Awaitable[None]],
        answer: _Answer[Settled | Refused],
    ) -> None:
        try:
            with trio.move_on_after(2 * self._lease) as patience:
                answer.outcome = outcome.Value(await self._settle(token, turn, release))
            if patience.cancelled_caught:
                answer.outcome = outcome.Value(Refused(Reason.CALLBACK_BUSY))
        except Exception as error:  # noqa: BLE001 - the root of a task: its caller gets it
            answer.outcome = outcome.Error(error)
        finally:
            answer.done.set()

    async def _settle(
        self,
        token: Token,
        turn: Callable[
            [CallbackStep], Awaitable[Settled | CallbackDue | CallbackRunning]
        ],
        release: Callable[[bytes], Awaitable[None]],
    ) -> Settled | Refused:
        # One grant has one key, whichever of its tokens is presented.
        key, pause = (token.actor_key, token.record[:4]), 0.0
        while True:
            step = CallbackStep(
                claim=self._entropy.token_bytes(CLAIM_BYTES), lease=self._lease
            )
            answer: Settled | CallbackDue | CallbackRunning | Refused
            answer = await turn(step)
            if isinstance(answer, CallbackDue):
                answer = await self._fly(key, answer, step, turn, release)
            if not isinstance(answer, CallbackDue | CallbackRunning):
                return answer
            flight = self._flights.get(key)
            if flight is not None:
                await flight.done.wait()
                if flight.failure is not None:
                    return flight.failure
                continue
            # Another process has it, or has just given it back.
            await trio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause + 0.01)

    async def _fly(
        self,
        key: tuple[str, bytes],
        due: CallbackDue,
        step: CallbackStep,
        turn: Callable[
            [CallbackStep], Awaitable[Settled | CallbackDue | CallbackRunning]
        ],
        release: Callable[[bytes], Awaitable[None]],
    ) -> Settled | CallbackDue | CallbackRunning | Refused:
        flight = self._flights[key] = _Flight()
        try:
            changes = await self._call(due.context)
            if isinstance(changes, Refused):
                flight.failure = changes
                await release(step.claim)
                return changes
            answer = await turn(replace(step, changes=changes))
            if isinstance(answer, Refused):
                # The grant has ended, or the scope left nothing: no claim may stay.
                await release(step.claim)
        except Exception:
            # Not lost: the claim lapses by itself if it cannot be given back.
            with suppress(Exception):
                await release(step.claim)
            raise
        else:
            return answer
        finally:
            # An attempt that took over a claim that lapsed has a flight of its own.
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.done.set()

    async def _call(self, context: TokenContext) -> TokenChanges | Refused:
        callback = self.callbacks.on_token_exchange
        assert callback is not None
        try:
            with trio.fail_after(self.callbacks.seconds):
                said = await callback(context)
            if isinstance(said, TokenRefusal):
                return Refused(said.value)
            changes = said or TokenChanges()
            check_changes(changes)
        except trio.TooSlowError:
            return Refused(Reason.CALLBACK_BUSY, "the callback took too long")
        except Exception as error:
            log.exception("callback failed", callback="on_token_exchange")
            return Refused(Reason.CALLBACK_FAILED, type(error).__name__)
        return changes

    def observe(self, error: ObservedError) -> None:
        """Tell the observer, without waiting for it."""
        if self.callbacks.on_error is None:
            return
        if self._observed >= MAX_OBSERVED:
            log.warning("on_error is too slow: an error was not told")
            return
        self._observed += 1
        self._nursery.start_soon(self._tell, self.callbacks.on_error, error)

    async def _tell(self, observer: OnError, error: ObservedError) -> None:
        try:
            with trio.fail_after(self.callbacks.seconds):
                await observer(error)
        except Exception:
            log.exception("callback failed", callback="on_error")
        finally:
            self._observed -= 1

    async def approve_registration(self, client: Client) -> Client | Refused:
        """Ask the application whether a client may register, and as what."""
        callback = self.callbacks.on_client_registration
        if callback is None:
            return client
        try:
            with trio.fail_after(self.callbacks.seconds):
                approved = await callback(client)
        except trio.TooSlowError:
            return Refused(Reason.CALLBACK_BUSY, "the callback took too long")
        except Exception as error:
            log.exception("callback failed", callback="on_client_registration")
            return Refused(Reason.CALLBACK_FAILED, type(error).__name__)
        if approved is None:
            return Refused(Reason.CALLBACK_DENIED)
        if not is_reduced(client, approved):
            log.error("on_client_registration gave more than was asked for")
            return Refused(Reason.CALLBACK_FAILED, "more than was asked for")
        return approved

    async def resolve(self, token: str, resource: str) -> ExternalToken | None:
        """Ask the application about a token that is none of ours; None if it is nothing."""
        if self.callbacks.resolve_external_token is None:
            return None
        try:
            with trio.fail_after(self.callbacks.seconds):
                return await self.callbacks.resolve_external_token(token, resource)
        except Exception:
            log.exception("callback failed", callback="resolve_external_token")
            return None


@asynccontextmanager
async def open_callbacks(
    callbacks: Callbacks, *, entropy: Entropy
) -> AsyncIterator[CallbackRunner]:
    """Run callbacks for as long as the block lasts; what is under way may then finish.

    Args:
        callbacks: The application's.
        entropy: For claims.
    """
    async with trio.open_nursery() as nursery:
        yield CallbackRunner(callbacks, nursery=nursery, entropy=entropy)
        nursery.cancel_scope.deadline = trio.current_time() + callbacks.seconds
