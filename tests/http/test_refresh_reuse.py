"""Late reuse of refresh tokens and tokens that stay, seen through HTTP."""

from dataclasses import replace

import httpx2
import pytest

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.refresh_reuse import (
    RefreshRules,
    ReuseEvent,
    ReusePolicy,
    ReuseVerdict,
)
from actor_oauth.oauth.token_changes import TokenContext
from actor_oauth.provider import Provider
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.support.dpop import ProofKey, a_proof_key

LATE = 500


def a_policy(rules: RefreshRules) -> Policy:
    return replace(policy_for(ISSUER), refresh=rules)


async def refresh(
    deployment: Deployment, client: dict[str, str], token: str
) -> httpx2.Response:
    return await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": token,
        },
    )


async def late(deployment: Deployment) -> tuple[dict[str, str], str, str]:
    """Give a client, a token of it that comes late, and the head."""
    client = await deployment.register()
    code = await deployment.code(client)
    first = (await deployment.redeem(client, code)).json()["refresh_token"]
    head = (await refresh(deployment, client, first)).json()["refresh_token"]
    deployment.clock.advance(LATE)
    return client, first, head


async def account_page(deployment: Deployment) -> str:
    browser = deployment.browser()
    await browser.sign_in(await browser.get(f"{ISSUER}/login"))
    return (await browser.get(f"{ISSUER}/account")).text


@pytest.mark.requirement("D-28")
async def test_a_late_replay_ends_the_grant(deployment: Deployment) -> None:
    client, stale, head = await late(deployment)
    for token in (stale, head):
        answer = await refresh(deployment, client, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("D-28", "C-21")
async def test_rejecting_leaves_the_head_alone_until_the_user_signs_in_again(
    deploy: Deploy,
) -> None:
    rules = RefreshRules(reuse=ReusePolicy.REJECT)
    async with deploy(policy=a_policy(rules)) as deployment:
        client, stale, head = await late(deployment)
        refused = await refresh(deployment, client, stale)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        going_on = await refresh(deployment, client, head)
        assert going_on.status_code == 200
        assert "An outdated copy" in await account_page(deployment)
        code = await deployment.code(client)
        anew = await deployment.redeem(client, code)
        ended = await refresh(deployment, client, going_on.json()["refresh_token"])
        assert ended.json()["error"] == "invalid_grant"
        mine = await refresh(deployment, client, anew.json()["refresh_token"])
        assert mine.status_code == 200
        assert "An outdated copy" not in await account_page(deployment)


@pytest.mark.requirement("D-28")
async def test_the_application_decides_about_a_late_replay(deploy: Deploy) -> None:
    asked: list[ReuseEvent] = []

    async def on_refresh_reuse(event: ReuseEvent) -> ReuseVerdict:
        asked.append(event)
        return ReuseVerdict.ACCEPT

    policy = policy_for(ISSUER).asking_about_reuse()
    callbacks = Callbacks(on_refresh_reuse=on_refresh_reuse)
    async with deploy(policy=policy, callbacks=callbacks) as deployment:
        client, stale, head = await late(deployment)
        answer = await refresh(deployment, client, stale)
        assert answer.json()["refresh_token"] == head
        (event,) = asked
        assert event.client_id == client["client_id"]
        assert event.verdict is ReuseVerdict.REVOKE
        again = await refresh(deployment, client, stale)
        assert again.json()["refresh_token"] == head
        assert len(asked) == 1


def test_a_provider_with_the_callback_asks() -> None:
    async def on_refresh_reuse(event: ReuseEvent) -> ReuseVerdict:
        return event.verdict

    callbacks = Callbacks(on_refresh_reuse=on_refresh_reuse)
    assert Provider(Settings(), callbacks=callbacks).policy.refresh.asks
    assert not Provider(Settings()).policy.refresh.asks


async def refreshed_by_key(
    deployment: Deployment, client: dict[str, str], key: ProofKey, token: str
) -> str:
    """The refresh token that comes of one, with a proof of the key."""
    form = {
        "grant_type": "refresh_token",
        "client_id": client["client_id"],
        "refresh_token": token,
    }
    proof = key.proof("POST", f"{ISSUER}/token", now=deployment.clock.now())
    answer = await deployment.post("/token", form, DPoP=proof)
    head: str = answer.json()["refresh_token"]
    return head


@pytest.mark.requirement("D-22", "F-09")
async def test_a_bound_refresh_token_stays_if_the_operator_wants_that(
    deploy: Deploy,
) -> None:
    key = a_proof_key()
    rules = RefreshRules(rotation="unless_bound")
    async with deploy(policy=a_policy(rules)) as deployment:
        client = await deployment.register()
        code = await deployment.code(client)
        bearer = (await deployment.redeem(client, code)).json()["refresh_token"]

        head = await refreshed_by_key(deployment, client, key, bearer)
        assert head != bearer
        deployment.clock.advance(LATE)
        assert await refreshed_by_key(deployment, client, key, head) == head


@pytest.mark.requirement("D-22", "D-32")
async def test_no_refresh_token_stays_where_the_application_is_asked_each_generation(
    deploy: Deploy,
) -> None:
    key = a_proof_key()
    asked: list[TokenContext] = []

    async def on_token_exchange(context: TokenContext) -> None:
        asked.append(context)

    rules = RefreshRules(rotation="unless_bound")
    callbacks = Callbacks(on_token_exchange=on_token_exchange)
    async with deploy(policy=a_policy(rules), callbacks=callbacks) as deployment:
        client = await deployment.register()
        code = await deployment.code(client)
        token = (await deployment.redeem(client, code)).json()["refresh_token"]
        seen = [token]
        for _ in range(3):
            seen.append(await refreshed_by_key(deployment, client, key, seen[-1]))

    assert len(set(seen)) == 4
    assert len(asked) == 4
