"""The part of a user's actor that issues tokens for assertions."""

from actor_oauth.actors.user import account, asserted
from actor_oauth.actors.user.asserted import Begun
from actor_oauth.actors.user.authorization import Circumstances
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.asserted_grant import AssertedGrant
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.runtime import turn


class AssertedTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn(creates=True)
    def accept_assertion(
        self,
        due: AssertedGrant,
        *,
        user_id: str,
        client_epoch: int,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused:
        """Issue a token for an assertion, to a user who may be new here (D-47).

        Args:
            due: From an assertion that was used just now, and never before.
            user_id: From `federated_user_id`.
            client_epoch: From enlisting the client.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.
        """
        self._welcome(user_id, now=now)
        circumstances = Circumstances(self.address.key, policy, fresh, now)
        return asserted.accept(
            self.db, due, client_epoch=client_epoch, circumstances=circumstances
        )

    @turn(creates=True)
    def begin_assertion(
        self,
        due: AssertedGrant,
        *,
        user_id: str,
        client_epoch: int,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Begun | Refused:
        """Begin what the application's callback is asked about; see `accept_assertion`.

        What is not redeemed within the lifetime of a code expires.
        """
        self._welcome(user_id, now=now)
        circumstances = Circumstances(self.address.key, policy, fresh, now)
        return asserted.begin(
            self.db, due, client_epoch=client_epoch, circumstances=circumstances
        )

    def _welcome(self, user_id: str, *, now: int) -> None:
        if account.load_account(self.db) is None:
            self._add_account(user_id, password_hash=None, now=now)
        self._sweep_soon(now)
