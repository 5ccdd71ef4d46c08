"""The application's callbacks, seen through HTTP."""

import pytest
import trio

from actor_oauth.actors.callbacks import (
    Callbacks,
    ExternalToken,
    ObservedError,
    ResolverUnavailableError,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from tests.http.deployment import ISSUER, Deploy, Deployment

RESOURCE = f"{ISSUER}/mcp"
Said = TokenChanges | TokenRefusal | None


async def refreshed(
    deployment: Deployment, client: dict[str, str], token: str
) -> tuple[int, dict[str, str | int]]:
    answer = await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": token,
        },
    )
    members: dict[str, str | int] = answer.json()
    return answer.status_code, members


@pytest.mark.requirement("D-32", "D-06", "D-26", "M-3")
async def test_the_application_changes_tokens_or_keeps_them_back(
    deploy: Deploy,
) -> None:
    asked: list[TokenContext] = []
    said: list[Said] = [TokenChanges(props={"upstream": "first"})]

    async def on_token_exchange(context: TokenContext) -> Said:
        asked.append(context)
        return said[0]

    async with deploy(
        callbacks=Callbacks(on_token_exchange=on_token_exchange)
    ) as deployment:
        client = await deployment.register()
        code = await deployment.code(client)
        tokens = (await deployment.redeem(client, code)).json()
        info = await deployment.server.validate_token(RESOURCE, tokens["access_token"])
        assert info is not None
        assert info.props == {"upstream": "first"}

        said[0] = TokenRefusal.BUSY
        status, error = await refreshed(deployment, client, tokens["refresh_token"])
        assert (status, error["error"]) == (503, "temporarily_unavailable")
        asked.clear()
        said[0] = TokenChanges(props={"upstream": "second"}, access_token_lifetime=60)

        answers: list[tuple[int, dict[str, str | int]]] = []

        async def ask() -> None:
            answers.append(await refreshed(deployment, client, tokens["refresh_token"]))

        async with trio.open_nursery() as nursery:
            for _ in range(32):
                nursery.start_soon(ask)

        assert len(asked) == 1
        assert asked[0].props == {"upstream": "first"}
        assert len({tuple(sorted(members.items())) for _, members in answers}) == 1
        status, members = answers[0]
        assert (status, members["expires_in"]) == (200, 60)
        new = await deployment.server.validate_token(
            RESOURCE, str(members["access_token"])
        )
        assert new is not None
        assert new.props == {"upstream": "second"}

        said[0] = TokenRefusal.ENDED
        status, error = await refreshed(
            deployment, client, str(members["refresh_token"])
        )
        assert (status, error["error"]) == (400, "invalid_grant")
        dead = await deployment.server.validate_token(
            RESOURCE, str(members["access_token"])
        )
        assert dead is None


async def test_an_observer_hears_of_every_refusal(deploy: Deploy) -> None:
    told: list[ObservedError] = []
    heard = trio.Event()

    async def on_error(error: ObservedError) -> None:
        told.append(error)
        heard.set()

    async with deploy(callbacks=Callbacks(on_error=on_error)) as deployment:
        client = await deployment.register()
        await deployment.redeem(client, "aoac_nothing")
        with trio.fail_after(60):
            await heard.wait()
    assert told == [
        ObservedError(
            endpoint="token",
            reason="code_unknown",
            category="invalid_grant",
            status=400,
            client_id=client["client_id"],
            detail=None,
        )
    ]


@pytest.mark.requirement("G-05", "G-06")
async def test_tokens_of_other_servers_are_the_applications_to_judge(
    deploy: Deploy,
) -> None:
    asked: list[str] = []

    async def resolve(token: str, resource: str) -> ExternalToken | None:
        asked.append(token)
        if token == "broken":
            raise RuntimeError("the other server is down")
        if token != "foreign":
            return None
        return ExternalToken(
            user_id="ada",
            client_id="elsewhere",
            scope=Scope(("notes:read",)),
            resource=RESOURCE,
            expires_at=deployment.clock.now() + 60,
            props={"from": "elsewhere"},
        )

    async with deploy(
        callbacks=Callbacks(resolve_external_token=resolve)
    ) as deployment:
        server = deployment.server
        info = await server.validate_token(RESOURCE, "foreign")
        assert info is not None
        # Not the `ada` of this server, whatever the other one calls its users.
        assert (info.principal, info.user_id) == ("external", "ada")
        assert info.props == {"from": "elsewhere"}
        assert await server.validate_token(f"{ISSUER}/other", "foreign") is None
        assert await server.validate_token(RESOURCE, "unknown") is None
        # Nobody knows, which is not the same as no.
        with pytest.raises(ResolverUnavailableError):
            await server.validate_token(RESOURCE, "broken")
        # It is never asked about what is, or was, a token of this server.
        client = await deployment.register()
        code = await deployment.code(client)
        tokens = (await deployment.redeem(client, code)).json()
        await deployment.post(
            "/revoke",
            {"client_id": client["client_id"], "token": tokens["refresh_token"]},
        )
        assert await server.validate_token(RESOURCE, tokens["access_token"]) is None
        assert await server.validate_token(RESOURCE, tokens["refresh_token"]) is None
        assert set(asked) == {"foreign", "unknown", "broken"}


async def test_an_external_token_that_is_over_opens_nothing(deploy: Deploy) -> None:
    async def resolve(token: str, resource: str) -> ExternalToken | None:
        return ExternalToken(
            user_id="x",
            client_id="y",
            scope=Scope(("notes:read",)),
            resource=resource,
            expires_at=deployment.clock.now(),
        )

    async with deploy(
        callbacks=Callbacks(resolve_external_token=resolve)
    ) as deployment:
        assert await deployment.server.validate_token(RESOURCE, "foreign") is None
