"""Several clients of one grant, who share what they were given, and do things at random.

They are the sessions of a program that keeps its tokens in one file: each uses the
newest token that any of them has, occasionally an older one, and does not know what the
others do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from time import monotonic
from typing import Final

from actor_oauth.bench.chance import Chance
from actor_oauth.bench.fleet import stopped, tick
from actor_oauth.bench.history.events import (
    Check,
    Done,
    Event,
    Given,
    Operation,
    Outcome,
    Redeem,
    Refresh,
    Refused,
    Revoke,
    Unknown,
    event_of,
    outcome_of,
    was_put_off,
)
from actor_oauth.bench.history.model import State, begun
from actor_oauth.bench.http import NO_ANSWER, Answer, Request
from actor_oauth.bench.loop import Loop, Pause, Script
from actor_oauth.bench.target import Code, Credentials, Grant, Target

# Of all that a client does; the rest are refreshes.
_CHECKS: Final = 0.35
_REVOCATIONS: Final = 0.02
# After a request without an answer: the server may be starting again.
_RECOVERY: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How clients behave.

    Attributes:
        clients: Of each grant.
        steps: How many steps each takes, before a last check; None until they are told
            to stop.
        pause: Seconds between two things at most.
        revokes: Whether they ever revoke.
        older_tokens: The share of refreshes that use any earlier token.
        cuts_are_final: Whether a request whose connection broke certainly has no later
            effect, because the process that received it is dead.
    """

    clients: int = 4
    steps: int | None = 12
    pause: float = 0.05
    revokes: bool = True
    older_tokens: float = 0.15
    cuts_are_final: bool = False


@dataclass(slots=True, kw_only=True)
class Play:
    """A grant, what its clients know of it, and what happened.

    Attributes:
        client: Whose grant it is.
        code: If it is still to be redeemed.
        refresh_tokens: In the order in which they became known.
        access_tokens: All access tokens so far.
        events: So far.
        put_off: Requests that the server was too busy for.
    """

    client: Credentials
    code: Code | None = None
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    put_off: int = 0

    def initial(self) -> State:
        """The state before anything happened. To be asked for at the beginning."""
        if self.code is not None:
            return State()
        return begun(self.refresh_tokens[0], self.access_tokens[0])

    def learn(self, given: Given) -> None:
        """Take over what one of the clients was given."""
        if given.refresh not in self.refresh_tokens:
            self.refresh_tokens.append(given.refresh)
        if given.access not in self.access_tokens:
            self.access_tokens.append(given.access)


def play_of(start: Grant | Code) -> Play:
    """Begin with a grant, or with its code."""
    if isinstance(start, Code):
        return Play(client=start.client, code=start)
    return Play(
        client=start.client,
        refresh_tokens=[start.refresh_token],
        access_tokens=[start.access_token or ""],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a driver process plays.

    Attributes:
        target: The server.
        starts: One grant, or code, for each play.
        mix: How clients behave.
        seed: For all that is left to chance.
    """

    target: Target
    starts: Sequence[Grant | Code]
    mix: Mix
    seed: int


def run_plays(job: Job) -> list[tuple[State, Play]]:
    """Play all at once.

    Returns:
        Each play, with the state that it began in.
    """
    chance = Chance(job.seed)
    plays = [play_of(start) for start in job.starts]
    initial = [play.initial() for play in plays]
    players = [
        _Player(job.target, play, job.mix, chance.child(number))
        for number, play in enumerate(
            play for play in plays for _ in range(job.mix.clients)
        )
    ]
    Loop(on_answer=tick).run([player.script() for player in players])
    return list(zip(initial, plays, strict=True))


class _Player:
    def __init__(self, target: Target, play: Play, mix: Mix, chance: Chance) -> None:
        self._target = target
        self._play = play
        self._mix = mix
        self._chance = chance

    def script(self) -> Script:
        play, mix = self._play, self._mix
        steps = count() if mix.steps is None else range(mix.steps)
        for _ in takewhile(lambda _: not stopped(), steps):
            yield Pause(monotonic() + self._chance.between(0, mix.pause))
            operation = self._choose()
            answer = yield self._request(operation)
            self._note(operation, answer)
            if answer.status == NO_ANSWER:
                yield Pause(monotonic() + _RECOVERY)
        if not play.refresh_tokens:
            return
        last: list[Operation] = [Refresh(play.refresh_tokens[-1])]
        last += [Check(play.access_tokens[-1])] * self._target.can_check
        for operation in last:
            answer = yield self._request(operation)
            self._note(operation, answer)

    def _note(self, operation: Operation, answer: Answer) -> None:
        play = self._play
        if was_put_off(answer):
            play.put_off += 1
            return
        outcome = self._outcome(operation, answer)
        cut = self._mix.cuts_are_final and answer.status == NO_ANSWER
        play.events.append(event_of(operation, outcome, answer, is_final=cut))
        if isinstance(outcome, Given):
            play.learn(outcome)

    def _choose(self) -> Operation:
        play, chance = self._play, self._chance
        if not play.refresh_tokens:
            return Redeem()
        newest = play.refresh_tokens[-1]
        if self._target.can_check and chance.happens(_CHECKS):
            return Check(play.access_tokens[chance.below(len(play.access_tokens))])
        if self._mix.revokes and chance.happens(_REVOCATIONS):
            return Revoke(newest)
        if chance.happens(self._mix.older_tokens):
            return Refresh(play.refresh_tokens[chance.below(len(play.refresh_tokens))])
        return Refresh(newest)

    def _request(self, operation: Operation) -> Request:
        target, client = self._target, self._play.client
        match operation:
            case Redeem():
                assert self._play.code is not None
                return target.redeem(self._play.code)
            case Refresh(token):
                return target.refresh(client, token)
            case Check(token):
                return target.check(client, token)
            case Revoke(token):
                return target.revoke(client, token, "refresh_token")

    def _outcome(self, operation: Operation, answer: Answer) -> Outcome:
        if not isinstance(operation, Check):
            return outcome_of(answer)
        accepted = self._target.accepted(answer)
        if accepted is None:
            return Unknown()
        return Done() if accepted else Refused()
