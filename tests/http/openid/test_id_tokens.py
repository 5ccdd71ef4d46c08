"""ID tokens over HTTP: what they tell whom, and what they are bound to."""

from dataclasses import replace

import pytest
import trio

from actor_oauth.actors.authorization_server import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.id_tokens import half_hash
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, parse_algorithm
from tests.http.deployment import ISSUER, Deploy, Deployment, query_of, read_page
from tests.http.openid.signing_in import ON, RESOURCE, SCOPE, USERINFO, read, signed_in
from tests.http.test_jwt_access_tokens import claims_of, jwt_policy, refreshed
from tests.support.signing_keys import a_signing_key


@pytest.mark.requirement("D-11")
@pytest.mark.parametrize("algorithm", [None, *SIGNING_ALGORITHMS])
async def test_a_code_gives_an_id_token_that_verifies(
    openid: Deployment, algorithm: str | None
) -> None:
    asked = {} if algorithm is None else {"id_token_signed_response_alg": algorithm}
    client = await openid.register(**asked)
    signed_in_at = openid.clock.now()

    _, tokens = await signed_in(openid, client)

    token = await read(openid, tokens["id_token"])
    used = algorithm or "RS256"
    assert token.header["alg"] == client["id_token_signed_response_alg"] == used
    sid = token.claims["sid"]
    assert token.claims == {
        "iss": ISSUER,
        "sub": "ada",
        "aud": client["client_id"],
        "iat": signed_in_at,
        "exp": signed_in_at + int(tokens["expires_in"]),
        "at_hash": half_hash(tokens["access_token"], parse_algorithm(used)),
        "auth_time": signed_in_at,
        "nonce": "n-0S6",
        "amr": ["pwd"],
        "sid": sid,
    }
    assert tokens["scope"] == SCOPE
    assert tokens["resource"] == USERINFO


async def test_a_refresh_tells_the_same_sign_in_without_the_nonce(
    openid: Deployment,
) -> None:
    client, tokens = await signed_in(openid)
    first = await read(openid, tokens["id_token"])
    openid.clock.advance(1000)

    again = await refreshed(openid, client, tokens["refresh_token"])

    later = await read(openid, again["id_token"])
    assert "nonce" not in later.claims
    assert later.claims["iat"] == openid.clock.now()
    for name in ("iss", "sub", "aud", "auth_time", "amr", "sid"):
        assert later.claims[name] == first.claims[name]
    at_hash = half_hash(again["access_token"], "RS256")
    assert later.claims["at_hash"] == at_hash != first.claims["at_hash"]


async def test_a_refresh_for_less_tells_nobody(openid: Deployment) -> None:
    client, tokens = await signed_in(openid, scope="openid notes:read offline_access")

    answer = await openid.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": tokens["refresh_token"],
            "scope": "notes:read",
        },
    )

    assert answer.status_code == 200
    assert "id_token" not in answer.json()


@pytest.mark.requirement("D-26", "M-3")
async def test_clients_that_race_are_told_of_the_same_sign_in(
    openid: Deployment,
) -> None:
    client, tokens = await signed_in(openid)
    answers: list[dict[str, str]] = []

    async def refresh() -> None:
        answers.append(await refreshed(openid, client, tokens["refresh_token"]))

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(refresh)

    assert len({answer["access_token"] for answer in answers}) == 1
    hashes = {claims_of(answer["id_token"])["at_hash"] for answer in answers}
    assert hashes == {half_hash(answers[0]["access_token"], "RS256")}


async def test_the_hash_is_that_of_the_token_that_the_client_sees(
    deploy: Deploy,
) -> None:
    async with deploy(policy=replace(jwt_policy(), openid_enabled=True)) as deployment:
        _, tokens = await signed_in(deployment, scope="openid notes:read")
        token = await read(deployment, tokens["id_token"])

    assert "." in tokens["access_token"]
    assert token.claims["at_hash"] == half_hash(tokens["access_token"], "RS256")


@pytest.mark.requirement("C-09", "G-04")
async def test_who_only_signed_in_has_no_access_to_the_resource(
    openid: Deployment,
) -> None:
    _, tokens = await signed_in(openid)
    server = openid.server

    assert await server.validate_token(RESOURCE, tokens["access_token"]) is None
    assert await server.validate_token(USERINFO, tokens["access_token"]) is not None


@pytest.mark.requirement("C-13")
async def test_the_consent_page_says_what_will_be_told(openid: Deployment) -> None:
    client = await openid.register()
    page = await openid.browser().consent_page(
        openid.authorize_url(client, scope="openid email")
    )

    assert "your name on this server" in page.text
    assert "Know who you are" in page.text
    assert "See your email address" in page.text


async def test_what_the_person_does_not_allow_is_not_told(openid: Deployment) -> None:
    client = await openid.register()
    browser = openid.browser()
    page = await browser.consent_page(
        openid.authorize_url(client, scope="openid notes:read")
    )
    fields = dict(read_page(page).forms[0].fields)
    del fields["scope:openid"]

    answer = await browser.http.post(
        "/consent", data={**fields, "decision": "approve"}, headers={"Origin": ISSUER}
    )

    code = query_of(read_page(answer).refresh or "")["code"]
    tokens = (await openid.redeem(client, code)).json()
    assert tokens["scope"] == "notes:read"
    assert "id_token" not in tokens


@pytest.mark.requirement("D-15", "D-16")
async def test_an_id_token_is_for_the_client_that_asked(openid: Deployment) -> None:
    """A code that another client found gives it no ID token about the user."""
    client, other = await openid.register(), await openid.register()
    code = await openid.code(client, scope="openid", nonce="n")

    stolen = await openid.redeem(other, code)

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    own = (await openid.redeem(client, code)).json()
    assert claims_of(own["id_token"])["aud"] == client["client_id"]
    # Used a second time, the code gives no second ID token with the same nonce.
    replayed = await openid.redeem(client, code)
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")


async def test_each_request_has_its_own_nonce(openid: Deployment) -> None:
    client = await openid.register()
    nonces = []
    for nonce in ("one", "two"):
        _, tokens = await signed_in(openid, client, nonce=nonce)
        nonces.append(claims_of(tokens["id_token"])["nonce"])

    assert nonces == ["one", "two"]


async def test_an_application_with_own_pages_says_when_its_user_signed_in(
    openid: Deployment,
) -> None:
    client = await openid.register(require_auth_time=True)
    url = openid.authorize_url(client, scope="openid")
    request = await openid.server.parse_auth_request(url.partition("?")[2])
    assert isinstance(request, AuthorizationRequest)

    with pytest.raises(ValueError, match="auth_time"):
        await openid.server.complete_authorization(request, user_id="eve")
    done = await openid.server.complete_authorization(
        request, user_id="eve", auth_time=1_700_000_000
    )

    assert isinstance(done, Redirect)
    tokens = (await openid.redeem(client, query_of(done.url)["code"])).json()
    claims = claims_of(tokens["id_token"])
    assert (claims["sub"], claims["auth_time"]) == ("eve", 1_700_000_000)
    assert claims.keys().isdisjoint({"amr", "sid", "nonce"})


@pytest.mark.requirement("C-11")
async def test_max_age_is_heeded_as_registered(openid: Deployment) -> None:
    client = await openid.register(default_max_age=60)
    browser = openid.browser()
    await browser.consent_page(openid.authorize_url(client, scope="openid"))
    openid.clock.advance(61)

    old = await browser.get(openid.authorize_url(client, scope="openid", nonce="n"))
    assert 'name="password"' in old.text
    page = await browser.follow(await browser.sign_in(old))
    answer = await browser.submit(page, decision="approve")

    code = query_of(read_page(answer).refresh or "")["code"]
    tokens = (await openid.redeem(client, code)).json()
    assert claims_of(tokens["id_token"])["auth_time"] == openid.clock.now()


@pytest.mark.requirement("M-6", "H-07")
async def test_of_a_grant_that_has_ended_nothing_is_signed(openid: Deployment) -> None:
    client, tokens = await signed_in(openid)
    server = openid.server

    async def ended(token: str) -> bool:
        page = await server.list_user_grants("ada")
        for grant in page.grants:
            await server.revoke_grant("ada", grant.grant_id)
        answer = await openid.post(
            "/token",
            {
                "grant_type": "refresh_token",
                "client_id": client["client_id"],
                "refresh_token": token,
            },
        )
        return "id_token" not in answer.json()

    assert await ended(tokens["refresh_token"])


@pytest.mark.requirement("K-11")
async def test_a_key_that_is_not_in_force_yet_signs_nothing(
    openid: Deployment,
) -> None:
    client = await openid.register()
    code = await openid.code(client, scope="openid")
    late = a_signing_key("RS256", nth=2, active_from=openid.clock.now() + 1)
    keyring = openid.server._effects.keyring
    openid.server.use_keyring(keyring.with_signing_keys((late,)))

    answer = await openid.redeem(client, code)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")


async def test_a_device_is_told_who_signed_in(deploy: Deploy) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    policy = replace(ON, device_authorization_enabled=True)
    async with deploy(policy=policy) as deployment:
        client = await deployment.register(grant_types=[grant], redirect_uris=None)
        id_ = client["client_id"]
        asked = (
            await deployment.post(
                "/device_authorization", {"client_id": id_, "scope": "openid"}
            )
        ).json()
        browser = deployment.browser()
        login = await browser.get(asked["verification_uri_complete"])
        page = await browser.follow(await browser.sign_in(login))
        question = await browser.submit(page)
        await browser.submit(question, decision="approve")
        answer = await deployment.post(
            "/token",
            {
                "grant_type": grant,
                "client_id": id_,
                "device_code": asked["device_code"],
            },
        )

        claims = claims_of(answer.json()["id_token"])
    assert (claims["sub"], claims["amr"]) == ("ada", ["pwd"])


async def test_an_exchanged_token_tells_nobody(deploy: Deploy) -> None:
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    async with deploy(policy=replace(ON, token_exchange_enabled=True)) as deployment:
        client = await deployment.register(
            grant_types=["authorization_code", "refresh_token", exchange]
        )
        _, tokens = await signed_in(deployment, client, scope="openid notes:read")
        answer = await deployment.post(
            "/token",
            {
                "grant_type": exchange,
                "client_id": client["client_id"],
                "subject_token": tokens["access_token"],
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            },
        )
        with_id_token = await deployment.post(
            "/token",
            {
                "grant_type": exchange,
                "client_id": client["client_id"],
                "subject_token": tokens["id_token"],
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            },
        )

    assert answer.status_code == 200, answer.text
    assert "id_token" not in answer.json()
    assert with_id_token.json()["error"] == "invalid_request"
