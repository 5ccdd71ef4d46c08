"""Any attempts, in any order, at any time: what they may do to a user's grants.

The model knows of each grant only its tokens, when each was first used, and whether the
grant lives. What the tables say must follow from that.
"""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from actor_oauth.actors.user.authorization import Approved
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.refreshing import RefreshOutcome
from actor_oauth.oauth.grants import ROUNDING
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse
from tests.support.grants import OTHER_CLIENT, SCOPE, START, a_policy, parsed
from tests.support.user_database import UserDatabase

GRACE, ACCESS, IDLE, ABSOLUTE = 120, 300, 1000, 3000
"""Short lives, so that a run sees many of them end."""


@dataclass
class Model:
    """What a grant should be."""

    code: str
    supersedes: bool
    clock: int
    deadline: int
    expires_at: int
    redeemed: bool = False
    failures: int = 0
    alive: bool = True
    refresh: list[str] = field(default_factory=list)
    first_used: dict[int, int] = field(default_factory=dict)
    access: dict[str, int] = field(default_factory=dict)
    latest_access: dict[tuple[int, str], str] = field(default_factory=dict)

    def time(self, now: int) -> int:
        return max(now, self.clock)

    def is_over(self, now: int) -> bool:
        return self.time(now) >= min(self.deadline, self.expires_at)

    def end(self) -> None:
        self.alive = False
        self.access.clear()

    def note_access(self, response: TokenResponse, scope: str, now: int) -> None:
        expires_at = self.time(now) + response.expires_in + ROUNDING
        expires_at = min(expires_at, self.expires_at)
        self.access[response.access_token] = expires_at
        self.latest_access[len(self.refresh), scope] = response.access_token


class Grants(RuleBasedStateMachine):
    """Drives the tables and the model side by side."""

    grants: Bundle[Model] = Bundle("grants")
    grace = GRACE

    def __init__(self) -> None:
        super().__init__()
        policy = a_policy(
            grace=self.grace,
            access_token=ACCESS,
            code=60,
            refresh_idle=IDLE,
            refresh_absolute=ABSOLUTE,
        )
        self.user = UserDatabase(policy=policy)
        self.models: list[Model] = []

    def teardown(self) -> None:
        self.user.close()

    @initialize(target=grants)
    def begin(self) -> Model:
        model = self._authorize(supersede=False)
        self.redeem(model)
        return model

    @rule(target=grants, supersede=st.booleans())
    def authorize(self, supersede: bool) -> Model:
        return self._authorize(supersede=supersede)

    def _authorize(self, *, supersede: bool) -> Model:
        approval = Approval(scope=SCOPE, client_epoch=1, supersede=supersede)
        approved = self.user.authorize(approval=approval)
        assert isinstance(approved, Approved)
        now = self.user.now
        model = Model(
            code=approved.code,
            supersedes=supersede,
            clock=now,
            deadline=now + 60,
            expires_at=now + ABSOLUTE,
        )
        self.models.append(model)
        return model

    @rule(model=grants)
    def redeem(self, model: Model) -> None:
        answer = self.user.redeem(model.code)
        now = self.user.now
        if model.alive and not model.redeemed and not model.is_over(now):
            assert isinstance(answer, Redeemed)
            model.redeemed, model.clock = True, model.time(now)
            model.deadline = model.clock + IDLE
            model.refresh = [answer.response.refresh_token or ""]
            model.note_access(answer.response, "", now)
            if model.supersedes:
                for older in self.models[: self.models.index(model)]:
                    older.end()
        else:
            # A replay ends the grant, and a late first attempt finds it over.
            assert isinstance(answer, Refused)
            model.end()

    @rule(model=grants)
    def redeem_without_the_verifier(self, model: Model) -> None:
        answer = self.user.redeem(model.code, code_verifier="w" * 43)
        assert isinstance(answer, Refused)
        if not model.redeemed:
            model.failures += 1
            if model.failures == 5:
                model.end()

    @rule(model=grants)
    def redeem_as_another_client(self, model: Model) -> None:
        answer = self.user.redeem(model.code, client=OTHER_CLIENT)
        assert isinstance(answer, Refused)

    @rule(
        model=grants,
        back=st.integers(0, 5),
        names=st.sampled_from(["", "read", "read write"]),
    )
    def refresh(self, model: Model, back: int, names: str) -> None:
        if not model.refresh:
            return
        index = max(0, len(model.refresh) - 1 - back)
        scope = Scope(tuple(names.split())) if names else None
        answer = self.user.refresh(model.refresh[index], scope=scope)
        now = self.user.now
        if not model.alive or model.is_over(now):
            assert isinstance(answer, Refused)
            model.end()
        elif index == len(model.refresh) - 1:
            self._expect_rotation(model, answer, names, now)
        elif model.time(now) <= model.first_used[index] + self.grace and self.grace:
            self._expect_the_head(model, answer, names, now)
        else:
            assert isinstance(answer, Refused)
            model.end()

    def _expect_rotation(
        self, model: Model, answer: RefreshOutcome | Refused, names: str, now: int
    ) -> None:
        assert isinstance(answer, RefreshOutcome)
        assert not answer.refreshed.retried
        response = answer.refreshed.response
        assert response.refresh_token not in model.refresh
        assert response.access_token not in model.access
        model.clock = model.time(now)
        model.deadline = model.clock + IDLE
        model.first_used[len(model.refresh) - 1] = model.clock
        model.refresh.append(response.refresh_token or "")
        model.note_access(response, names, now)

    def _expect_the_head(
        self, model: Model, answer: RefreshOutcome | Refused, names: str, now: int
    ) -> None:
        assert isinstance(answer, RefreshOutcome)
        assert answer.refreshed.retried
        response = answer.refreshed.response
        assert response.refresh_token == model.refresh[-1]
        latest = model.latest_access.get((len(model.refresh), names))
        if latest is not None and model.access[latest] > model.time(now) + ROUNDING:
            assert response.access_token == latest
        else:
            assert response.access_token not in model.access
        model.note_access(response, names, now)

    @rule(model=grants)
    def refresh_as_another_client(self, model: Model) -> None:
        for token in model.refresh:
            answer = self.user.refresh(token, client_id="other")
            assert isinstance(answer, Refused)

    @rule(model=grants, secret=st.binary(min_size=32, max_size=32))
    def refresh_with_a_guess(self, model: Model, secret: bytes) -> None:
        for token in model.refresh:
            guess = replace(parsed(token), secret=secret)
            assert isinstance(self.user.refresh(guess), Refused)

    @rule(model=grants, back=st.integers(0, 5))
    def revoke_by_refresh_token(self, model: Model, back: int) -> None:
        for token in model.refresh[-1 - back :][:1]:
            self.user.revoke(token, client_id="other")
            self.user.revoke(token)
            model.end()

    @rule(model=grants, pick=st.integers(0, 20))
    def revoke_an_access_token(self, model: Model, pick: int) -> None:
        if model.access:
            token = sorted(model.access)[pick % len(model.access)]
            self.user.revoke(token, client_id="other")
            self.user.revoke(token)
            model.access[token] = 0

    @rule(seconds=st.sampled_from([1, 30, GRACE, GRACE + 1, ACCESS, IDLE, ABSOLUTE]))
    def wait(self, seconds: int) -> None:
        self.user.now += seconds

    @rule(seconds=st.sampled_from([1, 60, 500]))
    def the_clock_steps_back(self, seconds: int) -> None:
        self.user.now -= seconds

    @rule()
    def sweep(self) -> None:
        now = self.user.now
        alarm = self.user.sweep()
        assert alarm is None or alarm > now
        for model in self.models:
            for index, used in model.first_used.items():
                if used + self.grace < now:
                    # Erased for good, whatever the clock says later.
                    model.first_used[index] = START - 10 * ABSOLUTE
            for token, expires_at in model.access.items():
                if expires_at <= now:
                    model.access[token] = 0
            end = max([model.deadline, *model.access.values()])
            if now >= min(model.expires_at, end):
                model.end()
        salts = self.user.db.execute(
            "SELECT count(*) FROM refresh_tokens WHERE window_ends_at < ?", (now,)
        ).fetchone()
        assert salts == (0,)

    @rule(model=consumes(grants))
    def forget(self, model: Model) -> None:
        """Look at this grant no more, so that the others get more attention."""

    @invariant()
    def access_tokens_live_as_long_as_they_should(self) -> None:
        for model in self.models:
            for token, expires_at in model.access.items():
                info = self.user.check(token)
                alive = model.alive and model.time(self.user.now) < expires_at
                assert (info is not None) == alive

    @invariant()
    def there_is_one_head_at_most(self) -> None:
        rows = self.user.db.execute(
            "SELECT number, generation FROM grants WHERE state = 'active'"
        ).fetchall()
        for number, generation in rows:
            generations = self.user.db.execute(
                "SELECT generation FROM refresh_tokens WHERE number = ?"
                " ORDER BY generation",
                (number,),
            ).fetchall()
            assert generations == [(g,) for g in range(1, generation + 1)]

    @invariant()
    def what_has_ended_keeps_no_secret(self) -> None:
        leftover = self.user.db.execute(
            "SELECT count(*) FROM grants AS g WHERE state IN ('revoked', 'expired')"
            " AND (code_data_key IS NOT NULL OR props IS NOT NULL"
            " OR EXISTS (SELECT 1 FROM refresh_tokens AS r WHERE r.number = g.number)"
            " OR EXISTS (SELECT 1 FROM access_tokens AS a WHERE a.number = g.number))"
        ).fetchone()
        assert leftover == (0,)


class StrictGrants(Grants):
    """The same without grace: one use per token."""

    grace = 0


LIMITS = settings(stateful_step_count=40)

TestGrants = pytest.mark.requirement(
    "D-16", "D-17", "D-18", "D-24", "D-25", "D-26", "D-27", "D-28", "D-29", "D-30",
    "H-05", "H-07", "K-09", "K-13", "C-21",
)(Grants.TestCase)  # fmt: skip
TestGrants.settings = LIMITS
TestStrictGrants = StrictGrants.TestCase
TestStrictGrants.settings = LIMITS
