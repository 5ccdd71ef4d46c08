"""Registration against deletion: clients come while others go."""

from typing import Final

from actor_oauth.bench.asking import ask
from actor_oauth.bench.flow import CLIENT_METADATA, read_client
from actor_oauth.bench.races.ground import Course, Ground, count_late, good
from actor_oauth.bench.races.outcome import Round, Violation, judged_round
from actor_oauth.bench.races.volley import Shot

# Seconds for each racer, if the course does not say how they are spread.
_SPREAD: Final = 0.004


def race(ground: Ground, course: Course) -> Round:
    """Deletions and reads of one client, among registrations of others."""
    doomed = ground.source.clients(1)[0]
    spread = course.jitter or _SPREAD * course.racers
    third = max(1, course.racers // 3)
    target = ground.target
    registrations = [target.register(CLIENT_METADATA) for _ in range(third)]
    deletions = [target.delete(doomed) for _ in range(third)]
    reads_of_it = [target.read(doomed) for _ in range(third)]
    hits = ground.fire(
        [
            *ground.volley("register", registrations, spread),
            *ground.volley("delete", deletions, spread),
            *ground.volley("read", reads_of_it, spread),
        ]
    )
    born, deleted, reads = hits[:third], hits[third : 2 * third], hits[2 * third :]
    ran = judged_round(hits)
    done = [hit.answer.received for hit in deleted if hit.answer.is_good]
    ran.facts["deletions answered as done"] += len(done)
    if done:
        count_late(reads, min(done), good, ran.violations)
        if ground.fire([Shot("read", target.read(doomed))])[0].answer.is_good:
            ran.violations[Violation.STALE_ACCEPT] += 1
    clients = [read_client(hit.answer) for hit in born if hit.answer.is_good]
    ran.facts["registered"] += len(clients)
    alive = sum(ask(target.read(client)).is_good for client in clients)
    distinct = len({client.client_id for client in clients})
    if min(alive, distinct) < len(clients):
        ran.violations[Violation.LOST_CLIENT] += len(clients) - min(alive, distinct)
    return ran
