"""A grant's props at a resource server in another process: told to whom it says, only."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from actor_oauth.resource import IntrospectedTokens
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.http.test_revoke_and_introspect import basic

RESOURCE = f"{ISSUER}/mcp"
PROPS: Json = {"plan": "gold", "upstream": "secret"}


async def give_props(_: TokenContext) -> TokenChanges:
    return TokenChanges(props=PROPS)


async def answer_to(
    deployment: Deployment, asker: dict[str, str], token: str
) -> Mapping[str, Json]:
    """What introspection says to somebody."""
    answer = await deployment.post(
        "/introspect", {"token": token}, Authorization=basic(asker)
    )
    found: dict[str, Json] = answer.json()
    return found


@pytest.mark.requirement("H-09", "G-13")
async def test_only_the_resources_named_servers_learn_a_grants_props(
    deploy: Deploy,
) -> None:
    callbacks = Callbacks(on_token_exchange=give_props)
    async with deploy(callbacks=callbacks) as deployment:
        api = await deployment.resource_server()
        other = await deployment.resource_server()
        own = await deployment.register(method="client_secret_basic")
        client = await deployment.register()
        code = await deployment.code(client)
        token = (await deployment.redeem(client, code)).json()["access_token"]
        # It is off until the operator says so.
        assert "props" not in await answer_to(deployment, api, token)

    (resource,) = policy_for(ISSUER).resources
    # One of these registered itself, and never learns more than its own tokens' metadata.
    named = (api["client_id"], own["client_id"])
    policy = replace(
        policy_for(ISSUER), resources=(replace(resource, props_clients=named),)
    )
    async with deploy(callbacks=callbacks, policy=policy) as deployment:
        assert (await answer_to(deployment, api, token))["props"] == PROPS
        assert "props" not in await answer_to(deployment, other, token)
        assert await answer_to(deployment, own, token) == {"active": False}

        async def introspect(text: str) -> Mapping[str, Json]:
            return await answer_to(deployment, api, text)

        tokens = IntrospectedTokens(introspect, issuer=ISSUER, clock=deployment.clock)
        info = await tokens.validate_token(RESOURCE, token)
        assert info is not None
        assert info.props == PROPS


@pytest.mark.requirement("H-09")
async def test_a_resource_says_nothing_about_the_props_of_another_ones_tokens(
    deploy: Deploy,
) -> None:
    policy = policy_for(ISSUER)
    (resource,) = policy.resources
    async with deploy() as deployment:
        api = await deployment.resource_server()
    elsewhere = replace(
        resource, identifier=f"{ISSUER}/other", props_clients=(api["client_id"],)
    )
    policy = replace(policy, resources=(resource, elsewhere))
    callbacks = Callbacks(on_token_exchange=give_props)
    async with deploy(callbacks=callbacks, policy=policy) as deployment:
        client = await deployment.register()
        code = await deployment.code(client, resource=RESOURCE)
        token = (await deployment.redeem(client, code)).json()["access_token"]
        answer = await answer_to(deployment, api, token)
    assert answer["active"] is True
    assert "props" not in answer
