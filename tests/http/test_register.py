"""Dynamic registration as HTTP."""

from dataclasses import replace

import httpx2
import pytest

from actor_oauth.http import HttpOptions, Rate
from tests.http.deployment import (
    ISSUER,
    LOOPBACK_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
)


async def register(
    deployment: Deployment, body: bytes | str, media_type: str = "application/json"
) -> httpx2.Response:
    return await deployment.browser().http.post(
        "/register", content=body, headers={"Content-Type": media_type}
    )


@pytest.mark.requirement("B-21", "B-22")
async def test_a_client_learns_everything_as_it_was_registered(
    deployment: Deployment,
) -> None:
    answer = await register(
        deployment,
        '{"redirect_uris":["http://localhost/cb"],"client_name":"Größe","x":1}',
        "application/json; charset=utf-8",
    )

    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    members = answer.json()
    assert members["client_name"] == "Größe"
    assert members["client_secret_expires_at"] == 0
    assert members["token_endpoint_auth_method"] == "client_secret_basic"
    assert "x" not in members


@pytest.mark.requirement("A-08")
async def test_no_management_endpoint_is_promised(deployment: Deployment) -> None:
    members = await deployment.register()

    assert "registration_client_uri" not in members
    assert "registration_access_token" not in members


@pytest.mark.requirement("B-24")
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "invalid_client_metadata"),
        (b"{", "invalid_client_metadata"),
        (b"[]", "invalid_client_metadata"),
        (b"\xff", "invalid_client_metadata"),
        (b'"' + b"[" * 5000, "invalid_client_metadata"),
        (b"[" * 30000, "invalid_client_metadata"),
        (b"{}", "invalid_redirect_uri"),
        (b'{"redirect_uris":[]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["javascript:alert(1)"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris":["http://evil.example/"]}', "invalid_redirect_uri"),
    ],
)
async def test_a_registration_that_cannot_be_is_refused(
    deployment: Deployment, body: bytes, error: str
) -> None:
    answer = await register(deployment, body)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.requirement("B-21")
async def test_only_json_of_limited_size_is_read(deployment: Deployment) -> None:
    form = await register(deployment, b"a=b", "application/x-www-form-urlencoded")
    large = await register(deployment, b'{"client_name":"' + b"x" * 70000 + b'"}')

    assert (form.status_code, form.json()["error"]) == (400, "invalid_client_metadata")
    assert (large.status_code, large.json()["error"]) == (413, "invalid_request")


@pytest.mark.requirement("B-21")
async def test_one_address_cannot_register_without_end(deploy: Deploy) -> None:
    options = HttpOptions(registration_rate=Rate(burst=2, interval=30.0))
    body = f'{{"redirect_uris":["{LOOPBACK_CALLBACK}"]}}'
    async with deploy(options=options) as deployment:
        statuses = [(await register(deployment, body)).status_code for _ in range(3)]
        throttled = await register(deployment, body)
        deployment.clock.advance(30)
        later = await register(deployment, body)

    assert statuses == [201, 201, 429]
    assert throttled.json()["error"] == "temporarily_unavailable"
    assert throttled.headers["retry-after"] == "30"
    assert later.status_code == 201


@pytest.mark.requirement("J-19", "B-21")
async def test_behind_a_proxy_each_caller_is_counted_by_itself(deploy: Deploy) -> None:
    options = HttpOptions(
        registration_rate=Rate(burst=1, interval=30.0), trusted_proxy_hops=1
    )
    body = f'{{"redirect_uris":["{LOOPBACK_CALLBACK}"]}}'
    async with deploy(options=options) as deployment:
        http = deployment.browser("10.0.0.1").http
        statuses = []
        for forwarded in ("1.1.1.1, 192.0.2.1", "2.2.2.2, 192.0.2.1", "192.0.2.2"):
            answer = await http.post(
                "/register",
                content=body,
                headers={
                    "Content-Type": "application/json",
                    "X-Forwarded-For": forwarded,
                },
            )
            statuses.append(answer.status_code)

    assert statuses == [201, 429, 201]


@pytest.mark.requirement("A-05", "A-08")
async def test_where_registration_is_off_it_is_neither_promised_nor_done(
    deploy: Deploy,
) -> None:
    policy = replace(policy_for(ISSUER), registration_enabled=False)
    async with deploy(policy=policy) as deployment:
        answer = await register(deployment, b'{"redirect_uris":["http://localhost/"]}')
        document = await deployment.browser().get(
            "/.well-known/oauth-authorization-server"
        )

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert "registration_endpoint" not in document.json()
