"""The part of a user's actor that redeems device codes."""

from actor_oauth.actors.proofs import unless_used
from actor_oauth.actors.user.authorization import Circumstances, authorize_device
from actor_oauth.actors.user.browsers import binding_of, recognised
from actor_oauth.actors.user.exchange import Redeemed, settle_redemption
from actor_oauth.actors.user.grants import load_grant
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.device import DeviceAuthorization, decide_device_redemption
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.runtime import turn


class DeviceTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn(creates=True)
    def authorize_device(
        self,
        device: DeviceAuthorization,
        approval: Approval,
        *,
        user_id: str,
        browser: str,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> str | Refused:
        """Begin a grant that a device code redeems, if the browser's session lives.

        Args:
            device: What is asked for.
            approval: What the user agreed to.
            user_id: The user's name; the user may be new here.
            browser: Where the user agreed, see `binding_of`.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.

        Returns:
            The grant's name. It is nothing before the device's own actor took the answer.
        """
        key = self.address.key
        binding = binding_of(self.db, key, browser, now=now)
        if binding is None:
            return Refused(Reason.SESSION_ENDED)
        self._see_account(user_id, now=now)
        circumstances = Circumstances(key, policy, fresh, now)
        approval = recognised(self.db, approval, binding, now=now)
        begun = authorize_device(self.db, device, approval, circumstances)
        if not isinstance(begun, Refused):
            self._sweep_soon(now)
        return begun

    @turn
    def redeem_device(
        self,
        request: CodeRequest,
        grant_number: int,
        *,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused:
        """Redeem a device code for an authenticated client (D-53)."""
        grant = load_grant(self.db, self.address.key, grant_number)
        decision = decide_device_redemption(
            request, grant, policy=policy, fresh=fresh, now=now
        )
        decision = unless_used(self.db, request.proof, decision)
        return settle_redemption(self.db, grant, decision, now=now)
