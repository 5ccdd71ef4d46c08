"""What serialises over processes: the claim in the actor, and nothing else (M-16, M-19).

In one process all callers share a flight, so that a claim that does nothing is not
noticed there. Here are two vaults that share their actors and nothing more, as two
workers do; the other server keeps the first one waiting until the second one has found
the claim, or has gone past it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog
import trio

from actor_oauth.upstream.vault import Authorization, LoginRedirect, Vault, open_vault
from tests.support.standin import Answer, Asked, Said
from tests.upstream.vault.world import BROWSER, POLICY, USER, World

PATIENCE = 60
EACH = 16


@pytest.fixture
def noticed() -> Iterator[trio.Event]:
    """Set when the log says that somebody has found the claim of another worker."""
    event = trio.Event()

    def note(
        _logger: object, _method: str, members: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if str(members["event"]).endswith("under way elsewhere"):
            event.set()
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    # In place: loggers that are in use keep the list that they began with.
    kept = [*before]
    before[:] = [note]
    yield event
    before[:] = kept


@asynccontextmanager
async def another_vault(world: World) -> AsyncIterator[Vault]:
    """A worker of its own on the same actors."""
    async with open_vault(
        effects=world.effects, policy=POLICY, fetcher=world.fetcher
    ) as vault:
        yield vault


class Gate:
    """Holds whoever comes to the other server until `open`, or until two have come."""

    def __init__(self, page: Callable[[Asked], Answer | Awaitable[Answer]]) -> None:
        self.came = 0
        self.arrived = trio.Event()
        self.opened = trio.Event()
        self._page = page

    async def __call__(self, asked: Asked) -> Answer:
        self.came += 1
        self.arrived.set()
        if self.came > 1:
            self.opened.set()
        answer = self._page(asked)
        await self.opened.wait()
        assert isinstance(answer, Said)
        return answer


async def race(
    gate: Gate,
    noticed: trio.Event,
    first: Callable[[], Awaitable[None]],
    second: Callable[[], Awaitable[None]],
) -> None:
    """Have the callers of two workers meet at the gate."""

    async def open_when_noticed() -> None:
        await noticed.wait()
        gate.opened.set()

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as outer:
            outer.start_soon(open_when_noticed)
            async with trio.open_nursery() as nursery:
                for _ in range(EACH):
                    nursery.start_soon(first)
                await gate.arrived.wait()
                for _ in range(EACH):
                    nursery.start_soon(second)
            outer.cancel_scope.cancel()


@pytest.mark.requirement("I-27", "I-28", "M-16")
async def test_two_workers_refresh_once(world: World, noticed: trio.Event) -> None:
    await world.connect()
    world.clock.advance(3500)
    gate = Gate(world.upstream.token)
    world.upstream.answers = [gate, gate]
    answers: list[object] = []

    async with another_vault(world) as other:

        async def ask(vault: Vault) -> None:
            found = await vault.get_authorization(USER, world.upstream.url)
            assert isinstance(found, Authorization), found
            answers.append(found.header)

        await race(
            gate,
            noticed,
            lambda: ask(world.vault),
            lambda: ask(other),
        )

    assert world.upstream.refreshes == 1
    assert not world.upstream.replayed
    assert answers == ["Bearer access4"] * 2 * EACH


@pytest.mark.requirement("I-14", "M-19")
async def test_first_users_of_two_workers_register_once(
    world: World, noticed: trio.Event
) -> None:
    register = world.upstream.server.pages["/register"]
    assert callable(register)
    gate = Gate(register)
    world.upstream.server.pages["/register"] = gate

    async with another_vault(world) as other:
        locations: list[str] = []

        async def begin(vault: Vault) -> None:
            user = f"user {len(locations)}"
            begun = await vault.begin_login(user, world.upstream.url, browser=BROWSER)
            assert isinstance(begun, LoginRedirect), begun
            locations.append(begun.url)

        await race(
            gate,
            noticed,
            lambda: begin(world.vault),
            lambda: begin(other),
        )

    assert gate.came == 1
    assert {"client_id=client1&" in location for location in locations} == {True}
