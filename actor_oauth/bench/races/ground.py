"""Where races are run: one server, and what every race does with it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actor_oauth.bench.asking import ask
from actor_oauth.bench.chance import Chance
from actor_oauth.bench.fleet import Fleet
from actor_oauth.bench.http import Answer, Request
from actor_oauth.bench.races.outcome import Violation
from actor_oauth.bench.races.volley import Hit, Shot, fire
from actor_oauth.bench.source import Source
from actor_oauth.bench.target import Credentials, Grant, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a race is run.

    Attributes:
        racers: How many requests meet.
        jitter: Seconds over which they are spread at random; 0 sends them at once.
        grace: Seconds for which the server answers a used refresh token with the
            current tokens; 0 if it does not.
    """

    racers: int
    jitter: float = 0.0
    grace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A server, and the means to race on it.

    Attributes:
        target: The server.
        source: Where grants come from.
        fleet: From where requests are sent.
        chance: For jitter.
        on_ticks: Called with the number of answers so far in a volley.
    """

    target: Target
    source: Source
    fleet: Fleet
    chance: Chance
    on_ticks: Callable[[int], None] | None = None

    def fire(self, shots: Sequence[Shot]) -> list[Hit]:
        """Send a volley from another process."""
        return self.fleet.run(fire, shots, self.on_ticks)

    def meet(self, label: str, request: Request, course: Course) -> list[Hit]:
        """Have all racers of a course send the same request."""
        return self.fire(self.volley(label, [request] * course.racers, course.jitter))

    def volley(
        self, label: str, requests: Sequence[Request], jitter: float
    ) -> list[Shot]:
        """Shots of one kind, spread at random over some seconds."""
        return [
            Shot(label, request, self.chance.between(0, jitter)) for request in requests
        ]

    def refresh(self, client: Credentials, token: str) -> Answer:
        """Refresh once, after a race."""
        return ask(self.target.refresh(client, token))

    def living(self, client: Credentials, tokens: Sequence[str]) -> list[str]:
        """Refresh each of some tokens once.

        Returns:
            The distinct tokens that came back: one for each chain that is alive.
        """
        answers = [self.refresh(client, token) for token in tokens]
        found = (one.text("refresh_token") for one in answers if one.is_good)
        return list(dict.fromkeys(token for token in found if token))

    def count_works(
        self, client: Credentials, hits: Sequence[Hit], violations: Counter[Violation]
    ) -> None:
        """Count every token of some answers that still works: none may."""
        for token in distinct(hits, "refresh_token"):
            if self.refresh(client, token).is_good:
                violations[Violation.STALE_ACCEPT] += 1
        if self.target.can_check:
            for token in distinct(hits, "access_token"):
                answer = ask(self.target.check(client, token))
                if self.target.accepted(answer):
                    violations[Violation.STALE_ACCEPT] += 1


def distinct(hits: Sequence[Hit], member: str) -> list[str]:
    """The different values of a member in good answers, in the order of arrival."""
    good = sorted((h.answer for h in hits if h.answer.is_good), key=_received)
    return list(dict.fromkeys(text for one in good if (text := one.text(member))))


def _received(answer: Answer) -> float:
    return answer.received


def count_late(
    hits: Sequence[Hit],
    answered: float,
    accepted: Callable[[Answer], bool],
    violations: Counter[Violation],
) -> None:
    """Count requests that were sent after an end was answered, and yet accepted."""
    for hit in hits:
        if hit.answer.sent > answered and accepted(hit.answer):
            violations[Violation.STALE_ACCEPT] += 1


def good(answer: Answer) -> bool:
    """Whether an answer is a success."""
    return answer.is_good


def fresh_grant(source: Source, *, apart: bool = False) -> Grant:
    """One grant that nobody used yet, of a client of its own if that is needed."""
    return source.grants(1, apart=apart)[0]
