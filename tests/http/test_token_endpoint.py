"""The token endpoint as HTTP: forms, credentials, statuses, headers."""

import pytest
import trio

from actor_oauth.http import HttpOptions, Rate
from tests.http.deployment import VERIFIER, Deploy, Deployment, basic

FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement("D-04", "J-12")
async def test_a_code_becomes_tokens_that_no_cache_may_keep(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")

    answer = await deployment.redeem(client, code)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert set(tokens["scope"].split()) == {"notes:read", "offline_access"}
    assert tokens["access_token"] != tokens["refresh_token"]


@pytest.mark.requirement("D-20")
async def test_a_scope_sent_with_the_code_widens_nothing(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read")

    answer = await deployment.post(
        "/token",
        {
            "grant_type": "authorization_code",
            "client_id": client["client_id"],
            "code": code,
            "code_verifier": VERIFIER,
            "scope": "notes:read notes:write",
        },
    )

    assert answer.json()["scope"] == "notes:read"


@pytest.mark.requirement("D-05", "D-06")
@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"x": "y"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_id": "ID"}, 400, "invalid_request"),
        ({"client_id": "ID", "grant_type": ""}, 400, "invalid_request"),
        ({"client_id": "ID", "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "ID", "grant_type": "refresh_token"}, 400, "invalid_request"),
        (
            {"client_id": "ID", "grant_type": "refresh_token", "refresh_token": "x"},
            400,
            "invalid_grant",
        ),
        (
            {
                "client_id": "ID",
                "grant_type": "authorization_code",
                "code": "x",
                "code_verifier": VERIFIER,
            },
            400,
            "invalid_grant",
        ),
        (
            {"client_id": "ID", "grant_type": "authorization_code", "code": "x"},
            400,
            "invalid_request",
        ),
    ],
)
async def test_errors_are_json_that_no_cache_may_keep(
    deployment: Deployment, form: dict[str, str], status: int, error: str
) -> None:
    client = await deployment.register()
    sent = {k: v.replace("ID", client["client_id"]) for k, v in form.items()}

    answer = await deployment.post("/token", sent)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.requirement("D-02")
async def test_a_repeated_parameter_is_refused(deployment: Deployment) -> None:
    client = await deployment.register()
    body = f"client_id={client['client_id']}&grant_type=refresh_token&grant_type=x"

    answer = await deployment.browser().http.post(
        "/token", content=body, headers={"Content-Type": FORM}
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("D-01", "E-09")
async def test_parameters_in_the_query_string_are_ignored(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    path = f"/token?client_id={client['client_id']}&grant_type=refresh_token"

    answer = await deployment.post(path, {"refresh_token": "x"})

    assert answer.json()["error"] == "invalid_client"


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize("body", [b"\xff=1", b"a=%ff", b"%c3%28=x"])
async def test_a_form_that_is_not_utf8_is_refused(
    deployment: Deployment, body: bytes
) -> None:
    answer = await deployment.browser().http.post(
        "/token", content=body, headers={"Content-Type": FORM}
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("E-08")
async def test_a_challenge_is_given_only_to_who_used_the_header(
    deployment: Deployment,
) -> None:
    client = await deployment.register(method="client_secret_basic")
    client_id = client["client_id"]
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    by_header = await deployment.post(
        "/token", form, Authorization=basic(client_id, "wrong")
    )
    by_body = await deployment.post(
        "/token", {**form, "client_id": client_id, "client_secret": "wrong"}
    )

    for answer in (by_header, by_body):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert by_header.headers["www-authenticate"].startswith("Basic realm=")
    assert "www-authenticate" not in by_body.headers


@pytest.mark.requirement("E-08", "K-03")
async def test_an_unknown_client_and_a_wrong_secret_look_the_same(
    deployment: Deployment,
) -> None:
    client = await deployment.register(method="client_secret_basic")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    known, unknown, broken = [
        await deployment.post("/token", form, Authorization=value)
        for value in (
            basic(client["client_id"], "wrong"),
            basic("aocl_unknown", "wrong"),
            "Basic ???",
        )
    ]

    assert known.json() == unknown.json() == broken.json()
    assert known.headers == unknown.headers == broken.headers


@pytest.mark.requirement("E-01", "E-04")
async def test_a_secret_is_accepted_in_the_way_that_was_registered(
    deployment: Deployment,
) -> None:
    client = await deployment.register(method="client_secret_basic")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    answer = await deployment.post(
        "/token",
        form,
        Authorization=basic(client["client_id"], client["client_secret"]),
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("E-02")
async def test_two_authorization_headers_are_refused(deployment: Deployment) -> None:
    client = await deployment.register(method="client_secret_basic")
    value = basic(client["client_id"], client["client_secret"])

    answer = await deployment.browser().http.post(
        "/token",
        data={"grant_type": "refresh_token", "refresh_token": "x"},
        headers=[("Authorization", value), ("Authorization", value)],
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("E-09")
async def test_failed_authentication_is_slowed_down_for_that_client_and_address(
    deploy: Deploy,
) -> None:
    options = HttpOptions(client_failure_rate=Rate(burst=3, interval=10.0))
    async with deploy(options=options) as deployment:
        client = await deployment.register(method="client_secret_basic")
        innocent = await deployment.register()
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        right = basic(client["client_id"], client["client_secret"])
        wrong = basic(client["client_id"], "wrong")

        for _ in range(3):
            refused = await deployment.post("/token", form, Authorization=wrong)
            assert refused.status_code == 401
        throttled = await deployment.post("/token", form, Authorization=right)
        other = await deployment.post(
            "/token", {**form, "client_id": innocent["client_id"]}
        )
        elsewhere = await deployment.browser("203.0.113.99").http.post(
            "/token", data=form, headers={"Authorization": right}
        )
        deployment.clock.advance(10)
        later = await deployment.post("/token", form, Authorization=right)

    assert throttled.status_code == 429
    assert throttled.json()["error"] == "temporarily_unavailable"
    assert throttled.headers["retry-after"] == "10"
    assert throttled.headers["access-control-allow-origin"] == "*"
    assert other.json()["error"] == "invalid_grant"
    assert elsewhere.json()["error"] == "invalid_grant"
    assert later.json()["error"] == "invalid_grant"


@pytest.mark.requirement("E-09")
async def test_an_address_that_tries_many_clients_is_slowed_down(
    deploy: Deploy,
) -> None:
    options = HttpOptions(address_failure_rate=Rate(burst=5, interval=10.0))
    async with deploy(options=options) as deployment:
        statuses = [
            (await deployment.post("/token", {"client_id": f"x{n}"})).status_code
            for n in range(7)
        ]

    assert statuses == [401] * 5 + [429] * 2


@pytest.mark.requirement("D-06")
async def test_a_client_that_is_who_it_says_never_meets_a_limit(
    deploy: Deploy,
) -> None:
    options = HttpOptions(client_failure_rate=Rate(burst=1, interval=1000.0))
    async with deploy(options=options) as deployment:
        client = await deployment.register()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": "x",
            "client_id": client["client_id"],
        }

        for _ in range(50):
            assert (await deployment.post("/token", form)).status_code == 400


@pytest.mark.requirement("D-06")
async def test_a_disk_that_does_not_confirm_is_never_the_grants_fault(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    token = (await deployment.redeem(client, code)).json()["refresh_token"]
    deployment.disk.failing.add("user")
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": client["client_id"],
    }

    failed = await deployment.post("/token", form)
    deployment.disk.failing.clear()
    retried = await deployment.post("/token", form)

    assert failed.status_code == 503
    assert failed.json()["error"] == "temporarily_unavailable"
    assert int(failed.headers["retry-after"]) >= 1
    assert failed.headers["access-control-allow-origin"] == "*"
    assert retried.status_code == 200


@pytest.mark.requirement("D-25", "D-26", "M-3")
async def test_many_refreshes_at_once_agree_on_one_successor(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    token = (await deployment.redeem(client, code)).json()["refresh_token"]
    answers = []

    async def refresh() -> None:
        answers.append(
            await deployment.post(
                "/token",
                {
                    "grant_type": "refresh_token",
                    "refresh_token": token,
                    "client_id": client["client_id"],
                },
            )
        )

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(refresh)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
