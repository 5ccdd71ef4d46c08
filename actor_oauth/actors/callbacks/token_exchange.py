"""`on_token_exchange` and `on_refresh_reuse`: once for all that wait at a grant.

The first is asked once per generation, the second once for each token that comes late.

Which attempt calls it is decided by a claim in the grant's own database, so that it holds
over processes; the other attempts of this process wait for that one and share its
failure.

An attempt runs in a task of its own: a caller that disconnects stops nothing (G4). The
callback has `Callbacks.seconds`, and the claim a little more: an attempt that has not
finished by then, crashed or hung, is taken over.
"""

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Generic, Protocol, TypeVar

import outcome
import trio

from actor_oauth.actors.callbacks.interface import Callbacks
from actor_oauth.actors.callbacks.parts import RunnerParts, awaited
from actor_oauth.actors.user.callbacks import CallbackDue, CallbackRunning, CallbackStep
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_reuse import ReuseEvent, ReuseVerdict
from actor_oauth.oauth.token_changes import (
    TokenChanges,
    TokenContext,
    TokenRefusal,
    check_changes,
)
from actor_oauth.oauth.tokens import Token
from actor_oauth.runtime import Entropy, StoppedError

Settled = TypeVar("Settled")

MARGIN: Final = 5
"""Seconds for which a claim stands beyond the callback's own limit."""

LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks at a claim that another process holds."""

CLAIM_BYTES: Final = 16


class Release(Protocol):
    """Gives a claim back at the owner's actor."""

    async def __call__(self, claim: bytes, /, *, ended: bool = False) -> None:
        """Give it back; end the grant with it if the application has ended it."""
        ...


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


class TokenExchange(RunnerParts):
    """Part of `CallbackRunner`."""

    def __init__(
        self, callbacks: Callbacks, *, nursery: trio.Nursery, entropy: Entropy
    ) -> None:
        super().__init__(callbacks, nursery=nursery, entropy=entropy)
        self._flights: dict[tuple[str, bytes], _Flight] = {}
        self._lease = math.ceil(callbacks.seconds) + MARGIN

    async def run(
        self,
        token: Token,
        turn: Callable[
            [CallbackStep], Awaitable[Settled | CallbackDue | CallbackRunning]
        ],
        release: Release,
    ) -> Settled | Refused:
        """Issue tokens, with the callback in between if new ones are needed.

        Cancelled, the caller only stops waiting.

        Args:
            token: What was presented.
            turn: Takes a step at the owner's actor.
            release: Gives a claim back there, and ends the grant if that is what the
                callback said.
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
        release: Release,
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
        release: Release,
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
        release: Release,
    ) -> Settled | CallbackDue | CallbackRunning | Refused:
        flight = self._flights[key] = _Flight()
        try:
            said = await self._say(due.context)
            if isinstance(said, Refused):
                flight.failure = said
                ended = said.reason is Reason.CALLBACK_ENDED
                await release(step.claim, ended=ended)
                return said
            answer = await turn(replace(step, said=said))
            if isinstance(answer, Refused):
                # The grant has ended, or the scope left nothing: no claim may stay.
                await release(step.claim)
        except Exception:
            # Nothing is lost: the claim lapses by itself if it cannot be released.
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

    async def _say(
        self, context: TokenContext | ReuseEvent
    ) -> TokenChanges | ReuseVerdict | Refused:
        if isinstance(context, TokenContext):
            return await self._call(context)
        return await self._judge(context)

    async def _judge(self, event: ReuseEvent) -> ReuseVerdict:
        callback = self.callbacks.on_refresh_reuse
        assert callback is not None

        async def judge() -> ReuseVerdict:
            return ReuseVerdict(await awaited(callback(event)))

        said = await self.ask("on_refresh_reuse", judge)
        return event.verdict if isinstance(said, Refused) else said

    async def _call(self, context: TokenContext) -> TokenChanges | Refused:
        callback = self.callbacks.on_token_exchange
        assert callback is not None

        async def changes() -> TokenChanges | Refused:
            said = await awaited(callback(context))
            if isinstance(said, TokenRefusal):
                return Refused(said.value)
            check_changes(said or TokenChanges())
            return said or TokenChanges()

        return await self.ask("on_token_exchange", changes)
