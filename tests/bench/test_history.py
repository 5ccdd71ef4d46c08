"""The checker of histories, held against every order there is; and the model of a grant."""

from dataclasses import replace
from functools import partial
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actor_oauth.bench.history import checker
from actor_oauth.bench.history.checker import Explained, Undecided, check
from actor_oauth.bench.history.events import (
    NEVER,
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
)
from actor_oauth.bench.history.judge import HistoryReport
from actor_oauth.bench.history.model import (
    HIDDEN,
    Anomaly,
    Rules,
    State,
    begun,
    foreign_rules,
    step,
)
from actor_oauth.bench.history.play import Play
from actor_oauth.bench.target import Credentials

RULES = Rules(grace=5.0)
STRICT = Rules(grace=0.0)
ONE_TIME = Rules(grace=0.0, overlaps_end=True)
START = begun("r0", "a0")
TOKENS = ["r0", "r1", "r2"]


def event(
    operation: Operation, outcome: Outcome, start: float, end: float | None = None
) -> Event:
    if end is None and isinstance(outcome, Unknown):
        return Event(operation, outcome, start, NEVER)
    return Event(operation, outcome, start, start + 0.5 if end is None else end)


def gave(token: str) -> Given:
    return Given(token, token.replace("r", "a"))


def judged(*events: Event, rules: Rules = RULES, initial: State = START) -> str | None:
    report = HistoryReport()
    play = Play(client=Credentials(client_id="x"), events=list(events))
    report.add(initial, play, rules)
    [name] = report.anomalies or [None]
    return name


def is_fine(*events: Event, rules: Rules = RULES, initial: State = START) -> bool:
    return judged(*events, rules=rules, initial=initial) is None


def explained_by_some_order(events: list[Event], initial: State, rules: Rules) -> bool:
    """The definition, without any cleverness."""
    optional = [one for one in events if one.is_optional]
    required = [one for one in events if not one.is_optional]
    for chosen in range(2 ** len(optional)):
        some = [one for n, one in enumerate(optional) if chosen >> n & 1]
        for order in permutations(required + some):
            if not _respects_time(order):
                continue
            states = {initial}
            for one in order:
                states = {led for state in states for led in step(state, one, rules)}
            if states:
                return True
    return False


def _respects_time(order: tuple[Event, ...]) -> bool:
    return not any(
        later.end < earlier.start
        for number, earlier in enumerate(order)
        for later in order[number + 1 :]
    )


operations = st.one_of(
    st.just(Redeem()),
    st.builds(Refresh, st.sampled_from(TOKENS)),
    st.builds(Check, st.sampled_from(["a0", "a1"])),
    st.builds(Revoke, st.sampled_from(TOKENS)),
)
outcomes = st.one_of(
    st.builds(gave, st.sampled_from(TOKENS)),
    st.just(Done()),
    st.just(Refused()),
    st.just(Unknown()),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    operation = draw(operations)
    outcome = draw(outcomes)
    if isinstance(operation, Refresh | Redeem):
        outcome = Refused() if isinstance(outcome, Done) else outcome
    elif isinstance(outcome, Given):
        outcome = Done()
    start = float(draw(st.integers(0, 8)))
    end = start + draw(st.integers(0, 6))
    if isinstance(outcome, Unknown) and draw(st.booleans()):
        end = NEVER
    return event(operation, outcome, start, end)


@settings(max_examples=400, deadline=None)
@given(
    history=st.lists(events(), max_size=5),
    initial=st.sampled_from([START, State()]),
    rules=st.sampled_from(
        [RULES, STRICT, ONE_TIME, foreign_rules(5.0), foreign_rules(0.0)]
    ),
)
def test_the_checker_finds_an_order_if_and_only_if_there_is_one(
    history: list[Event], initial: State, rules: Rules
) -> None:
    found = isinstance(check(history, initial, partial(step, rules=rules)), Explained)
    assert found == explained_by_some_order(history, initial, rules)


def test_a_cut_request_may_have_come_before_a_read_that_says_nothing_of_it() -> None:
    # The check is right before and after, but after the check it is too late for the cut.
    cut = event(Refresh("r0"), Unknown(), 0, 1)
    checked = event(Check("a0"), Done(), 2)
    late = event(Refresh("r0"), Refused(), 9)
    assert is_fine(cut, checked, late)
    assert not is_fine(checked, late)


@st.composite
def careful_histories(draw: st.DrawFn) -> list[Event]:
    """What clients see of a server that does one thing after the other."""
    time, alive, head, number = 0.0, True, "r0", 0
    used: dict[str, float] = {}
    learned = ["r0"]
    history: list[Event] = []
    for _ in range(draw(st.integers(1, 25))):
        time += draw(st.floats(0.001, 1.5))
        begin = max(0.0, time - draw(st.floats(0, 2)))
        end = time + draw(st.floats(0, 2))
        token = learned[draw(st.integers(0, len(learned) - 1))]
        outcome: Outcome
        operation: Operation
        match draw(st.sampled_from(["refresh"] * 6 + ["check"] * 3 + ["revoke"])):
            case "check":
                operation, outcome = Check("a0"), Done() if alive else Refused()
            case "revoke":
                operation, outcome, alive = Revoke(token), Done(), False
            case _:
                operation, outcome = Refresh(token), Refused()
                if alive and token == head:
                    number += 1
                    used[head], head = time, f"r{number}"
                    outcome = gave(head)
                elif alive and time - used[token] <= RULES.grace:
                    outcome = gave(head)
                else:
                    alive = False
        if draw(st.integers(0, 9)) == 0:
            outcome, end = Unknown(), NEVER
        if isinstance(outcome, Given):
            learned.append(outcome.refresh)
        history.append(Event(operation, outcome, begin, end))
    return history


@settings(max_examples=300, deadline=None)
@given(careful_histories())
def test_a_careful_server_is_never_accused(history: list[Event]) -> None:
    assert is_fine(*history)


@settings(max_examples=100, deadline=None)
@given(careful_histories(), st.data())
def test_an_acceptance_after_an_answered_revocation_is_never_missed(
    history: list[Event], data: st.DataObject
) -> None:
    after = max(one.start if one.end == NEVER else one.end for one in history) + 1
    revoked = event(Revoke("r0"), Done(), after)
    late = data.draw(
        st.sampled_from(
            [
                event(Check("a0"), Done(), after + 1),
                event(Refresh("r0"), gave("r99"), after + 1),
            ]
        )
    )
    assert not is_fine(*history, revoked, late)


def test_racers_with_one_token_converge() -> None:
    racers = [event(Refresh("r0"), gave("r1"), 0.1 * n) for n in range(5)]
    assert is_fine(*racers)
    late = event(Refresh("r0"), gave("r2"), 3.0)
    assert is_fine(*racers, event(Refresh("r1"), gave("r2"), 2.0), late)
    assert not is_fine(*racers, late)


@pytest.mark.parametrize(
    ("history", "anomaly"),
    [
        (
            [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), gave("r2"), 0)],
            Anomaly.FORK,
        ),
        (
            [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), Refused(), 1)],
            Anomaly.LOST_GRANT,
        ),
        ([event(Refresh("r0"), Refused(), 0)], Anomaly.LOST_GRANT),
        ([event(Check("a0"), Refused(), 0)], Anomaly.LOST_GRANT),
        (
            [event(Revoke("r0"), Done(), 0), event(Check("a0"), Done(), 1)],
            Anomaly.STALE_ACCEPT,
        ),
        (
            [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), gave("r1"), 9)],
            Anomaly.REPLAY_ACCEPTED,
        ),
        ([event(Refresh("r9"), gave("r1"), 0)], Anomaly.INVENTION),
        ([event(Redeem(), gave("r1"), 0)], Anomaly.DOUBLE_REDEMPTION),
    ],
)
def test_what_is_wrong_has_a_name(history: list[Event], anomaly: Anomaly) -> None:
    assert judged(*history) is anomaly


def test_where_no_grace_is_promised_one_of_two_wins_and_the_grant_lives() -> None:
    race = [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), Refused(), 0)]
    assert is_fine(*race, event(Refresh("r1"), gave("r2"), 2), rules=STRICT)
    lost = event(Refresh("r1"), Refused(), 2)
    assert judged(*race, lost, rules=STRICT) is Anomaly.LOST_GRANT
    second = event(Refresh("r0"), gave("r2"), 0)
    assert judged(race[0], second, rules=STRICT) is Anomaly.FORK
    again = event(Refresh("r0"), gave("r1"), 0)
    assert judged(race[0], again, rules=STRICT) is Anomaly.REPLAY_ACCEPTED


def test_strict_one_time_use_ends_the_grant_of_two_who_overlapped() -> None:
    rules = ONE_TIME
    race = [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), Refused(), 0)]
    assert is_fine(*race, event(Refresh("r1"), Refused(), 2), rules=rules)
    goes_on = event(Refresh("r1"), gave("r2"), 2)
    assert judged(*race, goes_on, rules=rules) is Anomaly.STALE_ACCEPT
    both = event(Refresh("r0"), gave("r2"), 0)
    assert judged(race[0], both, rules=rules) is Anomaly.FORK


def test_a_foreign_server_without_grace_may_answer_overlapping_uses_alike() -> None:
    rules = foreign_rules(0.0)
    first = event(Refresh("r0"), gave("r1"), 0)
    again = event(Refresh("r0"), gave("r1"), 0.2)
    assert is_fine(first, again, event(Refresh("r1"), gave("r2"), 2), rules=rules)
    other = event(Refresh("r0"), gave("r2"), 0.2)
    assert judged(first, other, rules=rules) is Anomaly.FORK
    later = event(Refresh("r0"), gave("r1"), 1)
    assert first.end < later.start
    assert judged(first, later, rules=rules) is Anomaly.REPLAY_ACCEPTED


def test_where_no_grace_is_promised_a_replay_may_end_the_grant_or_has_to() -> None:
    first, replay = race = (
        event(Refresh("r0"), gave("r1"), 0),
        event(Refresh("r0"), Refused(), 1),
    )
    assert first.end < replay.start
    assert is_fine(*race, event(Refresh("r1"), Refused(), 2), rules=STRICT)
    goes_on = event(Refresh("r1"), gave("r2"), 2)
    assert judged(*race, goes_on, rules=STRICT) is Anomaly.STALE_ACCEPT
    assert is_fine(*race, goes_on, rules=foreign_rules(0.0))


def test_a_replay_after_the_window_ends_the_grant() -> None:
    race = [event(Refresh("r0"), gave("r1"), 0), event(Refresh("r0"), Refused(), 9)]
    assert is_fine(*race, event(Refresh("r1"), Refused(), 10))
    assert judged(*race, event(Refresh("r1"), gave("r2"), 10)) is Anomaly.STALE_ACCEPT


def test_around_the_end_of_a_window_both_answers_are_right() -> None:
    first = event(Refresh("r0"), gave("r1"), 0)
    for outcome in (gave("r1"), Refused()):
        assert is_fine(first, event(Refresh("r0"), outcome, 5.2))


def test_what_was_never_answered_may_have_happened_or_not() -> None:
    lost = event(Refresh("r0"), Unknown(), 0)
    assert is_fine(lost, event(Refresh("r0"), gave("r1"), 1))
    assert is_fine(lost, event(Refresh("r0"), gave("r1"), 9), rules=RULES)
    assert is_fine(lost, event(Refresh("r0"), Refused(), 9))
    assert is_fine(event(Revoke("r0"), Unknown(), 0), event(Check("a0"), Done(), 1))
    revoked = event(Revoke("r0"), Unknown(), 0)
    assert is_fine(revoked, event(Check("a0"), Refused(), 1))
    assert not is_fine(
        revoked, event(Check("a0"), Refused(), 1), event(Check("a0"), Done(), 2)
    )


def test_a_head_that_nobody_saw_is_seen_by_who_retries() -> None:
    lost = event(Refresh("r0"), Unknown(), 0)
    [state] = step(START, lost, RULES)
    assert state.head == HIDDEN
    retry = event(Refresh("r0"), gave("r1"), 1)
    assert any(led.head == "r1" for led in step(state, retry, RULES))
    other = event(Refresh("r0"), gave("r2"), 1)
    assert not is_fine(lost, retry, other)


def test_a_code_is_redeemed_once() -> None:
    first = event(Redeem(), gave("r1"), 0)
    replay = event(Redeem(), Refused(), 0)
    initial = State()
    assert is_fine(first, replay, event(Check("a1"), Refused(), 2), initial=initial)
    again = event(Redeem(), gave("r2"), 0)
    assert judged(first, again, initial=initial) is Anomaly.DOUBLE_REDEMPTION
    assert is_fine(event(Redeem(), Unknown(), 0), replay, initial=initial)
    assert judged(replay, initial=initial) is Anomaly.LOST_GRANT


def test_revoking_a_superseded_token_may_do_nothing_at_other_servers() -> None:
    history = [
        event(Refresh("r0"), gave("r1"), 0),
        event(Revoke("r0"), Done(), 1),
        event(Refresh("r1"), gave("r2"), 2),
    ]
    assert judged(*history) is Anomaly.STALE_ACCEPT
    assert is_fine(*history, rules=foreign_rules(5.0))
    assert is_fine(event(Revoke("r0"), Refused(), 0), event(Check("a0"), Done(), 1))


def test_a_search_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checker, "MAX_LOOKS", 3)
    racers = [event(Refresh("r0"), gave(f"r{n}"), 0) for n in range(1, 6)]
    history = [*racers, event(Check("a0"), Refused(), 0)]
    verdict = check(history, START, partial(step, rules=foreign_rules(5.0)))
    assert isinstance(verdict, Undecided)


def test_an_offence_is_shown_with_numbers_for_tokens() -> None:
    play = Play(
        client=Credentials(client_id="x"),
        events=[
            event(Refresh("secret"), gave("r1"), 2),
            event(Refresh("secret"), gave("r2"), 2),
            event(Check("a0"), Unknown(), 1),
        ],
    )
    report = HistoryReport()
    report.add(begun("secret", "a0"), play, RULES)
    longer = replace(play, events=[*play.events, event(Check("a0"), Done(), 2)])
    report.add(begun("secret", "a0"), longer, RULES)
    assert report.anomalies == {Anomaly.FORK: 2}
    [offence] = report.offences.values()
    assert len(offence.history) == 3
    shown = [(one.what, one.outcome) for one in offence.history]
    assert shown[0] == ("check #1", "unknown")
    assert {one for pair in shown[1:] for one in pair} == {
        "refresh #2",
        "given #3",
        "given #4",
    }
    assert "secret" not in repr(report)
    assert report.overlapping == 3
    assert report.unanswered == 2
