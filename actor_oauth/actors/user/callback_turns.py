"""The part of a user's actor that issues tokens with the application's callback.

Each is a step: begin turn, await the callback, finish turn.
"""

from actor_oauth.actors.user import callbacks
from actor_oauth.actors.user.callbacks import CallbackStep, Pending
from actor_oauth.actors.user.exchange import Redeemed, load_named
from actor_oauth.actors.user.grants import end_named_grant, load_grant
from actor_oauth.actors.user.refreshing import Refreshed, RefreshOutcome
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.device import decide_device_redemption
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.grants import GrantEvent, grant_id
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest
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
            grant_type=DEVICE_CODE,
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
        return self._refreshed(outcome)

    @turn
    def release_claim(
        self, grant_number: int, *, claim: bytes, ended: bool, now: int
    ) -> None:
        """Release the claim of an attempt whose callback gave no tokens.

        Args:
            grant_number: Whose claim it is.
            claim: Without effect if it lapsed, and another attempt took over.
            ended: Whether the application said that the grant has ended (D-32).
            now: The time of the turn.
        """
        if callbacks.release(self.db, grant_number, claim) and ended:
            name, event = grant_id(grant_number), GrantEvent.ENDED_BY_APPLICATION
            end_named_grant(self.db, self.address.key, name, event, now=now)
