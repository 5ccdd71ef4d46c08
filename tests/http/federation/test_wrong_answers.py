"""What a service may answer wrongly, late or not at all: nobody is signed in."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from actor_oauth.oauth.federation.id_tokens import MAX_AGE, SKEW
from actor_oauth.oauth.json_values import Json
from tests.http.federation.site import HOST, Site, github, oidc, open_site
from tests.support.login_services import CLIENT_ID, page
from tests.support.signing import signer
from tests.support.web import reply


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "azp"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "aud"),
        ({"aud": 7}, "aud"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iat": None}, "iat"),
        ({"exp": None}, "exp"),
        ({"exp": 1}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"sub": None}, "sub"),
        ({"sub": "x" * 201}, "sub"),
        ({"sub": "a\nb"}, "sub"),
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(
    site: Site,
    claims: dict[str, Json],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser = site.browser()
    answer, _ = await site.sign_in(browser, **claims)
    assert answer.status_code == 403
    assert (await browser.get("/account")).status_code == 302
    # The operator is told what was wrong, the person is not.
    assert says in capsys.readouterr().out
    assert says not in answer.text.partition("<main")[2].partition("<code")[0].split()


@pytest.mark.parametrize("off", [MAX_AGE + 1, -SKEW - 1])
async def test_a_clock_that_is_off_by_minutes_is_told_to_the_operator(
    site: Site, off: int, capsys: pytest.CaptureFixture[str]
) -> None:
    now = site.clock.now() - off
    answer, _ = await site.sign_in(site.browser(), iat=now, exp=now + 300)
    assert answer.status_code == 403
    assert "is a clock wrong?" in capsys.readouterr().out


async def test_a_token_that_somebody_else_signed_signs_nobody_in(site: Site) -> None:
    site.idp.signer = signer("RS256", nth=1)
    answer, _ = await site.sign_in(site.browser())
    assert answer.status_code == 403


async def test_new_keys_of_a_service_are_found_at_most_once_a_minute(
    site: Site,
) -> None:
    await site.sign_in(site.browser())
    assert site.web.count(f"{HOST}/jwks") == 1
    site.idp.signer = signer("RS256", kid="k2", nth=2)
    site.idp.publish()
    assert (await site.sign_in(site.browser()))[0].status_code == 403
    assert site.web.count(f"{HOST}/jwks") == 1
    site.clock.advance(61)
    assert (await site.sign_in(site.browser()))[0].status_code == 303
    assert site.web.count(f"{HOST}/jwks") == 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (None, 403),
        (reply(b"no json"), 403),
        (page({"access_token": "x"}), 403),
        (page({"error": "invalid_grant"}, status="400 Bad Request"), 403),
        (page({}, status="503 Service Unavailable"), 503),
        (reply(b"{" + b" " * 100_000), 403),
    ],
)
async def test_a_token_endpoint_that_gives_no_token_signs_nobody_in(
    site: Site, answer: bytes | None, status: int
) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    site.idp.answer_with(None)
    if answer is not None:
        site.web.pages[f"{HOST}/token"] = answer
    assert (await site.come_back(browser, sent)).status_code == status


@pytest.mark.requirement("I-18", "I-19")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"error": "access_denied"}, 403),
        ({"error": "server_error"}, 403),
        ({"error": "x", "code": "y"}, 403),
        ({}, 403),
        ({"code": "c", "iss": "https://evil.example"}, 403),
    ],
)
async def test_an_answer_without_a_believable_code_sends_none_anywhere(
    site: Site, query: dict[str, str], status: int
) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    url = "/login/callback/idp?" + urlencode({**query, "state": sent["state"]})
    assert (await browser.get(url)).status_code == status
    assert not [head for head in site.web.requests if head.startswith("POST")]


async def test_an_answer_at_another_services_address_is_refused(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path, oidc(), github()) as site:
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == 403
        unknown = await site.come_back(browser, sent, "nobody")
        assert unknown.status_code == 403


async def test_a_service_that_cannot_be_reached_is_worth_another_try(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        site.web.pages[f"{HOST}/.well-known/openid-configuration"] = reply(
            b"{}", status="503 Service Unavailable"
        )
        browser = site.browser()
        answer = await browser.submit(await browser.get("/login"))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]


async def test_what_was_known_of_a_service_serves_while_it_is_away(site: Site) -> None:
    await site.sign_in(site.browser())
    site.clock.advance(3601)
    site.web.pages[f"{HOST}/.well-known/openid-configuration"] = reply(
        b"{}", status="503 Service Unavailable"
    )
    site.web.pages[f"{HOST}/jwks"] = reply(b"{}", status="503 Service Unavailable")
    assert (await site.sign_in(site.browser()))[0].status_code == 303


async def test_a_service_that_says_that_it_is_another_one_is_refused(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        site.idp.publish(issuer="https://evil.example")
        browser = site.browser()
        answer = await browser.submit(await browser.get("/login"))
        assert answer.status_code == 403


async def test_a_service_without_usable_keys_signs_nobody_in(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        site.web.pages[f"{HOST}/jwks"] = page({"keys": "none"})
        assert (await site.sign_in(site.browser()))[0].status_code == 403
        site.web.pages[f"{HOST}/jwks"] = reply(b"", status="500 Oh")
        assert (await site.sign_in(site.browser()))[0].status_code == 503
    async with open_site(tmp_path) as site:
        site.idp.publish(jwks_uri=None)
        assert (await site.sign_in(site.browser()))[0].status_code == 403
