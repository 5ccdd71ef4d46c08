"""Which secrets of the keyring the vaults still need (K-08)."""

from collections.abc import Collection

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.renewals import RENEWALS, RenewalsActor
from actor_oauth.actors.upstream_client import UPSTREAM_CLIENTS
from actor_oauth.actors.vault.turns import VAULTS
from actor_oauth.runtime import ActorSystem


async def is_sealed_with(system: ActorSystem, kids: Collection[str]) -> bool:
    """Tell whether these secrets open everything that vaults hold.

    Args:
        system: The actors.
        kids: Of secrets: those that would be left.
    """
    renewals = system.get(RenewalsActor, RENEWALS)
    if await renewals.sealed_with() in kids:
        return True
    listed = (system.get(DirectoryActor, key) for key in (VAULTS, UPSTREAM_CLIENTS))
    return not any([await directory.count() for directory in listed])
