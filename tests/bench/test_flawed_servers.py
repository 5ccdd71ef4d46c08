"""What the instrument has to find: servers that let requests see each other half-done.

One is the provider of this package with its serialisation switched off. Two are somebody
else's, as people run them. A server that keeps nothing is killed. And the provider as it
is has to come through the same.
"""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.history.model import Anomaly
from actor_oauth.bench.own_server import started
from actor_oauth.bench.plan import Foreign, Plan, What
from actor_oauth.bench.races.outcome import Violation
from actor_oauth.bench.report.document import Report
from actor_oauth.bench.run import run_plan
from benchmarks.peers.catalogue import ROOT, authlib_at, mint_command
from benchmarks.peers.environments import SERVERS
from tests.support.programs import NODE_DIRECTORY, find_program

UNSERIALISED = "tests.support.unserialised_server"
TRIES = 5
"""On a busy machine requests may arrive one after the other, and nothing goes wrong."""


def found(plan: Plan) -> tuple[Report, Mapping[str, object]]:
    report, raw = run_plan(plan, lambda _what, _done, _total: None)
    return report, cast("Mapping[str, object]", raw)


def anomalies(raw: object) -> set[str]:
    report = cast("dict[str, dict[str, int]]", raw)
    return set(report["anomalies"])


def test_histories_of_the_provider_can_be_explained() -> None:
    report, raw = found(Plan(what=[What.HISTORY], workers=[2], grants=10, grace=1.0))
    assert report.problems == []
    history = cast("dict[str, int]", raw["history, 2 worker processes"])
    assert history["grants"] == 10
    assert history["overlapping"] > 100
    assert history["undecided"] == 0


def test_histories_without_serialisation_cannot() -> None:
    plan = Plan(what=[What.HISTORY], module=UNSERIALISED, grants=12, grace=60.0)

    def is_found_out() -> bool:
        report, raw = found(plan)
        # Which of them it is, is chance: two chains, or one that overwrote the other.
        wrong = {Anomaly.FORK, Anomaly.DOUBLE_REDEMPTION, Anomaly.LOST_GRANT}
        return bool(report.problems and anomalies(raw["history"]) & wrong)

    assert any(is_found_out() for _ in range(TRIES))


def test_races_without_serialisation_are_lost() -> None:
    # Likewise: of the turns that a refresh was lost to, the last one tells how.
    one_of = {
        "refresh-refresh": {
            Violation.SECOND_SUCCESSOR,
            Violation.LOST_GRANT,
            Violation.REFUSED_IN_GRACE,
        },
        "code-code": {Violation.DOUBLE_REDEMPTION},
        "assertion-assertion": {Violation.DOUBLE_REDEMPTION},
    }
    lost: set[str] = set()
    for _ in range(TRIES):
        races = sorted(one_of.keys() - lost)
        plan = Plan(
            what=[What.RACES],
            module=UNSERIALISED,
            races=races,
            racers=[20],
            rounds=2,
            grace=1.0,
        )
        wrong = "\n".join(found(plan)[0].problems)
        lost.update(
            race for race in races if any(f"{race}: {w}" in wrong for w in one_of[race])
        )
        if lost == one_of.keys():
            return
    pytest.fail(f"of {sorted(one_of)} only {sorted(lost)} were lost")


def test_the_provider_loses_nothing_when_it_is_killed() -> None:
    report, raw = found(Plan(what=[What.CRASH], kills=2))
    assert report.problems == []
    crash = cast("dict[str, dict[str, int]]", raw["crash"])
    assert crash["kills"] == cast("object", 2)
    assert crash["histories"]["undecided"] == 0


def test_a_server_that_keeps_nothing_is_found_out_when_it_is_killed() -> None:
    report, raw = found(Plan(what=[What.CRASH], module=UNSERIALISED, kills=1))
    assert report.problems
    crash = cast("dict[str, object]", raw["crash"])
    assert anomalies(crash["histories"])


@contextmanager
def authlib(folder: Path) -> Iterator[Foreign]:
    module = "benchmarks.peers.servers.authlib_flask"
    options = ["--port", "0", "--database", str(folder / "authlib.sqlite")]
    command = [sys.executable, "-m", module, *options]
    with started(command, environment={"PYTHONPATH": str(ROOT)}) as (url, _):
        yield authlib_at(url)


def test_histories_of_a_real_server_that_forks_cannot_be_explained(
    tmp_path: Path,
) -> None:
    """It issues a successor, and only then revokes the token that was presented."""
    with authlib(tmp_path) as foreign:
        plan = Plan(what=[What.HISTORY], foreign=foreign, grants=8, grace=0.0)
        report, raw = found(plan)
    assert Anomaly.FORK in anomalies(raw["history"])
    assert f"Histories: {Anomaly.FORK}" in "\n".join(report.problems)
    history = cast("dict[str, int]", raw["history"])
    assert history["undecided"] == 0


@contextmanager
def oidc_provider() -> Iterator[Foreign]:
    node = find_program("node22")
    assert node is not None
    environment = {"PEER_MODULES": str(NODE_DIRECTORY / "node_modules")}
    command = [str(node), str(SERVERS / "oidc_provider.mjs")]
    with started(command, environment=environment) as (url, _):
        yield Foreign(
            issuer=url,
            endpoints={"resource": f"{url}/bench/protected"},
            token_command=mint_command(url),
        )


@pytest.mark.needs("node22", "oidc-provider")
def test_the_flaw_of_a_real_server_is_found() -> None:
    """It takes two programs of one user for a thief, and ends what they share."""
    with oidc_provider() as foreign:
        report, raw = found(
            Plan(
                what=[What.RACES, What.HISTORY],
                foreign=foreign,
                races=["refresh-refresh", "refresh-revoke", "check-revoke"],
                racers=[20],
                rounds=1,
                grants=12,
                grace=0.0,
            )
        )
    wrong = "\n".join(report.problems)
    assert f"refresh-refresh: {Violation.LOST_GRANT}" in wrong
    assert "revoke" not in wrong
    assert anomalies(raw["history"]) == {Anomaly.LOST_GRANT}


def test_a_server_is_not_killed_unless_it_can_be_started_again() -> None:
    foreign = Foreign(issuer=None, endpoints={"token": "http://127.0.0.1:1/"})
    with pytest.raises(BenchError, match="--server-command"):
        found(Plan(what=[What.CRASH], foreign=foreign))
    nowhere = Foreign(issuer=None, command="true")
    with pytest.raises(BenchError, match="--url"):
        found(Plan(what=[What.CRASH], foreign=nowhere))


def test_a_command_that_starts_no_server_is_told_about() -> None:
    broken = Foreign(issuer="http://127.0.0.1:1", command="sh -c 'echo why >&2'")
    with pytest.raises(BenchError, match="does not answer: why"):
        found(Plan(what=[What.CRASH], foreign=broken))


def test_a_server_is_killed_and_started_by_a_command(tmp_path: Path) -> None:
    """Here `serve` itself, with two workers that end with their parent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = f"--port {port} --data {tmp_path} --auto-approve alice --workers 2"
    foreign = Foreign(
        issuer=url,
        endpoints={"resource": f"{url}/mcp"},
        command=f"{sys.executable} -m actor_oauth serve {options}",
    )
    # Its own window is two minutes.
    plan = Plan(what=[What.CRASH], foreign=foreign, kills=1, grace=120.0)
    report, raw = found(plan)
    assert report.problems == []
    crash = cast("dict[str, dict[str, int]]", raw["crash"])
    assert crash["histories"]["rotations"] > 0
