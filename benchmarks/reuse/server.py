"""One user's grants at the server: real decisions, kept in memory."""

from dataclasses import dataclass, field, replace

from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import Ending, GrantEvent, is_final, next_state
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.refresh_chain import Rejection, Renewal, Retry, Rotation
from tests.support.grants import ChainInMemory, a_chain

ACCESS_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a program has in its store.

    Attributes:
        grant: At the server.
        token: The refresh token.
        access_until: When the access token beside it ends, if nothing ends it before.
    """

    grant: "SimulatedGrant"
    token: str
    access_until: int


@dataclass
class SimulatedGrant:
    """A grant, with what an observer who knows everything notes about it."""

    chain: ChainInMemory
    alarms: list[int] = field(default_factory=list)
    ended_at: int | None = None

    def end(self, event: GrantEvent, now: int) -> None:
        grant = self.chain.grant
        self.chain.grant = replace(
            grant, state=next_state(grant.state, event), clock=grant.time(now)
        )
        self.ended_at = now

    def lives_at(self, now: int) -> bool:
        return self.ended_at is None and not self.chain.grant.is_over(now)

    def end_of_access(self, until: int) -> int:
        """When an access token really ends that would end then."""
        ends = [until, self.chain.grant.expires_at]
        return min(ends if self.ended_at is None else [*ends, self.ended_at])


class SimulatedServer:
    """Answers the programs of one user, and of a thief."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.grants: list[SimulatedGrant] = []

    def sign_in(self, now: int, *, proof: Proof | None) -> Credentials:
        """Give a new grant to the user, in place of those that are contested."""
        for older in self.grants:
            grant = older.chain.grant
            if grant.contested_at is not None and not is_final(grant.state):
                older.end(GrantEvent.CONTEST_ENDED, now)
        chain, token = a_chain(policy=self.policy, now=now)
        if proof is not None:
            chain.grant = replace(chain.grant, refresh_jkt=proof.jkt)
        granted = SimulatedGrant(chain)
        self.grants.append(granted)
        return Credentials(granted, token, now + ACCESS_SECONDS)

    def refresh(
        self, held: Credentials, now: int, *, proof: Proof | None
    ) -> Credentials | None:
        """Answer a refresh; None is `invalid_grant`."""
        granted = held.grant
        granted.chain.now = now
        decision = granted.chain.refresh(held.token, proof=proof, binds=True)
        if isinstance(decision, Ending):
            granted.ended_at = now
        is_alarm = isinstance(decision, Rejection) or (
            isinstance(decision, Ending)
            and decision.event is GrantEvent.REFRESH_REPLAYED
        )
        if is_alarm:
            granted.alarms.append(now)
        if not isinstance(decision, Rotation | Renewal | Retry):
            return None
        response = decision.response
        assert response.refresh_token is not None
        return Credentials(granted, response.refresh_token, now + response.expires_in)
