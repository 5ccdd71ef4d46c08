"""Grants and the server's own secrets: a rotation logs nobody out (K-08)."""

from pathlib import Path

import pytest

from actor_oauth.actors.user import Refreshed
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.refresh_chain import RefreshRequest
from tests.support.grants import (
    CLIENT,
    GRACE,
    KEYRING,
    START,
    an_approval,
    fresh,
    parsed,
)
from tests.support.user_actor import Ada, open_ada

ROTATED = KEYRING.with_next("next", b"n" * 32, active_from=START + 10)


async def refresh(ada: Ada, token: str | None, keyring: Keyring) -> object:
    return await ada.actor.refresh(
        RefreshRequest.of(CLIENT, parsed(token), None, (), None),
        keyring=keyring.as_of(ada.now),
        policy=ada.policy,
        fresh=fresh(),
        now=ada.now,
    )


async def refreshed(ada: Ada, token: str | None, keyring: Keyring) -> Refreshed:
    answer = await refresh(ada, token, keyring)
    assert isinstance(answer, Refreshed), answer
    return answer


@pytest.mark.requirement("K-08", "D-26")
async def test_a_grant_and_its_retries_survive_a_rotation(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens(approval=an_approval(props={"a": 1}))
        first = await refreshed(ada, tokens.refresh_token, ROTATED)
        ada.now = START + 10
        # The retry is derived by the old secret, from the new one's time on as well.
        retried = await refreshed(ada, tokens.refresh_token, ROTATED)
        assert retried.retried
        assert retried.response.refresh_token == first.response.refresh_token
        assert retried.response.access_token == first.response.access_token
        second = await refreshed(ada, first.response.refresh_token, ROTATED)
        again = await refreshed(ada, tokens.refresh_token, ROTATED)
        assert again.response.refresh_token == second.response.refresh_token
        info = await ada.check(second.response.access_token)
        assert info is not None
        assert info.props == {"a": 1}


@pytest.mark.requirement("K-08", "K-09")
async def test_once_the_windows_are_over_the_old_secret_may_go(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens()
        first = await refreshed(ada, tokens.refresh_token, ROTATED)
        ada.now = START + 10 + GRACE
        dropped = ROTATED.without_retired(now=ada.now, kept_for=GRACE)
        assert set(dropped.secrets) == {"next"}
        second = await refreshed(ada, first.response.refresh_token, dropped)
        third = await refreshed(ada, second.response.refresh_token, dropped)
        assert await ada.check(third.response.access_token) is not None
