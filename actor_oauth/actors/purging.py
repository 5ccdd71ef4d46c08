"""Visiting actors, some at a time, to have them erase expired data.

Every actor does so by its own alarm. This is for operators who want it done now, as
before a backup, and for the proof that nothing is left.
"""

from dataclasses import dataclass
from typing import Final

from actor_oauth.actors.accounts import Accounts
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.directory import CLIENTS, USERS, DirectoryActor
from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.device import SHARDS, shard_name

_DEVICES: Final = "devices"
_PHASES: Final = (USERS, CLIENTS, _DEVICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeStep:
    """Some actors were visited.

    Attributes:
        visited: How many.
        next_cursor: Where to continue; None when all were visited.
    """

    visited: int
    next_cursor: str | None


async def purge_some(
    effects: Effects,
    *,
    accounts: Accounts,
    clients: Clients,
    cursor: str | None,
    limit: int,
) -> PurgeStep:
    """Have some actors erase expired data. See `purge_expired_data`."""
    phase, _, rest = (cursor or _PHASES[0]).partition(":")
    if phase == _DEVICES:
        return await _purge_devices(effects)
    if phase not in _PHASES:
        phase, rest = _PHASES[0], ""
    directory = effects.system.get(DirectoryActor, phase)
    page = await directory.page(cursor=rest or None, limit=limit)
    for entry in page.entries:
        if phase == USERS:
            await accounts.actor(entry.entry_id).purge(now=effects.now())
        else:
            await clients.actor(entry.entry_id).purge(now=effects.now())
    if page.next_cursor is not None:
        following = f"{phase}:{page.next_cursor}"
    else:
        following = _PHASES[_PHASES.index(phase) + 1]
    return PurgeStep(visited=len(page.entries), next_cursor=following)


async def _purge_devices(effects: Effects) -> PurgeStep:
    for number in range(SHARDS):
        shard = effects.system.get(DeviceActor, shard_name(number))
        await shard.purge(now=effects.now())
    return PurgeStep(visited=SHARDS, next_cursor=None)
