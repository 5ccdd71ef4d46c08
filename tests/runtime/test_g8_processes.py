"""G8 and G9 over real processes: what a dead one had in its care, a living one does."""

from pathlib import Path

import pytest
import trio

from tests.support.processes import ActorProcess, actor_process

pytestmark = pytest.mark.requirement("G8", "G9")


async def notes(process: ActorProcess, key: str) -> list[object]:
    """A counter's notes, once there are any."""
    with trio.fail_after(60):
        while True:
            found = await process.ask("notes", key)
            assert isinstance(found, list)
            if found:
                return found


async def tell(process: ActorProcess, key: str, text: str, answered: list[str]) -> None:
    """Have a counter tell the receiver something, and note that this was answered."""
    await process.ask("tell", key, to="receiver", text=text)
    answered.append(text)


async def test_g8_a_living_process_takes_over_the_alarms_of_a_killed_one(
    data: Path,
) -> None:
    async with actor_process(data, poll_seconds=0.05) as process:
        await process.ask("wake", "a", at=2**40)
        async with actor_process(data, poll_seconds=0.05) as killed:
            await killed.ask("wake", "b", at=2**40)
            await killed.ask("tell", "b", to="c", text="told")
            await killed.ask("wake", "d", at=1)
            killed.kill()
        assert await notes(process, "c") == ["told"]
        assert len(await notes(process, "d")) == 1
        assert await process.ask("notes", "a") == []


async def test_g9_a_killed_process_delivers_nothing_twice_and_loses_nothing(
    data: Path,
) -> None:
    """The receiver notes every text once: a second delivery would fail, and repeat."""
    answered: list[str] = []
    for kills in range(1, 4):
        async with actor_process(data, poll_seconds=0.05) as process:
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    for number in range(100):
                        nursery.start_soon(
                            tell,
                            process,
                            f"n{number % 4}",
                            f"{kills} {number}",
                            answered,
                        )
                    while len(answered) < 25 * kills:
                        await process.hear()
                    process.kill()
                    scope.cancel()
    async with actor_process(data, poll_seconds=0.05) as process:
        for number in range(4):
            await process.ask("delivered", f"n{number}")
        received = await notes(process, "receiver")
        assert set(answered) <= set(received)
        assert len(received) == len(set(received))
