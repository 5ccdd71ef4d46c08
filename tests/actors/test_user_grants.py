"""A user's grants in the actor: tokens, listing, revoking."""

from dataclasses import replace
from pathlib import Path

import pytest

from actor_oauth.actors.user import GrantSummary, Redeemed, Refreshed
from actor_oauth.actors.user.grants import MAX_PAGE, load_grant
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import (
    ACTOR_KEY,
    NO_REFRESH_CLIENT,
    OTHER_CLIENT,
    REDIRECT_URI,
    RESOURCE,
    SCOPE,
    START,
    a_request,
    an_approval,
    parsed,
)
from tests.support.user_actor import USER_ID, open_ada
from tests.support.user_database import UserDatabase

DAY = 86_400


@pytest.mark.requirement("G-05", "H-10")
async def test_an_access_token_tells_whose_it_is_and_carries_the_props(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        approval = Approval(
            scope=SCOPE, props={"a": [1]}, metadata={"b": 2}, client_epoch=1
        )
        tokens = await ada.tokens(approval=approval)
        info = await ada.check(tokens.access_token)
        assert info is not None
        assert (info.user_id, info.client_id, info.resource, info.scope) == (
            USER_ID,
            "app",
            RESOURCE,
            SCOPE,
        )
        assert (info.props, info.metadata) == ({"a": [1]}, {"b": 2})
        seen = await ada.actor.introspect(parsed(tokens.access_token), now=START)
        assert seen is not None
        assert (seen.props, seen.metadata) == (None, {"b": 2})


@pytest.mark.requirement("H-10")
async def test_refresh_tokens_and_codes_are_no_access_tokens(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        code, tokens = await ada.code(), await ada.tokens()
        for text in (code, tokens.refresh_token):
            assert await ada.actor.introspect(parsed(text), now=START) is None
            assert await ada.check(text or "") is None
        assert await ada.redeem(tokens.access_token) == Refused(Reason.CODE_UNKNOWN)
        assert await ada.refresh(tokens.access_token) == Refused(Reason.REFRESH_UNKNOWN)


async def test_grants_survive_a_restart(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens(approval=an_approval(props=1))
        await ada.rotated(tokens.refresh_token)
    async with open_ada(tmp_path) as ada:
        again = await ada.rotated(tokens.refresh_token)
        info = await ada.check(again.access_token)
        assert info is not None
        assert info.props == 1


@pytest.mark.requirement("D-19")
async def test_a_client_without_the_refresh_grant_gets_an_access_token_only(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        redeemed = await ada.redeem(await ada.code(), client=NO_REFRESH_CLIENT)
        assert isinstance(redeemed, Redeemed)
        assert redeemed.response.refresh_token is None
        assert await ada.check(redeemed.response.access_token) is not None


# Revoking


@pytest.mark.requirement("H-05")
async def test_revoking_an_access_token_ends_only_it(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        second = await ada.rotated(first.refresh_token)
        await ada.revoke(first.access_token)
        assert await ada.check(first.access_token) is None
        assert await ada.check(second.access_token) is not None
        await ada.rotated(second.refresh_token)


@pytest.mark.requirement("H-05")
async def test_revoking_a_superseded_refresh_token_ends_the_grant(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        second = await ada.rotated(first.refresh_token)
        ada.now += DAY
        await ada.revoke(first.refresh_token)
        assert isinstance(await ada.refresh(second.refresh_token), Refused)


@pytest.mark.requirement("H-04")
async def test_another_client_revokes_nothing(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens()
        await ada.revoke(tokens.access_token, client_id="other")
        await ada.revoke(tokens.refresh_token, client_id="other")
        assert await ada.check(tokens.access_token) is not None
        refused = await ada.refresh(tokens.refresh_token, client=OTHER_CLIENT)
        assert refused == Refused(Reason.REFRESH_CLIENT_MISMATCH)
        await ada.rotated(tokens.refresh_token)


@pytest.mark.requirement("H-07")
async def test_a_user_revokes_a_grant_once(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens()
        revoke = ada.actor.revoke_grant
        assert not await revoke("00000002", now=START)
        assert not await revoke("nonsense", now=START)
        assert await revoke("00000001", now=START)
        assert not await revoke("00000001", now=START)
        assert await ada.check(tokens.access_token) is None
        assert await ada.refresh(tokens.refresh_token) == Refused(Reason.GRANT_REVOKED)
        event = (await ada.actor.audit_trail(limit=1))[0]
        assert (event.kind, event.grant_id, event.detail) == (
            GrantEvent.REVOKED_BY_USER,
            "00000001",
            "app",
        )


async def test_all_grants_end_together(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = [await ada.tokens(a_request(client_id="app")), await ada.tokens()]
        await ada.code()
        # The second redemption has taken the place of the first grant.
        assert await ada.actor.revoke_all_grants(now=START) == 2
        assert [await ada.check(t.access_token) for t in tokens] == [None, None]


@pytest.mark.requirement("B-34", "B-36")
async def test_the_end_of_a_client_ends_its_grants_and_no_others(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        mine = await ada.tokens()
        code = await ada.code(a_request(client_id="other"))
        other = await ada.redeem(code, client=OTHER_CLIENT)
        assert isinstance(other, Redeemed)
        await ada.actor.revoke_client(client_id="app", epoch=2, now=START)
        await ada.actor.revoke_client(client_id="app", epoch=1, now=START)
        assert await ada.check(mine.access_token) is None
        assert await ada.check(other.response.access_token) is not None
        for epoch in (1, 2):
            approval = an_approval(client_epoch=epoch)
            assert await ada.authorize(approval=approval) == Refused(
                Reason.CLIENT_ENDED
            )
        await ada.tokens(approval=an_approval(client_epoch=3))


@pytest.mark.requirement("B-36")
async def test_the_end_of_a_client_reaches_a_user_who_is_not_there_yet(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await ada.actor.revoke_client(client_id="app", epoch=1, now=START)
        assert await ada.authorize() == Refused(Reason.CLIENT_ENDED)


# Listing


async def test_grants_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        for number in range(5):
            ada.now = START + number
            approval = Approval(
                scope=Scope(("read",)), metadata=number, client_epoch=1, supersede=False
            )
            await ada.tokens(approval=approval)
        await ada.code()
        listed: list[GrantSummary] = []
        cursor, pages = None, 0
        while True:
            page = await ada.actor.list_grants(cursor=cursor, limit=2, now=ada.now)
            listed += page.grants
            cursor, pages = page.next_cursor, pages + 1
            if cursor is None:
                break
        assert pages == 3
        assert [grant.metadata for grant in listed] == [4, 3, 2, 1, 0]
        newest = listed[0]
        assert (newest.client_id, newest.redirect_uri, newest.resource) == (
            "app",
            REDIRECT_URI,
            RESOURCE,
        )
        assert newest.scope == Scope(("read",))
        assert (newest.created_at, newest.last_used_at) == (START + 4, START + 4)
        assert newest.expires_at == START + 4 + 90 * DAY


@pytest.mark.parametrize("cursor", ["", "x", "-1", "²"])
@pytest.mark.parametrize("limit", [-1, 0, 1, 10 * MAX_PAGE])
async def test_odd_pages_are_answered(tmp_path: Path, cursor: str, limit: int) -> None:
    async with open_ada(tmp_path) as ada:
        await ada.tokens()
        page = await ada.actor.list_grants(cursor=cursor, limit=limit, now=START)
        assert len(page.grants) == 1


async def test_grants_that_have_ended_are_not_listed(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await ada.tokens()
        page = await ada.actor.list_grants(now=START + 90 * DAY)
        assert page.grants == ()


@pytest.mark.requirement("D-23")
async def test_a_narrowed_token_is_narrow_where_it_is_checked(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens()
        refreshed = await ada.refresh(tokens.refresh_token, scope=Scope(("read",)))
        assert isinstance(refreshed, Refreshed)
        info = await ada.check(refreshed.response.access_token)
        assert info is not None
        assert info.scope == Scope(("read",))


@pytest.mark.parametrize("auth_time", [None, START - 60])
def test_a_grant_keeps_when_its_user_had_signed_in(auth_time: int | None) -> None:
    user = UserDatabase()
    user.authorize(approval=replace(an_approval(), auth_time=auth_time))
    grant = load_grant(user.db, ACTOR_KEY, 1)
    assert grant is not None
    assert grant.auth_time == auth_time
    user.close()
