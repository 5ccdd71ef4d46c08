import signal

import pytest
import trio
import trio.testing

from actor_oauth.cli.stop_signals import STOP_SIGNALS, open_stop_signals


@pytest.mark.requirement("G10")
@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_the_first_signal_asks_to_stop(number: signal.Signals) -> None:
    async with open_stop_signals(60) as stopping:
        signal.raise_signal(number)
        with trio.fail_after(60):
            await stopping.wait()


async def never_stopping(ended: list[bool]) -> None:
    try:
        await trio.sleep_forever()
    finally:
        ended.append(True)


async def test_a_second_signal_ends_what_does_not_stop() -> None:
    ended: list[bool] = []
    async with open_stop_signals(60) as stopping, trio.open_nursery() as nursery:
        signal.raise_signal(signal.SIGTERM)
        await stopping.wait()
        nursery.start_soon(never_stopping, ended)
        signal.raise_signal(signal.SIGINT)
    assert ended == [True]


@pytest.mark.requirement("G10")
async def test_a_first_signal_after_the_stop_drops_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A worker whose parent was sent the same signal and was faster."""
    async with open_stop_signals(60) as stopping:
        stopping.set()
        signal.raise_signal(signal.SIGTERM)
        await trio.sleep(1)
        finished = True
    assert finished


@pytest.mark.requirement("G10")
async def test_what_neither_stops_nor_can_be_cancelled_is_left_in_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    left: list[int] = []
    gone = trio.Event()

    def leave(status: int) -> None:
        left.append(status)
        gone.set()

    start = trio.current_time()
    async with open_stop_signals(7, leave=leave) as stopping:
        signal.raise_signal(signal.SIGTERM)
        await stopping.wait()
        signal.raise_signal(signal.SIGTERM)
        with trio.CancelScope(shield=True):
            await gone.wait()
    assert left == [1]
    assert trio.current_time() - start == pytest.approx(7, abs=0.1)


async def test_signals_mean_afterwards_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    async with open_stop_signals(60):
        pass
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before
