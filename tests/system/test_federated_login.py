"""Signing in with an OpenID provider that no one here wrote, over real HTTP."""

from pathlib import Path

import pytest

from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from tests.http.deployment import Browser, query_of, read_page
from tests.support.openid_provider import openid_provider, pass_its_pages

ORIGIN = "http://127.0.0.1:8000"
CALLBACK = ORIGIN + "/login/callback/idp"


@pytest.mark.needs("node22", "oidc-provider")
@pytest.mark.parametrize(("login", "admitted"), [("ann", True), ("eve", False)])
async def test_a_person_signs_in_with_a_real_openid_provider(
    tmp_path: Path, login: str, *, admitted: bool
) -> None:
    async with openid_provider(CALLBACK) as issuer:
        settings = Settings.model_validate(
            {
                "issuer": ORIGIN,
                "data": tmp_path,
                "loopback_upstreams": True,
                "login_providers": [
                    {
                        "name": "idp",
                        "kind": "oidc",
                        "issuer": issuer,
                        "client_id": "us",
                        "client_secret": "secret",
                        "method": "client_secret_basic",
                        "users": ["ann@people.example"],
                    }
                ],
            }
        )
        async with Provider(settings).open() as running:
            browser = Browser(running.app, ORIGIN, address="127.0.0.1")
            departure = await browser.submit(await browser.get("/login"))
            url = read_page(departure).refresh
            assert url is not None
            assert url.startswith(issuer)
            # It takes pushed requests, and has the nonce from there.
            assert set(query_of(url)) == {"client_id", "request_uri"}
            back = await pass_its_pages(url, login, callback=CALLBACK)
            answer = await browser.get(back.removeprefix(ORIGIN))
            assert answer.status_code == (303 if admitted else 403), answer.text
            account = await browser.get("/account")
            assert (account.status_code == 200) == admitted
            exists = running.server.federated_user_id(issuer, login)
            assert await running.server.user_exists(exists) == admitted
