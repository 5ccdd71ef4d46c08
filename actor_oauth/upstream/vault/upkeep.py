"""The vault's background work: renewing and revoking tokens, resealing secrets.

Every process of a deployment runs this. Claims and leases in the list's actor keep two
from doing the same work.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import structlog
import trio

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.renewals import (
    ENDINGS,
    RENEWALS,
    REVOCATIONS,
    Renewal,
    RenewalsActor,
)
from actor_oauth.actors.upstream_client import UPSTREAM_CLIENTS, UpstreamClientActor
from actor_oauth.actors.vault import VaultActor
from actor_oauth.actors.vault.sealing import is_sealed_with
from actor_oauth.actors.vault.turns import VAULTS
from actor_oauth.runtime import ActorError
from actor_oauth.upstream.vault.endings import Endings
from actor_oauth.upstream.vault.refreshes import LEASE, PATIENCE, Refreshes
from actor_oauth.upstream.vault.revocations import Revocations

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY: Final = 15.0
"""Seconds between looks."""

AT_ONCE: Final = 16
"""Work items that a process takes at a time."""

TAKEN_FOR: Final = LEASE + int(PATIENCE) + 10
"""Seconds until another process may take over work."""

SEALING_SECONDS: Final = 600

_Work: TypeAlias = Callable[[VaultActor, int], Awaitable[None]]


class Upkeep:
    """Maintains all vaults.

    Args:
        effects: Actors, keys, time and randomness.
        revocations: Makes the revocations.
        refreshes: Makes the renewals; None to leave that to others.
        endings: Reports ends; None to leave that to other processes.
    """

    def __init__(
        self,
        effects: Effects,
        revocations: Revocations,
        refreshes: Refreshes | None = None,
        endings: Endings | None = None,
    ) -> None:
        self._effects = effects
        self._revocations = revocations
        self._refreshes = refreshes
        self._endings = endings
        self._list = effects.system.get(RenewalsActor, RENEWALS)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await trio.sleep(EVERY)
            try:
                await self.revoke_owed()
                await self.renew_due()
                await self.tell_ended()
                await self.seal_anew()
            except Exception:
                # The root of a task: the next look finds the same.
                log.exception("upkeep of the vault failed")

    async def renew_due(self) -> int:
        """Renew what is on the list; gives how many there were."""
        refreshes = self._refreshes
        if refreshes is None:
            return 0

        async def renew(vault: VaultActor, number: int) -> None:
            await refreshes.refreshed(vault, number)

        return await self._work_off(self._list, renew)

    async def revoke_owed(self) -> int:
        """Revoke what is on the list; gives how many there were."""
        listed = self._effects.system.get(RenewalsActor, REVOCATIONS)
        return await self._work_off(listed, self._revocations.make)

    async def tell_ended(self) -> int:
        """Report the connections on the list; returns how many there were."""
        if self._endings is None:
            return 0
        listed = self._effects.system.get(RenewalsActor, ENDINGS)
        return await self._work_off(listed, self._endings.tell)

    async def seal_anew(self) -> int:
        """Seal everything with the current key, if that has not been done yet.

        Returns:
            How many secrets an older key had sealed.
        """
        effects = self._effects
        kid = effects.keyring.current
        if await is_sealed_with(effects.system, [kid]):
            return 0
        begun = await self._list.begin_sealing(
            kid, lease=SEALING_SECONDS, now=effects.now()
        )
        if not begun:
            return 0
        changed = 0
        for vault in await self._listed(VAULTS):
            actor = effects.system.get(VaultActor, vault)
            changed += await actor.seal_anew(
                keyring=effects.keyring, fresh=effects.fresh()
            )
        for client in await self._listed(UPSTREAM_CLIENTS):
            registration = effects.system.get(UpstreamClientActor, client)
            changed += await registration.seal_anew(
                keyring=effects.keyring, fresh=effects.fresh()
            )
        await self._list.finish_sealing(kid)
        log.info("vault sealed with the current key", kid=kid, secrets=changed)
        return changed

    async def _work_off(self, listed: RenewalsActor, work: _Work) -> int:
        """Do what is on a list; gives how much there was."""

        async def do(renewal: Renewal) -> None:
            vault = self._effects.system.get(VaultActor, renewal.vault)
            try:
                await work(vault, renewal.number)
            except ActorError as error:
                # One vault that cannot answer keeps no other one waiting: it comes back
                # when its lease ends.
                fault = type(error).__name__
                log.warning(
                    "vault upkeep failed for one vault",
                    vault=renewal.vault,
                    fault=fault,
                )
                return
            await listed.done(renewal)

        count = 0
        while await listed.is_waiting(now=self._effects.now()):
            taken = await listed.take(
                limit=AT_ONCE, lease=TAKEN_FOR, now=self._effects.now()
            )
            async with trio.open_nursery() as nursery:
                for renewal in taken:
                    nursery.start_soon(do, renewal)
            count += len(taken)
        return count

    async def _listed(self, name: str) -> list[str]:
        directory = self._effects.system.get(DirectoryActor, name)
        keys: list[str] = []
        cursor: str | None = None
        while True:
            page = await directory.page(cursor=cursor, limit=1000)
            keys += [entry.entry_id for entry in page.entries]
            cursor = page.next_cursor
            if cursor is None:
                return keys
