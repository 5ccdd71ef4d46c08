"""Signing in with services that want authorization requests pushed to them (RFC 9126)."""

from pathlib import Path

import pytest

from tests.http.deployment import query_of, read_page
from tests.http.federation.site import HOST, open_site
from tests.support.login_services import CLIENT_ID, page

NAME = "urn:ietf:params:oauth:request_uri:1"


@pytest.mark.requirement("I-15")
async def test_a_browser_carries_only_the_name_of_what_was_pushed(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        site.idp.publish(
            pushed_authorization_request_endpoint=f"https://{HOST}/par",
            require_pushed_authorization_requests=True,
        )
        site.web.pages[f"{HOST}/par"] = page(
            {"request_uri": NAME, "expires_in": 60}, status="201 Created"
        )
        browser = site.browser()

        departure = await browser.submit(await browser.get("/login"))

        url = read_page(departure).refresh
        assert url is not None
        assert query_of(url) == {"client_id": CLIENT_ID, "request_uri": NAME}


@pytest.mark.requirement("I-15")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (page({"error": "invalid_request"}, status="400 Bad Request"), 403),
        (page({}, status="503 Service Unavailable"), 503),
    ],
)
async def test_who_cannot_push_where_it_is_insisted_on_is_told_so(
    tmp_path: Path, answer: bytes, status: int
) -> None:
    async with open_site(tmp_path) as site:
        site.idp.publish(
            pushed_authorization_request_endpoint=f"https://{HOST}/par",
            require_pushed_authorization_requests=True,
        )
        site.web.pages[f"{HOST}/par"] = answer
        browser = site.browser()

        refused = await browser.submit(await browser.get("/login"))

        assert refused.status_code == status
        assert "invalid_request" not in refused.text
