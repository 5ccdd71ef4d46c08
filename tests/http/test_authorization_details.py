"""`authorization_details` from the request to the token (RFC 9396), through HTTP."""

import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_details import DetailType
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.exchange_token import ACCESS_TOKEN_TYPE
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason
from tests.http.deployment import ISSUER, Deploy, policy_for, query_of

RESOURCE = f"{ISSUER}/mcp"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DETAILS = [{"type": "payment", "amount": "<5 EUR>", "actions": ["once"]}]


def a_policy(*, jwt: bool = False) -> Policy:
    policy = policy_for(ISSUER)
    (resource,) = policy.resources
    kind = DetailType(
        name="payment",
        description="Pay somebody",
        required=("amount",),
        optional=("actions",),
    )
    return replace(
        policy,
        resources=(replace(resource, detail_types=(kind,), has_jwt_tokens=jwt),),
    )


@pytest.mark.requirement("C-29")
async def test_an_application_that_asks_on_its_own_pages_grants_less(
    deploy: Deploy,
) -> None:
    wish = [
        {"type": "payment", "amount": "5 EUR", "actions": ["once", "monthly"]},
        {"type": "payment", "amount": "7 EUR"},
    ]
    less: list[Json] = [{"type": "payment", "amount": "5 EUR", "actions": ["once"]}]
    more: list[Json] = [{"type": "payment", "amount": "9 EUR"}]
    async with deploy(policy=a_policy()) as deployment:
        client, server = await deployment.register(), deployment.server
        url = deployment.authorize_url(client, authorization_details=json.dumps(wish))
        request = await server.parse_auth_request(urlsplit(url).query, signed_in=True)
        assert isinstance(request, AuthorizationRequest)
        redirect = await server.complete_authorization(
            request, user_id="ada", details=less
        )
        assert isinstance(redirect, Redirect)
        code = query_of(redirect.url)["code"]
        tokens = (await deployment.redeem(client, code)).json()
        assert tokens["authorization_details"] == less
        browser = server.new_browser_secret()
        handle = await server.begin_consent(request, user_id="ada", browser=browser)
        assert isinstance(handle, str)
        for details in (more, []):
            refused = await server.complete_authorization(
                request, user_id="ada", details=details
            )
            assert isinstance(refused, AuthorizationError)
            assert refused.reason is Reason.DETAILS_NOT_GRANTED
        agreed = await server.approve_consent(
            handle, user_id="ada", browser=browser, details=less
        )
        assert isinstance(agreed, Redirect)
        tokens = (await deployment.redeem(client, query_of(agreed.url)["code"])).json()
        assert tokens["authorization_details"] == less


@pytest.mark.requirement("C-29", "H-08")
async def test_details_reach_the_page_the_token_and_introspection(
    deploy: Deploy,
) -> None:
    async with deploy(policy=a_policy()) as deployment:
        metadata = await deployment.browser().get(
            f"{ISSUER}/.well-known/oauth-authorization-server"
        )
        assert metadata.json()["authorization_details_types_supported"] == ["payment"]
        client = await deployment.register()
        asked = {"authorization_details": json.dumps(DETAILS)}
        page = await deployment.browser().consent_page(
            deployment.authorize_url(client, **asked)
        )
        assert "Pay somebody" in page.text
        assert "&lt;5 EUR&gt;" in page.text
        assert "<5 EUR>" not in page.text
        assert 'name="remember"' not in page.text

        code = await deployment.code(client, **asked)
        tokens = (await deployment.redeem(client, code)).json()
        assert tokens["authorization_details"] == DETAILS
        api = await deployment.resource_server()
        answer = await deployment.post(
            "/introspect",
            {
                "client_id": api["client_id"],
                "client_secret": api["client_secret"],
                "token": tokens["access_token"],
            },
        )
        assert answer.json()["authorization_details"] == DETAILS
        info = await deployment.server.validate_token(RESOURCE, tokens["access_token"])
        assert info is not None
        assert info.authorization_details == DETAILS

        refresh = {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": tokens["refresh_token"],
        }
        renewed = await deployment.post("/token", refresh)
        assert renewed.json()["authorization_details"] == DETAILS


@pytest.mark.requirement("C-29", "D-23", "D-26")
@pytest.mark.parametrize("jwt", [False, True])
async def test_a_refresh_may_ask_for_an_access_token_that_allows_less(
    deploy: Deploy, jwt: bool
) -> None:
    policy = replace(a_policy(jwt=jwt), token_exchange_enabled=True)
    async with deploy(policy=policy) as deployment:
        granted = [{**DETAILS[0], "actions": ["once", "again"]}, {**DETAILS[0]}]
        client = await deployment.register(
            grant_types=["authorization_code", "refresh_token", TOKEN_EXCHANGE]
        )
        code = await deployment.code(client, authorization_details=json.dumps(granted))
        tokens = (await deployment.redeem(client, code)).json()

        async def allowed(token: str) -> object:
            info = await deployment.server.validate_token(RESOURCE, token)
            assert info is not None
            return info.authorization_details

        async def refresh(token: str, *details: object) -> dict[str, object]:
            wish = {"authorization_details": json.dumps(details)} if details else {}
            answer = await deployment.post(
                "/token",
                {
                    "grant_type": "refresh_token",
                    "client_id": client["client_id"],
                    "refresh_token": token,
                    **wish,
                },
            )
            body: dict[str, object] = answer.json()
            return body

        head = tokens["refresh_token"]
        more = await refresh(head, {**DETAILS[0], "actions": ["once", "ever"]})
        assert more["error"] == "invalid_authorization_details"
        less = await refresh(head, *DETAILS)
        assert less["authorization_details"] == DETAILS
        assert await allowed(str(less["access_token"])) == DETAILS
        # Whoever retries with the same wish gets the same, with another what was asked.
        assert (await refresh(head, *DETAILS))["refresh_token"] == less["refresh_token"]
        whole = await refresh(head)
        assert whole["refresh_token"] == less["refresh_token"]
        assert whole["authorization_details"] == granted
        assert await allowed(str(whole["access_token"])) == granted
        assert await allowed(str(less["access_token"])) == DETAILS
        # What it is exchanged for does not allow more again.
        exchanged = await deployment.post(
            "/token",
            {
                "grant_type": TOKEN_EXCHANGE,
                "client_id": client["client_id"],
                "subject_token": str(less["access_token"]),
                "subject_token_type": ACCESS_TOKEN_TYPE,
            },
        )
        assert exchanged.json()["authorization_details"] == DETAILS
        assert await allowed(exchanged.json()["access_token"]) == DETAILS


@pytest.mark.requirement("C-29")
async def test_a_code_is_not_narrowed_and_not_used_up_by_asking(
    deploy: Deploy,
) -> None:
    async with deploy(policy=a_policy()) as deployment:
        client = await deployment.register()
        asked = {"authorization_details": json.dumps(DETAILS)}
        code = await deployment.code(client, **asked)
        form = {"grant_type": "authorization_code", "client_id": client["client_id"]}
        refused = await deployment.post("/token", {**form, "code": code, **asked})
        assert refused.json()["error"] == "invalid_authorization_details"
        assert (await deployment.redeem(client, code)).status_code == 200


@pytest.mark.requirement("C-29", "D-11")
async def test_details_stand_in_signed_tokens_too(deploy: Deploy) -> None:
    async with deploy(policy=a_policy(jwt=True)) as deployment:
        client = await deployment.register()
        code = await deployment.code(client, authorization_details=json.dumps(DETAILS))
        tokens = (await deployment.redeem(client, code)).json()
        info = await deployment.server.validate_token(RESOURCE, tokens["access_token"])
        assert info is not None
        assert info.authorization_details == DETAILS


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize("text", ['[{"type": "other"}]', "[", "[]"])
async def test_unknown_details_are_told_to_the_client(
    deploy: Deploy, text: str
) -> None:
    async with deploy(policy=a_policy()) as deployment:
        client = await deployment.register()
        url = deployment.authorize_url(client, authorization_details=text)
        browser = deployment.browser()
        await browser.consent_page(deployment.authorize_url(client))
        answer = await browser.get(url)
        error = query_of(answer.headers["location"])
        assert error["error"] == "invalid_authorization_details"
        form = {**query_of(url), "client_id": client["client_id"]}
        pushed = await deployment.post("/par", form)
        assert pushed.status_code == 400
        assert pushed.json()["error"] == "invalid_authorization_details"
