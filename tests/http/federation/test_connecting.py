"""Connecting a service to an account that there is."""

from tests.http.federation.site import ORIGIN, Site, account_of, link, signed_in_locally


async def test_who_is_signed_in_connects_a_service_and_then_signs_in_with_it(
    site: Site,
) -> None:
    browser = await signed_in_locally(site, "ann")
    answer = await link(site, browser)
    assert answer.headers["location"].endswith("/account/sign-ins")
    ways = await browser.get("/account/sign-ins")
    assert "person-1" in ways.text
    other = site.browser()
    await site.sign_in(other)
    assert await account_of(other) == "ann"
    # Disconnected, the service leads to an account of its own again.
    await browser.submit(ways, form=0)
    third = site.browser()
    await site.sign_in(third)
    assert await account_of(third) == "person-1"


async def test_nobody_connects_what_is_connected_to_somebody_else(site: Site) -> None:
    assert (await link(site, await signed_in_locally(site, "ann"))).status_code == 302
    bob = await signed_in_locally(site, "bob")
    assert (await link(site, bob)).status_code == 403
    assert "person-1" not in (await bob.get("/account/sign-ins")).text


async def test_the_pages_of_ways_to_sign_in_are_for_who_is_signed_in(
    site: Site,
) -> None:
    browser = site.browser()
    assert "Continue with" in (await browser.get("/account/sign-ins")).text
    headers = {"Origin": ORIGIN}
    for path in ("/account/sign-ins", "/account/sign-ins/idp"):
        answer = await browser.http.post(path, data={"a": "b"}, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    ann = await signed_in_locally(site, "ann")
    for path in ("/account/sign-ins", "/account/sign-ins/idp"):
        answer = await ann.http.post(path, data={"csrf": "x"}, headers=headers)
        assert answer.status_code == 403
