"""Revocation and introspection as HTTP."""

from base64 import b64encode

import pytest

from tests.http.deployment import VERIFIER, Deployment


def basic(client: dict[str, str]) -> str:
    pair = f"{client['client_id']}:{client['client_secret']}"
    return "Basic " + b64encode(pair.encode()).decode()


async def tokens_for(deployment: Deployment, client: dict[str, str]) -> dict[str, str]:
    code = await deployment.code(client, scope="notes:read offline_access")
    tokens: dict[str, str] = (await deployment.redeem(client, code)).json()
    return tokens


@pytest.mark.requirement("H-03", "J-16")
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_revocation_answers_with_nothing_and_holds_at_once(
    deployment: Deployment, hint: str | None
) -> None:
    client = await deployment.register()
    introspector = await deployment.register(method="client_secret_basic")
    tokens = await tokens_for(deployment, client)
    form = {"token": tokens["refresh_token"], "client_id": client["client_id"]}

    answers = [
        await deployment.post("/revoke", {**form, "token_type_hint": hint or ""})
        for _ in range(2)
    ]
    found = await deployment.post(
        "/introspect",
        {"token": tokens["access_token"]},
        Authorization=basic(introspector),
    )

    for answer in answers:
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
    assert found.json() == {"active": False}


@pytest.mark.requirement("H-03")
async def test_an_unknown_token_is_revoked_already(deployment: Deployment) -> None:
    client = await deployment.register()

    for token in ("x", "aort_" + "A" * 80, "ü", "x" * 5000):
        form = {"token": token, "client_id": client["client_id"]}
        answer = await deployment.post("/revoke", form)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.requirement("H-02", "H-03")
async def test_revocation_needs_a_token_and_a_client(deployment: Deployment) -> None:
    client = await deployment.register()

    no_token = await deployment.post("/revoke", {"client_id": client["client_id"]})
    no_client = await deployment.post("/revoke", {"token": "x"})

    assert (no_token.status_code, no_token.json()["error"]) == (400, "invalid_request")
    assert (no_client.status_code, no_client.json()["error"]) == (401, "invalid_client")


@pytest.mark.requirement("H-04")
async def test_another_clients_token_is_left_alone(deployment: Deployment) -> None:
    client = await deployment.register()
    thief = await deployment.register()
    tokens = await tokens_for(deployment, client)

    answer = await deployment.post(
        "/revoke",
        {"token": tokens["refresh_token"], "client_id": thief["client_id"]},
    )
    refreshed = await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
            "client_id": client["client_id"],
        },
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert refreshed.status_code == 200


@pytest.mark.requirement("H-03", "D-06")
async def test_a_revocation_that_is_not_durable_is_not_answered_as_done(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    tokens = await tokens_for(deployment, client)
    deployment.disk.failing.add("user")

    answer = await deployment.post(
        "/revoke",
        {"token": tokens["refresh_token"], "client_id": client["client_id"]},
    )

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.requirement("H-09", "H-10")
async def test_introspection_tells_an_authenticated_caller_what_a_token_is_worth(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    introspector = await deployment.resource_server()
    tokens = await tokens_for(deployment, client)

    access, refresh = [
        await deployment.post(
            "/introspect", {"token": tokens[kind]}, Authorization=basic(introspector)
        )
        for kind in ("access_token", "refresh_token")
    ]

    found = access.json()
    assert found["active"] is True
    assert found["client_id"] == client["client_id"]
    assert found["aud"] == "https://as.example/mcp"
    assert found["iss"] == "https://as.example"
    assert access.headers["cache-control"] == "no-store"
    assert refresh.json() == {"active": False}


@pytest.mark.requirement("H-09")
async def test_a_client_that_registered_itself_learns_of_its_own_tokens_only(
    deployment: Deployment,
) -> None:
    curious = await deployment.register(method="client_secret_basic")
    tokens = await tokens_for(deployment, await deployment.register())
    code = await deployment.code(curious, scope="notes:read")
    own = await deployment.post(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
        },
        Authorization=basic(curious),
    )

    answers = [
        await deployment.post(
            "/introspect", {"token": token}, Authorization=basic(curious)
        )
        for token in (tokens["access_token"], own.json()["access_token"])
    ]

    assert answers[0].json() == {"active": False}
    assert answers[1].json()["active"] is True


@pytest.mark.requirement("H-09")
async def test_introspection_is_not_for_strangers(deployment: Deployment) -> None:
    public = await deployment.register()

    stranger = await deployment.post("/introspect", {"token": "x"})
    client = await deployment.post(
        "/introspect", {"token": "x", "client_id": public["client_id"]}
    )

    assert stranger.status_code == 401
    assert client.status_code == 401
    assert "access-control-allow-origin" not in stranger.headers
