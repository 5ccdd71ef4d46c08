"""How often a user who does nothing is looked at: each look may open a file."""

from dataclasses import replace
from pathlib import Path

import pytest

from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.housekeeping import LINK_GRID, SWEEP_GRID
from actor_oauth.oauth.clients import SECRET_METHODS, Client
from actor_oauth.oauth.refresh_reuse import RefreshRules
from actor_oauth.runtime import turn
from tests.support.grants import CLIENT, GRACE, START, a_policy
from tests.support.user_actor import open_ada

LIFE = 3600
BACKEND = replace(CLIENT, auth_methods_accepted=SECRET_METHODS, origin="pre-registered")


class WokenUser(UserActor, kind="user"):
    """Tells when it wants to be woken."""

    @turn
    def alarm(self) -> int:
        at = self.get_alarm()
        assert at is not None
        return at


async def alarm_after_refresh(
    path: Path, client: Client, *, rules: RefreshRules
) -> int:
    """When a user is looked at who has refreshed and does nothing more."""
    policy = a_policy(rules=rules)
    async with open_ada(path, policy=policy, user_class=WokenUser) as ada:
        tokens = await ada.tokens()
        # What the sign-in left to be looked at is not what is asked here.
        await ada.actor.purge(now=START)
        await ada.refresh(tokens.refresh_token, client=client)
        alarm = await ada.system.get(WokenUser, ada.actor.address.key).alarm()
    return alarm - START


@pytest.mark.requirement("D-30")
async def test_after_a_refresh_nobody_looks_before_there_is_a_salt_to_erase(
    tmp_path: Path,
) -> None:
    for lost_answer in (0, 86_400):
        rules = RefreshRules(lost_answer=lost_answer)
        path = tmp_path / str(lost_answer)
        alarm = await alarm_after_refresh(path, CLIENT, rules=rules)
        assert GRACE < alarm <= GRACE + LINK_GRID


@pytest.mark.requirement("D-30", "K-09")
async def test_for_a_salt_that_is_kept_longer_nobody_looks_before_the_token_is_over(
    tmp_path: Path,
) -> None:
    alarm = await alarm_after_refresh(tmp_path, BACKEND, rules=RefreshRules())
    assert LIFE < alarm <= LIFE + SWEEP_GRID
