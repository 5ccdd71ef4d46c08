"""Token buckets: what they allow, what they remember, and for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.actors.throttle import Rate, TokenBuckets

NOW = 1_700_000_000


@pytest.mark.requirement("E-09")
def test_a_burst_is_allowed_and_then_one_for_each_interval() -> None:
    buckets = TokenBuckets(Rate(burst=3, interval=10.0))

    assert [buckets.take("a", now=NOW) for _ in range(4)] == [0, 0, 0, 10]
    assert buckets.take("a", now=NOW + 9) == 1
    assert buckets.take("a", now=NOW + 10) == 0
    assert buckets.take("a", now=NOW + 10) == 10


@pytest.mark.requirement("E-09")
@pytest.mark.parametrize("workers", [1, 2, 3, 16])
def test_several_workers_allow_together_what_one_would(workers: int) -> None:
    rate = Rate(burst=20, interval=3.0)
    each = [TokenBuckets(rate.among(workers)) for _ in range(workers)]

    def tries(seconds: int) -> int:
        return sum(
            worker.take("a", now=NOW + second) == 0
            for second in range(seconds)
            for worker in each
            for _ in range(6)
        )

    # An hour of guessing, at all of them: no more than at one, but for the beginning.
    extra = max(0, workers * 5 - 20) + workers
    assert tries(3600) <= 20 + 3600 // 3 + extra
    assert rate.among(1) == rate
    # A person who mistypes comes to one of them.
    assert rate.among(workers).burst >= 5


def test_keys_do_not_share_a_bucket() -> None:
    buckets = TokenBuckets(Rate(burst=1, interval=60.0))

    assert buckets.take("a", now=NOW) == 0
    assert buckets.take("b", now=NOW) == 0
    assert buckets.take("a", now=NOW) == 60


def test_a_refused_attempt_does_not_make_the_wait_longer() -> None:
    buckets = TokenBuckets(Rate(burst=1, interval=60.0))
    buckets.take("a", now=NOW)

    for _ in range(100):
        buckets.take("a", now=NOW + 30)

    assert buckets.take("a", now=NOW + 60) == 0


def test_memory_is_bounded_however_many_addresses_an_attacker_has() -> None:
    buckets = TokenBuckets(Rate(burst=1, interval=60.0), capacity=10)

    for number in range(1000):
        buckets.take(f"address {number}", now=NOW)

    assert len(buckets) == 10


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_an_empty_bucket() -> (
    None
):
    buckets = TokenBuckets(Rate(burst=2, interval=10.0))
    buckets.take("a", now=NOW)
    buckets.take("a", now=NOW)

    assert buckets.wait("a", now=NOW - 86400) <= 10


@given(
    burst=st.integers(1, 20),
    interval=st.floats(0.1, 100.0),
    gaps=st.lists(st.integers(0, 50), max_size=60),
)
def test_no_more_than_burst_plus_refill_is_ever_taken(
    burst: int, interval: float, gaps: list[int]
) -> None:
    buckets = TokenBuckets(Rate(burst=burst, interval=interval))
    now, taken = NOW, 0

    for gap in gaps:
        now += gap
        taken += buckets.take("a", now=now) == 0

    assert taken <= burst + (now - NOW) / interval + 1e-6
