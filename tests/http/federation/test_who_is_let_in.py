"""What services say of people, and which of them are let in."""

import json
from pathlib import Path

import pytest

from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.json_values import Json
from tests.http.federation.site import (
    HOST,
    Site,
    account_of,
    github,
    link,
    oidc,
    open_site,
    person_in,
    signed_in_locally,
)
from tests.support.login_services import GITHUB_API, page, publish_github
from tests.support.web import reply


async def test_userinfo_says_what_the_id_token_does_not(tmp_path: Path) -> None:
    provider = oidc(everyone=False, domains=["x.example"])
    async with open_site(tmp_path, provider) as site:
        site.idp.publish(userinfo_endpoint=f"https://{HOST}/userinfo")
        about = {"sub": "person-1", "email": "P@X.example", "email_verified": True}
        for said, status in (
            (page(about), 303),
            (page({**about, "sub": "person-2"}), 403),
            (page({**about, "email_verified": "true"}), 403),
            (page({}, status="404 Not Found"), 403),
            (page({}, status="500 Oh"), 503),
        ):
            site.web.pages[f"{HOST}/userinfo"] = said
            assert (await site.sign_in(site.browser()))[0].status_code == status


@pytest.mark.parametrize(
    ("admitted", "claims", "status"),
    [
        ({"users": ["person-1"]}, {}, 303),
        ({"users": ["person-2"]}, {}, 403),
        # Whoever may choose a name could choose another one's, or an address.
        ({"users": ["Ann"]}, {"preferred_username": "Ann"}, 403),
        ({"users": ["a@x.example"]}, {"preferred_username": "a@x.example"}, 403),
        ({"users": ["A@x.example"]}, {"email": "a@X.example"}, 403),
        (
            {"users": ["A@x.example"]},
            {"email": "a@X.example", "email_verified": True},
            303,
        ),
        (
            {"domains": ["X.example"]},
            {"email": "a@x.example", "email_verified": True},
            303,
        ),
        ({"domains": ["x.example"]}, {"email": "a@x.example"}, 403),
        (
            {"domains": ["x.example"]},
            {"email": "a@evil.x.example", "email_verified": True},
            403,
        ),
        (
            {"domains": ["x.example"]},
            {"email": "a@b@x.example", "email_verified": True},
            403,
        ),
        ({"organisations": ["staff"]}, {"groups": ["guests", "staff"]}, 303),
        ({"organisations": ["staff"]}, {"groups": "staff"}, 303),
        ({"organisations": ["staff"]}, {"groups": [7, None]}, 403),
        ({"organisations": ["staff"]}, {"org": "staff"}, 403),
    ],
)
async def test_only_who_is_admitted_signs_in(
    tmp_path: Path, admitted: dict[str, object], claims: dict[str, Json], status: int
) -> None:
    async with open_site(tmp_path, oidc(everyone=False, **admitted)) as site:
        answer, _ = await site.sign_in(site.browser(), **claims)
        assert answer.status_code == status
        created = status == 303
        assert await site.running.server.user_exists(person_in(site)) == created


async def test_where_no_accounts_are_made_only_connected_people_sign_in(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path, oidc(create_accounts=False)) as site:
        assert (await site.sign_in(site.browser()))[0].status_code == 403
        await link(site, await signed_in_locally(site, "ann"))
        browser = site.browser()
        assert (await site.sign_in(browser))[0].status_code == 303
        assert await account_of(browser) == "ann"


async def test_github_says_who_somebody_is(tmp_path: Path) -> None:
    provider = github(everyone=False, organisations=["octo-org"])
    async with open_site(tmp_path, provider) as site:
        publish_github(site.web, orgs=("octo-org",))
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        assert "read:org" in sent["scope"]
        assert "nonce" not in sent
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == 303
        assert await account_of(browser) == "octocat"
        (request,) = [
            head for head in site.web.requests if head.startswith("GET /user HTTP")
        ]
        assert "Authorization: Bearer gho_secret" in request


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("user", page({"login": "octocat"}), 403),
        ("user", page({"id": True, "login": "octocat"}), 403),
        ("user", page({"id": 1}), 403),
        ("user", page([]), 403),
        ("user", reply(b"", status="401 Unauthorized"), 403),
        ("user", reply(b"", status="502 Bad Gateway"), 503),
        ("user/emails", reply(b"", status="404 Not Found"), 303),
        ("user/emails", reply(b"[1, {}]"), 303),
        ("user/emails", reply(b'"text"'), 303),
        ("user/orgs", reply(b"", status="500 Oh"), 503),
    ],
)
async def test_what_github_does_not_say_is_not_made_up(
    tmp_path: Path, path: str, said: bytes, status: int
) -> None:
    async with open_site(tmp_path, github()) as site:
        publish_github(site.web)
        site.web.pages[f"{GITHUB_API}/{path}"] = said
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == status


async def test_a_disabled_account_cannot_sign_in(site: Site) -> None:
    await site.sign_in(site.browser())
    effects = site.running.server.effects
    user = effects.system.get(UserActor, effects.user_key(person_in(site)))
    await user.set_disabled(disabled=True, now=site.clock.now())
    assert (await site.sign_in(site.browser()))[0].status_code == 403


TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("tenant", "issuer", "status"),
    [
        (TENANT, f"https://{HOST}/{TENANT}/v2.0", 303),
        # Of another tenant than it says, of none, of one that is not admitted.
        (TENANT, f"https://{HOST}/0{TENANT[1:]}/v2.0", 403),
        (None, f"https://{HOST}/{TENANT}/v2.0", 403),
        ("{tenantid}", "https://" + HOST + "/{tenantid}/v2.0", 403),
        ("0" + TENANT[1:], f"https://{HOST}/0{TENANT[1:]}/v2.0", 403),
    ],
)
async def test_people_of_one_tenant_of_many_sign_in(
    tmp_path: Path, tenant: str | None, issuer: str, status: int
) -> None:
    template = "https://" + HOST + "/{tenantid}/v2.0"
    provider = oidc(
        issuer=template,
        everyone=False,
        organisation_claim="tid",
        organisations=[TENANT],
    )
    async with open_site(tmp_path, provider) as site:
        known = f"{HOST}/.well-known/openid-configuration"
        document = site.web.pages.pop(known)
        assert isinstance(document, bytes)
        members = json.loads(document.partition(b"\r\n\r\n")[2])
        site.web.pages[f"{known}/organizations/v2.0"] = page(
            {**members, "issuer": template}
        )
        answer, _ = await site.sign_in(site.browser(), iss=issuer, tid=tenant)
        assert answer.status_code == status
        account = site.running.server.federated_user_id(issuer, "person-1")
        assert await site.running.server.user_exists(account) == (status == 303)
