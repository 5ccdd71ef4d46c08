"""The same trouble is told once a second, and counted."""

from trio.testing import MockClock

from actor_oauth.runtime import repeats
from actor_oauth.runtime.repeats import Repeats


async def test_what_is_alike_is_told_once_a_second_and_counted(
    mock_clock: MockClock,
) -> None:
    trouble = Repeats()
    assert [trouble.more("full") for _ in range(1000)] == [0, *999 * [None]]
    assert trouble.more("late") == 0
    mock_clock.jump(repeats.REPEAT_SECONDS)
    assert trouble.more("full") == 999
    assert trouble.more("full") is None
    mock_clock.jump(repeats.REPEAT_SECONDS)
    assert trouble.more("full") == 1
    assert trouble.more("late") == 0


async def test_ever_new_kinds_are_told_and_not_all_remembered() -> None:
    trouble = Repeats()
    for kind in range(1000):
        assert trouble.more(str(kind)) == 0
        assert trouble.more(str(kind)) is None
    assert len(trouble._known) <= 256
