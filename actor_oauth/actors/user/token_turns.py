"""The part of a user's actor that trades tokens for others."""

from actor_oauth.actors.proofs import note_proof, unless_used
from actor_oauth.actors.user import callbacks, exchange, exchanged_tokens
from actor_oauth.actors.user.authorization import Circumstances, authorize_device
from actor_oauth.actors.user.callbacks import CallbackStep, Pending
from actor_oauth.actors.user.exchange import (
    Redeemed,
    Refreshed,
    RefreshOutcome,
    load_named,
    settle_redemption,
)
from actor_oauth.actors.user.grants import load_grant
from actor_oauth.actors.user.housekeeping import link_alarm, sweep, sweep_alarm
from actor_oauth.actors.user.sessions import session_hash
from actor_oauth.actors.user.tokens import find_access_token
from actor_oauth.oauth.device import DeviceAuthorization, decide_device_redemption
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.introspect import decide_access
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh import RefreshRequest
from actor_oauth.oauth.revoke import Revoked
from actor_oauth.oauth.tokens import Token, TokenResponse
from actor_oauth.runtime import Actor, turn


class TokenTurns(Actor, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn
    def exchange_token(
        self,
        request: ExchangeRequest,
        *,
        client_epoch: int | None = None,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> TokenResponse | Refused:
        """Exchange an access token for an authenticated client (D-35 to D-39).

        Args:
            request: What the client sent.
            client_epoch: From enlisting the client, if the token is another client's.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.
        """
        outcome = exchanged_tokens.exchange(
            self.db,
            request,
            client_epoch=client_epoch,
            policy=policy,
            fresh=fresh,
            now=now,
        )
        if isinstance(outcome, TokenResponse):
            self._sweep_soon(now)
        return outcome

    @turn
    def revoke_token(self, token: Token, *, client_id: str, now: int) -> Revoked:
        """Revoke a token at its client's wish; what ended is for the log only."""
        return exchange.revoke(self.db, token, client_id=client_id, now=now)

    @turn
    def accept_proof(self, token: Token, proof: Proof, *, now: int) -> Refused | None:
        """Accept a proof that came with an access token, once (F-05, F-06).

        Returns:
            Refused if the token is not alive, not bound to this key, or the proof was
            used before.
        """
        info = decide_access(
            token, find_access_token(self.db, token), now=now, with_props=False
        )
        if info is None or info.jkt is None or not same_key(info.jkt, proof):
            return Refused(Reason.DPOP_PROOF_SIGNATURE)
        refused = unless_used(self.db, proof, None)
        if refused is None:
            note_proof(self.db, proof, now=now)
            self._sweep_soon(now)
        return refused

    # Devices

    @turn
    def authorize_device(
        self,
        device: DeviceAuthorization,
        approval: Approval,
        *,
        session_secret: bytes,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> str | Refused:
        """Begin a grant that a device code redeems, if the session lives.

        Returns:
            The grant's name. It is nothing before the device's own actor took the answer.
        """
        key = self.address.key
        circumstances = Circumstances(key, policy, fresh, now)
        begun = authorize_device(
            self.db, device, session_hash(key, session_secret), approval, circumstances
        )
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

    # With the application's callback: begin turn, await, finish turn

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

    @turn
    def purge(self, *, now: int) -> None:
        """Erase what is over, as the alarm does."""
        self.set_alarm(sweep(self.db, self.address.key, now=now))

    def _refreshed(self, outcome: RefreshOutcome, now: int) -> Refreshed:
        if outcome.window_ends_at is None:
            self._sweep_soon(now)
        else:
            self._wake_by(link_alarm(self.address.key, outcome.window_ends_at))
        return outcome.refreshed

    def _sweep_soon(self, now: int) -> None:
        # The sweep finds out by itself when the next one is due.
        self._wake_by(sweep_alarm(self.address.key, now))

    def _wake_by(self, at: int) -> None:
        alarm = self.get_alarm()
        if alarm is None or alarm > at:
            self.set_alarm(at)
