"""Codes and refresh tokens redeemed with the application's callback in between."""

from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.callbacks.token_exchange import Release
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import Redeemed, Refreshed, UserActor
from actor_oauth.actors.user.callbacks import CallbackStep, Pending
from actor_oauth.oauth.grants import parse_record
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest


async def redeem_with_callback(
    runner: CallbackRunner, effects: Effects, owner: UserActor, request: CodeRequest
) -> Redeemed | Refused:
    """Redeem a code, with the callback's changes."""

    async def turn(step: CallbackStep) -> Redeemed | Refused | Pending:
        return await owner.redeem_step(
            request,
            step,
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    number, _ = parse_record(request.code)
    return await runner.run(request.code, turn, _release(effects, owner, number))


async def redeem_device_with_callback(
    runner: CallbackRunner,
    effects: Effects,
    owner: UserActor,
    request: CodeRequest,
    grant_number: int,
    *,
    policy: Policy | None = None,
) -> Redeemed | Refused:
    """Redeem a device code, with the callback's changes.

    A grant that an assertion began is redeemed in the same way, by its own policy.
    """

    async def turn(step: CallbackStep) -> Redeemed | Refused | Pending:
        return await owner.redeem_device_step(
            request,
            grant_number,
            step,
            policy=policy or effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    return await runner.run(request.code, turn, _release(effects, owner, grant_number))


async def refresh_with_callback(
    runner: CallbackRunner, effects: Effects, owner: UserActor, request: RefreshRequest
) -> Refreshed | Refused:
    """Refresh, with the callback's changes."""

    async def turn(step: CallbackStep) -> Refreshed | Refused | Pending:
        return await owner.refresh_step(
            request,
            step,
            keyring=effects.keyring,
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    number, _ = parse_record(request.token)
    return await runner.run(request.token, turn, _release(effects, owner, number))


def _release(effects: Effects, owner: UserActor, grant_number: int) -> Release:
    async def release(claim: bytes, *, ended: bool = False) -> None:
        await owner.release_claim(
            grant_number, claim=claim, ended=ended, now=effects.now()
        )

    return release
