"""The part of a user's actor that issues tokens with the application's callback.

Each is a step: begin turn, await the callback, finish turn.
"""

from actor_oauth.actors.user import callbacks
from actor_oauth.actors.user.callbacks import CallbackStep, Pending
from actor_oauth.actors.user.exchange import (
    Redeemed,
    Refreshed,
    RefreshOutcome,
    load_named,
)
from actor_oauth.actors.user.grants import load_grant
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.device import decide_device_redemption
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh import RefreshRequest
from actor_oauth.runtime import turn


class CallbackTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn
    def redeem_step(
        self,
        request: CodeRequest,
        step: CallbackStep,
        *,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused | Pending:
        """Take a step of redeeming a code with a callback."""
        return callbacks.redeem_step(
            self.db,
            request,
            step,
            grant=load_named(self.db, request.code),
            policy=policy,
            fresh=fresh,
            now=now,
        )

    @turn
    def redeem_device_step(
        self,
        request: CodeRequest,
        grant_number: int,
        step: CallbackStep,
        *,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused | Pending:
        """Take a step of redeeming a device code with a callback."""
        return callbacks.redeem_step(
            self.db,
            request,
            step,
            grant=load_grant(self.db, self.address.key, grant_number),
            decide=decide_device_redemption,
            policy=policy,
            fresh=fresh,
            now=now,
        )

    @turn
    def refresh_step(
        self,
        request: RefreshRequest,
        step: CallbackStep,
        *,
        keyring: Keyring,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Refreshed | Refused | Pending:
        """Take a step of refreshing with a callback."""
        outcome = callbacks.refresh_step(
            self.db,
            request,
            step,
            keyring=keyring,
            policy=policy,
            fresh=fresh,
            now=now,
        )
        if not isinstance(outcome, RefreshOutcome):
            return outcome
        return self._refreshed(outcome, now)

    @turn
    def release_claim(self, grant_number: int, *, claim: bytes) -> None:
        """Give back the claim of an attempt whose callback failed."""
        callbacks.release(self.db, grant_number, claim)
