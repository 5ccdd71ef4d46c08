"""The part of a user's actor that trades tokens for others."""

from actor_oauth.actors.user import exchanged_tokens
from actor_oauth.actors.user.housekeeping import sweep, sweep_alarm
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.tokens import TokenResponse
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
    def purge(self, *, now: int) -> None:
        """Erase what is over, as the alarm does."""
        self.set_alarm(sweep(self.db, self.address.key, now=now))

    def _sweep_soon(self, now: int) -> None:
        # The sweep finds out by itself when the next one is due.
        self._wake_by(sweep_alarm(self.address.key, now))

    def _wake_by(self, at: int) -> None:
        alarm = self.get_alarm()
        if alarm is None or alarm > at:
            self.set_alarm(at)
