"""OpenID Connect's own metadata: real where it is on, nowhere else."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.json_values import Json
from tests.http.deployment import ISSUER, WEB_CALLBACK, Deploy, Deployment, policy_for


@pytest.mark.requirement("A-03", "A-08")
async def test_every_required_member_of_discovery_is_real(openid: Deployment) -> None:
    browser = openid.browser()
    found = await browser.get("/.well-known/openid-configuration")
    document = found.json()

    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert (
        document
        == (await browser.get("/.well-known/oauth-authorization-server")).json()
    )
    keys = (await browser.get(urlsplit(document["jwks_uri"]).path)).json()["keys"]
    algorithms = {key["alg"] for key in keys}
    assert algorithms == set(document["id_token_signing_alg_values_supported"])
    assert "RS256" in algorithms
    refused = await browser.get(urlsplit(document["userinfo_endpoint"]).path)
    assert refused.status_code == 401
    page = await browser.get(urlsplit(document["end_session_endpoint"]).path)
    assert page.status_code == 200
    assert found.headers["access-control-allow-origin"] == "*"


@pytest.mark.requirement("A-03")
async def test_below_a_path_it_is_found_in_both_places(deploy: Deploy) -> None:
    policy = replace(policy_for(f"{ISSUER}/t1"), openid_enabled=True)
    async with deploy(policy=policy) as deployment:
        browser = deployment.browser()
        inserted = await browser.get("/.well-known/openid-configuration/t1")
        appended = await browser.get("/t1/.well-known/openid-configuration")
        root = await browser.get("/.well-known/openid-configuration")

    assert inserted.json() == appended.json()
    assert inserted.json()["issuer"] == f"{ISSUER}/t1"
    assert root.status_code == 404


@pytest.mark.requirement("A-03", "A-08")
async def test_while_it_is_off_nothing_of_it_is_there(deployment: Deployment) -> None:
    browser = deployment.browser()
    for path in (
        "/.well-known/openid-configuration",
        "/userinfo",
        "/end_session",
        "/jwks",
    ):
        assert (await browser.get(path)).status_code == 404, path
    client = await deployment.register(id_token_signed_response_alg="none")
    assert "id_token_signed_response_alg" not in client
    code = await deployment.code(client, scope="openid notes:read", nonce="n")
    answer = (await deployment.redeem(client, code)).json()
    assert answer["scope"] == "notes:read"
    assert "id_token" not in answer


async def test_an_operator_hears_when_a_setting_is_missing(
    deployment: Deployment,
) -> None:
    for metadata, setting in (
        ({"post_logout_redirect_uris": [WEB_CALLBACK]}, "openid_enabled"),
        ({"plain_pkce": True}, "plain_pkce_enabled"),
        ({"grant_types": ["implicit"]}, "implicit_enabled"),
    ):
        members: dict[str, Json] = {**metadata}  # type: ignore[dict-item]  # JSON
        refused = await deployment.server.create_client(
            client_name="Old", redirect_uris=[WEB_CALLBACK], metadata=members
        )
        assert not isinstance(refused, NewClient)
        assert refused.detail == f"{setting} is off"
