"""The same trouble is told once a second, and counted."""

from trio.testing import MockClock

from actor_oauth.runtime import repeats
from actor_oauth.runtime.repeats import Repeats


async def test_what_is_alike_is_told_once_a_second_and_counted(
    mock_clock: MockClock,
) -> None:
    trouble = Repeats()
    assert [trouble.more("full") for _ in range(1000)] == [{}, *999 * [None]]
    assert trouble.more("late") == {}
    mock_clock.jump(repeats.REPEAT_SECONDS)
    assert trouble.more("full") == {"more_like_it": 999}
    assert trouble.more("full") is None
    mock_clock.jump(repeats.REPEAT_SECONDS)
    assert trouble.more("full") == {"more_like_it": 1}
    assert trouble.more("late") == {}


async def test_ever_new_kinds_are_told_and_not_all_remembered() -> None:
    trouble = Repeats()
    for kind in range(1000):
        assert trouble.more(str(kind)) == {}
        assert trouble.more(str(kind)) is None
    assert len(trouble._known) <= 256
