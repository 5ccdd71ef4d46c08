"""The observer of errors hears of every refusal and fault, beside the answers."""

from dataclasses import dataclass, field, replace

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.callbacks import Callbacks, ObservedError
from actor_oauth.oauth.authorization_answer import AuthorizationError
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.reasons import Reason
from tests.http.deployment import (
    ISSUER,
    Deploy,
    Deployment,
    policy_for,
)


@dataclass
class Observer:
    """Keeps what it is told."""

    told: list[ObservedError] = field(default_factory=list)

    async def on_error(self, error: ObservedError) -> None:
        await trio.lowlevel.checkpoint()
        self.told.append(error)

    async def heard(self) -> list[tuple[str, str, str, int]]:
        """What was told since the last time, in no order, without the rest."""
        await wait_all_tasks_blocked(0.001)
        found = [(e.endpoint, e.reason, e.category, e.status) for e in self.told]
        self.told.clear()
        return sorted(found)


@pytest.fixture
def observer() -> Observer:
    return Observer()


def callbacks(observer: Observer) -> Callbacks:
    return Callbacks(on_error=observer.on_error)


async def test_it_hears_of_refusals_at_every_endpoint_that_clients_call(
    deploy: Deploy, observer: Observer
) -> None:
    policy = replace(
        policy_for(ISSUER),
        device_authorization_enabled=True,
        registration_management_enabled=True,
    )
    async with deploy(policy=policy, callbacks=callbacks(observer)) as deployment:
        browser = deployment.browser()
        for path in ("/token", "/revoke", "/introspect", "/par"):
            await deployment.post(path, {"client_id": "nobody"})
            (told,) = await observer.heard()
            unknown = ("client_unknown", "invalid_client", 401)
            assert told == (path.removeprefix("/"), *unknown)
        await deployment.post("/device_authorization", {"client_id": "nobody"})
        assert [told[0] for told in await observer.heard()] == ["device_authorization"]

        http = browser.http
        await http.post(f"{ISSUER}/register", json={"redirect_uris": ["nowhere"]})
        await http.get(f"{ISSUER}/register/client?client_id=nobody")
        assert await observer.heard() == sorted(
            [
                ("register", "redirect_uri_malformed", "invalid_redirect_uri", 400),
                (
                    "register/client",
                    "registration_token_invalid",
                    "invalid_token",
                    401,
                ),
            ]
        )


async def test_it_hears_of_requests_that_no_endpoint_sees(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        http = deployment.browser().http
        await http.get(f"{ISSUER}/token")
        await http.post(f"{ISSUER}/token", json={})
        await http.post(f"{ISSUER}/token", data={"code": "x" * 70_000})
        await deployment.post("/token", {"client_id": "a"}, Authorization="Basic !")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        await http.post(f"{ISSUER}/token", content=b"a=%ff", headers=form)
        both = [("Authorization", "Basic YQ=="), ("Authorization", "Basic Yg==")]
        await http.post(f"{ISSUER}/revoke", data={"token": "x"}, headers=both)
        assert await observer.heard() == sorted(
            [
                ("token", "method_not_allowed", "method_not_allowed", 405),
                ("token", "media_type_wrong", "invalid_request", 400),
                ("token", "form_too_large", "too_large", 413),
                ("token", "client_credentials_malformed", "invalid_client", 401),
                ("token", "form_malformed", "invalid_request", 400),
                ("revoke", "client_methods_mixed", "invalid_request", 400),
            ]
        )
        await http.get(f"{ISSUER}/wp-login.php")
        assert await observer.heard() == []


async def test_endpoints_are_named_below_the_path_of_the_issuer(
    deploy: Deploy, observer: Observer
) -> None:
    issuer = f"{ISSUER}/tenant"
    async with deploy(
        policy=policy_for(issuer), callbacks=callbacks(observer)
    ) as deployment:
        await deployment.browser().http.get(f"{issuer}/token")
        await deployment.browser().http.get(f"{issuer}/authorize?client_id=nobody")
        assert [told[0] for told in await observer.heard()] == ["authorize", "token"]


async def test_it_hears_of_what_people_are_refused(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        client = await deployment.register()
        browser = deployment.browser()
        await browser.get(f"{ISSUER}/authorize?client_id=nobody")
        await browser.get(deployment.authorize_url(client, code_challenge=None))
        assert await observer.heard() == sorted(
            [
                ("authorize", "authorize_client_unknown", "invalid_request", 400),
                ("authorize", "challenge_missing", "invalid_request", 400),
            ]
        )

        page = await browser.get(deployment.authorize_url(client))
        await browser.sign_in(page, "a wrong password")
        assert await observer.heard() == sorted(
            [("login", "login_refused", "access_denied", 403)]
        )
        page = await browser.consent_page(deployment.authorize_url(client))
        await browser.submit(page, decision="approve", csrf="stolen")
        await browser.submit(page, decision="deny")
        await browser.submit(page, decision="approve")
        assert await observer.heard() == sorted(
            [
                ("consent", "form_foreign", "access_denied", 403),
                ("authorize", "user_denied", "access_denied", 403),
                ("consent", "consent_answered", "access_denied", 410),
            ]
        )
        page = await browser.consent_page(deployment.authorize_url(client))
        await deployment.server.delete_client(client["client_id"])
        await browser.submit(page, decision="approve")
        assert await observer.heard() == sorted(
            [("authorize", "authorize_client_unknown", "invalid_request", 400)]
        )


async def test_it_hears_of_pages_that_cannot_be_read(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        http = deployment.browser().http
        await http.put(f"{ISSUER}/authorize")
        await http.get(f"{ISSUER}/authorize?a=%ff")
        await http.post(f"{ISSUER}/authorize", data={"state": "x" * 20_000})
        assert await observer.heard() == sorted(
            [
                ("", "method_not_allowed", "method_not_allowed", 405),
                ("authorize", "form_malformed", "invalid_request", 400),
                ("authorize", "form_too_large", "too_large", 400),
            ]
        )


@pytest.mark.requirement("D-06")
async def test_it_hears_of_faults_without_their_words(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        client = await deployment.register()
        code = await deployment.code(client)
        deployment.disk.failing = {"user"}
        assert (await deployment.redeem(client, code)).status_code == 503
        await wait_all_tasks_blocked(0.001)
        (told,) = observer.told
        assert told == ObservedError(
            endpoint="token",
            reason="storage_failed",
            category="temporarily_unavailable",
            status=503,
            client_id=None,
            detail="NotDurableError",
        )


async def test_an_answer_never_waits_for_the_observer(deploy: Deploy) -> None:
    async def on_error(_: ObservedError) -> None:
        await trio.sleep_forever()

    callbacks = Callbacks(on_error=on_error, seconds=0.5)
    async with deploy(callbacks=callbacks) as deployment:
        # One after the other they would take 25 seconds.
        with trio.fail_after(60):
            for _ in range(50):
                answer = await deployment.post("/revoke", {"client_id": "nobody"})
                assert answer.status_code in {401, 429}


async def test_a_client_id_is_told_as_far_as_one_can_be_long(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        await deployment.post("/token", {"client_id": "x" * 5000})
        await wait_all_tasks_blocked(0.001)
        (told,) = observer.told
        assert told.client_id == "x" * 2048


async def test_an_application_with_pages_of_its_own_is_told_as_well(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        client = await deployment.register()
        query = deployment.authorize_url(client).partition("?")[2]
        request = await deployment.server.parse_auth_request(query)
        assert isinstance(request, AuthorizationRequest)
        await deployment.server.delete_client(client["client_id"])
        gone = await deployment.server.complete_authorization(request, user_id="bob")
        assert gone == AuthorizationError(reason=Reason.AUTHORIZE_CLIENT_UNKNOWN)
        refused = await deployment.server.registrations.read("nobody", None)
        assert refused
        assert [told[:2] for told in await observer.heard()] == [
            ("authorize", str(Reason.AUTHORIZE_CLIENT_UNKNOWN)),
            ("register/client", str(Reason.REGISTRATION_TOKEN_INVALID)),
        ]


async def wrong_codes(deployment: Deployment, times: int) -> list[int]:
    return [
        (await deployment.post("/token", {"client_id": "nobody"})).status_code
        for _ in range(times)
    ]


@pytest.mark.requirement("E-09")
async def test_it_hears_of_callers_that_are_throttled(
    deploy: Deploy, observer: Observer
) -> None:
    async with deploy(callbacks=callbacks(observer)) as deployment:
        assert (await wrong_codes(deployment, 21))[-1] == 429
        assert (await observer.heard()).count(
            (
                "token",
                "rate_limited",
                "rate_limited",
                429,
            )
        ) == 1
