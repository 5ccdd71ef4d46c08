"""Token requests with callbacks to the application, and tokens of other servers."""

from actor_oauth.actors.callbacks import CallbackRunner, ExternalToken
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import Redeemed, Refreshed, UserActor
from actor_oauth.actors.user.callbacks import CallbackStep, Pending
from actor_oauth.oauth.grants import parse_record
from actor_oauth.oauth.json_values import render_attached
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest
from actor_oauth.oauth.tokens import AccessTokenInfo


async def redeem_asking(
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

    async def release(claim: bytes, *, ended: bool = False) -> None:
        number, _ = parse_record(request.code)
        await owner.release_claim(number, claim=claim, ended=ended, now=effects.now())

    return await runner.run(request.code, turn, release)


async def redeem_device_asking(
    runner: CallbackRunner,
    effects: Effects,
    owner: UserActor,
    request: CodeRequest,
    grant_number: int,
    *,
    policy: Policy | None = None,
) -> Redeemed | Refused:
    """Redeem a device code, with the callback's changes.

    What begins on an issuer's word is redeemed in the same way, by its own policy.
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

    async def release(claim: bytes, *, ended: bool = False) -> None:
        await owner.release_claim(
            grant_number, claim=claim, ended=ended, now=effects.now()
        )

    return await runner.run(request.code, turn, release)


async def refresh_asking(
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

    async def release(claim: bytes, *, ended: bool = False) -> None:
        number, _ = parse_record(request.token)
        await owner.release_claim(number, claim=claim, ended=ended, now=effects.now())

    return await runner.run(request.token, turn, release)


def resolved(token: ExternalToken | None, *, now: int) -> AccessTokenInfo | None:
    """Give what the application found in a token of another server; None if expired."""
    if token is None or now >= token.expires_at:
        return None
    return AccessTokenInfo(
        grant_id="",
        client_id=token.client_id,
        user_id=token.user_id,
        scope=token.scope,
        resource=token.resource,
        issued_at=now,
        expires_at=token.expires_at,
        props_text=render_attached(token.props),
        principal="external",
    )
