"""An application's own pages on the helper API: the example, run as a program."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import trio

from tests.mcp.examples import running
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.support.ports import free_port

pytestmark = SDK_LEAVES_GENERATORS

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()
CALLBACK = "http://127.0.0.1:1/callback"


async def log_in_and_out(issuer: str) -> list[object]:
    """What the tool says, then what it and the refresh token say after a revocation."""
    async with httpx2.AsyncClient(base_url=issuer, cookies={"user": "ada"}) as http:
        registration = {
            "client_name": "<b>Sly</b>",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }
        client = (await http.post("/register", json=registration)).json()
        wish = {
            "client_id": client["client_id"],
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "s",
            "code_challenge": CHALLENGE.rstrip("="),
            "code_challenge_method": "S256",
        }
        page = await http.get("/authorize", params=wish)
        assert "&lt;b&gt;Sly" in page.text
        handle = re.search(r"name=handle value=([\w-]+)", page.text)
        assert handle is not None
        form = {"handle": handle[1], "answer": "yes", "scope": "mcp"}
        async with httpx2.AsyncClient(
            base_url=issuer, cookies={"user": "ada"}
        ) as other:
            stolen = await other.post("/authorize", data=form)
        assert stolen.status_code == 400
        sent = await http.post("/authorize", data=form)
        again = await http.post("/authorize", data=form)
        assert again.status_code == 400
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (back["state"], back["iss"]) == (["s"], [issuer])
        exchange = {
            "grant_type": "authorization_code",
            "client_id": client["client_id"],
            "code": back["code"][0],
            "code_verifier": VERIFIER,
        }
        tokens = (await http.post("/token", data=exchange)).json()
        async with mcp_client(f"{issuer}/mcp", tokens["access_token"], "auto") as mcp:
            said = (await mcp.call_tool("my_plan", {})).structured_content
        (grant,) = (await http.get("/grants")).json()
        assert (await http.delete(f"/grants/{grant}")).status_code == 204
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        refused = await http.post("/mcp", headers=bearer)
        renewal = {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": tokens["refresh_token"],
        }
        renewed = (await http.post("/token", data=renewal)).json()
        return [said, refused.status_code, renewed["error"]]


def test_an_application_asks_on_its_own_pages_and_its_tools_get_the_props(
    tmp_path: Path,
) -> None:
    with running("own_pages.py", tmp_path, free_port()) as issuer:
        said = trio.run(log_in_and_out, issuer)

    assert said == [
        {"result": "You are on the gold plan."},
        401,
        "invalid_grant",
    ]


def test_who_signed_in_at_the_application_is_known_to_the_provider(
    tmp_path: Path,
) -> None:
    port = free_port()
    resource = {"identifier": f"http://127.0.0.1:{port}/api", "scopes": ["notes"]}

    async def visit(issuer: str) -> tuple[httpx2.Response, httpx2.Response]:
        async with httpx2.AsyncClient(follow_redirects=True, timeout=60) as browser:
            asked = await browser.get(f"{issuer}/account")
            known = await browser.post(asked.url, data={"user": "alice"})
            return known, await browser.get(f"{issuer}/api/me")

    variables = {"ACTOR_OAUTH_RESOURCES": json.dumps([resource])}
    with running("own_sign_in.py", tmp_path, port, **variables) as issuer:
        known, stranger = trio.run(visit, issuer)
    assert known.url == f"{issuer}/account"
    assert "alice" in known.text
    assert stranger.status_code == 401
