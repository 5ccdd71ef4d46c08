"""Storing a service's tokens in the vault of the user who signed in with it."""

from dataclasses import replace

import structlog

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.upstream.federation.sign_ins import FinishedSignIn

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def keep_in_vault(
    effects: Effects, finished: FinishedSignIn, user_id: str
) -> None:
    """Keep the tokens of a sign-in, if the service's are kept.

    A vault that is full keeps nobody from signing in.

    Args:
        effects: Of the server.
        finished: Who has come back, and with what.
        user_id: Who that is here.
    """
    provider = finished.provider
    if provider.tokens_for is None:
        return
    attempt = replace(
        finished.attempt, resource=provider.tokens_for, name=provider.label
    )
    vault = effects.system.get(VaultActor, effects.user_key(user_id))
    kept = await vault.adopt(
        attempt,
        finished.tokens,
        user_id=user_id,
        keyring=effects.keyring,
        fresh=effects.fresh(),
        now=effects.now(),
    )
    if isinstance(kept, UpstreamFailed):
        log.warning(
            "upstream tokens not stored in the vault",
            provider=provider.name,
            fault=str(kept.fault),
        )
