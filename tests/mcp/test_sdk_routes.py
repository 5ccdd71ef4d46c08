"""A server with the SDK's own authorization routes, on our actors, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from mcp.server.auth.provider import (
    AuthorizationParams,
    AuthorizeError,
    RefreshToken,
    TokenError,
)
from mcp.server.mcpserver import MCPServer
from pydantic import AnyUrl
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.config import Settings
from actor_oauth.mcp import current_caller, require, require_scope
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.mcp.sdk_routes import ActorAuthorizationProvider
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.pkce import challenge_of
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.provider import Provider
from actor_oauth.provider.listening import bind
from tests.mcp.calls import post_call
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.mcp.sdk_client import REDIRECT_URI, McpUser
from tests.support.challenges import parse_challenge

pytestmark = SDK_LEAVES_GENERATORS

VERIFIER = "a-verifier-of-the-right-length-0123456789-abcdef"


@dataclass
class SdkServer:
    """The running server."""

    issuer: str
    server: AuthorizationServer
    provider: ActorAuthorizationProvider

    async def say_yes(self, url: str) -> str:
        """Follow the routes to where the client's user is sent."""
        async with httpx2.AsyncClient(timeout=60) as http:
            answer = await http.get(url)
            while str(answer.headers["location"]).startswith(self.issuer):
                answer = await http.get(answer.headers["location"])
        return str(answer.headers["location"])

    async def post(self, path: str, **form: str) -> httpx2.Response:
        """Send a form to a route."""
        async with httpx2.AsyncClient(timeout=60) as http:
            return await http.post(f"{self.issuer}{path}", data=form)

    async def code(self, client_id: str) -> str:
        """A code for a client."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        url = httpx2.URL(f"{self.issuer}/authorize", params=query)
        target = httpx2.URL(await self.say_yes(str(url)))
        return target.params["code"]


def build(
    server: AuthorizationServer, provider: ActorAuthorizationProvider
) -> MCPServer[object]:
    """An MCP server whose users all say yes at once."""
    with root_logging_kept():
        mcp: MCPServer[object] = MCPServer(
            "sdk", auth_server_provider=provider, auth=provider.auth_settings()
        )

    async def ask(request: Request) -> Response:
        wish = await server.parse_auth_request(request.url.query)
        if not isinstance(wish, AuthorizationRequest):
            return PlainTextResponse("no", status_code=400)
        answer = await server.complete_authorization(wish, user_id="alice", props=["p"])
        assert isinstance(answer, Redirect)
        return RedirectResponse(answer.url, status_code=303)

    mcp.custom_route("/ask", methods=["GET"])(ask)

    @mcp.tool()
    def who() -> str:
        caller = current_caller()
        return f"{caller.user_id} {caller.props}"

    mcp.tool(name="write")(require_scope("notes:write")(lambda: "written"))
    mcp.tool(name="purge")(require(lambda caller: caller.props == "admin")(lambda: 0))
    return mcp


@asynccontextmanager
async def sdk_server(data: Path) -> AsyncIterator[SdkServer]:
    """Serve it on a free port."""
    fd, settings = bind(Settings(data=data, port=0))
    issuer = str(settings.issuer)
    config = Config()
    config.bind = [f"fd://{fd}"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    async with Provider(settings).open() as running, trio.open_nursery() as nursery:
        server = running.server
        provider = ActorAuthorizationProvider(
            server, server.policy.resources[0], authorize_url=f"{issuer}/ask"
        )
        mcp = build(server, provider)
        permitting = provider.with_permissions(mcp, mcp.streamable_http_app())
        app = provider.capture(permitting)
        stop = trio.Event()
        await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait))
        yield SdkServer(issuer, server, provider)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdks_client_goes_the_whole_way_over_the_sdks_routes(
    mode: str, tmp_path: Path
) -> None:
    async with sdk_server(tmp_path) as sdk:
        user = McpUser(f"{sdk.issuer}/mcp", sdk.say_yes)
        async with user.connect(mode) as client:
            result = await client.call_tool("who", {})
            assert result.structured_content == {"result": "alice ['p']"}
            first = user.storage.refresh_token
            user.forget_expiry()
            assert not (await client.call_tool("who", {})).is_error
            assert user.storage.refresh_token != first
            assert user.asked == 1
            assert user.storage.client is not None
            revoked = await sdk.post(
                "/revoke",
                client_id=user.storage.client_id,
                client_secret=user.storage.client.client_secret or "",
                token=user.storage.refresh_token,
            )
            assert revoked.status_code == 200
            assert not (await client.call_tool("who", {})).is_error
            assert user.asked == 2


@pytest.mark.requirement("G-08")
async def test_tools_challenge_and_hide_over_the_sdks_routes_too(
    tmp_path: Path,
) -> None:
    async with sdk_server(tmp_path) as sdk:
        client_id = (await registered(sdk, "none"))["client_id"]
        redeemed = await sdk.post(
            "/token",
            client_id=client_id,
            grant_type="authorization_code",
            code=await sdk.code(client_id),
            redirect_uri=REDIRECT_URI,
            code_verifier=VERIFIER,
        )
        token, url = redeemed.json()["access_token"], f"{sdk.issuer}/mcp"
        for modern in (True, False):
            refused = await post_call(url, "write", modern=modern, token=token)
            assert refused.status_code == 403
            challenge = parse_challenge(refused.headers["www-authenticate"])
            assert challenge["error"] == "insufficient_scope"
            assert challenge["scope"] == "mcp notes:write"
        async with mcp_client(url, token, "auto") as mcp:
            tools = (await mcp.list_tools()).tools
        assert {tool.name for tool in tools} == {"who", "write"}


async def test_the_sdk_demands_what_the_resource_requires_of_everybody(
    tmp_path: Path,
) -> None:
    async with sdk_server(tmp_path) as sdk:
        resource = ResourcePolicy(
            identifier=f"{sdk.issuer}/mcp",
            scopes=("mcp", "notes"),
            default_scopes=("notes",),
            required_scopes=("mcp",),
        )
        provider = ActorAuthorizationProvider(
            sdk.server, resource, authorize_url=f"{sdk.issuer}/ask"
        )
        assert provider.auth_settings().required_scopes == ["mcp"]


async def registered(sdk: SdkServer, method: str | None) -> dict[str, str]:
    """A client that registered at the SDK's route."""
    body: dict[str, object] = {"redirect_uris": [REDIRECT_URI], "client_name": "c"}
    if method is not None:
        body["token_endpoint_auth_method"] = method
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.post(f"{sdk.issuer}/register", json=body)
    assert answer.status_code == 201, answer.text
    members: dict[str, str] = answer.json()
    return members


@pytest.mark.requirement("E-03", "D-07")
@pytest.mark.parametrize("method", ["none", "client_secret_post", None])
async def test_codes_and_secrets_are_judged_by_the_actors_not_by_the_route(
    method: str | None, tmp_path: Path
) -> None:
    async with sdk_server(tmp_path) as sdk:
        client = await registered(sdk, method)
        assert client["client_id"].startswith("aocl_")
        assert (method == "none") == ("client_secret" not in client)
        who = {"client_id": client["client_id"]}
        if "client_secret" in client:
            who["client_secret"] = client["client_secret"]
        code = await sdk.code(client["client_id"])
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        for wrong in (
            {**who, "code_verifier": VERIFIER[::-1]},
            {**who, "redirect_uri": REDIRECT_URI + "/x"},
            {**who, "code": code[:-4] + "AAAA"},
            {**who, "client_secret": "wrong"},
            {"client_id": (await registered(sdk, "none"))["client_id"]},
        ):
            refused = await sdk.post("/token", **{**form, **wrong})
            assert refused.status_code == 400, wrong
            assert refused.json()["error"] in ("invalid_grant", "invalid_client")
        redeemed = await sdk.post("/token", **form, **who)
        assert redeemed.status_code == 200, redeemed.text
        # A replay ends the grant, in the turn that refuses it.
        tokens = redeemed.json()
        assert (await sdk.post("/token", **form, **who)).status_code == 400
        refresh = {
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
        }
        assert (await sdk.post("/token", **refresh, **who)).status_code == 400


@pytest.mark.requirement("D-25", "M-3")
async def test_many_refreshes_over_the_sdks_route_agree_on_one_successor(
    tmp_path: Path,
) -> None:
    async with sdk_server(tmp_path) as sdk:
        client = await registered(sdk, "none")
        who = {"client_id": client["client_id"]}
        code = await sdk.code(client["client_id"])
        form = {"grant_type": "authorization_code", "code_verifier": VERIFIER}
        redeemed = await sdk.post(
            "/token", **form, **who, code=code, redirect_uri=REDIRECT_URI
        )
        token = redeemed.json()["refresh_token"]
        found: list[str] = []

        async def refresh() -> None:
            answer = await sdk.post(
                "/token", grant_type="refresh_token", refresh_token=token, **who
            )
            found.append(answer.json()["refresh_token"])

        async with trio.open_nursery() as nursery:
            for _ in range(16):
                nursery.start_soon(refresh)
        assert len(set(found)) == 1
        wider = await sdk.post(
            "/token",
            **who,
            grant_type="refresh_token",
            refresh_token=found[0],
            scope="mcp other",
        )
        assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


async def test_a_request_that_nobody_captured_gets_nothing(tmp_path: Path) -> None:
    async with sdk_server(tmp_path) as sdk:
        created = await sdk.server.create_client(
            client_name="c", redirect_uris=[REDIRECT_URI], confidential=True
        )
        assert isinstance(created, NewClient)
        provider = sdk.provider
        client = await provider.get_client(created.client.client_id)
        assert client is not None
        # The route refuses a client of that method without a secret in its record.
        assert client.token_endpoint_auth_method != "none"
        assert client.client_secret is None
        code = await sdk.code(created.client.client_id)
        assert await provider.load_authorization_code(client, code) is None
        assert await provider.load_refresh_token(client, "aort_x") is None
        with pytest.raises(TokenError):
            await provider.exchange_refresh_token(
                client, RefreshToken(token="x", client_id="c", scopes=[]), []
            )
        with pytest.raises(AuthorizeError):
            await provider.authorize(
                client,
                AuthorizationParams(
                    state=None,
                    scopes=None,
                    code_challenge="x",
                    redirect_uri=AnyUrl(REDIRECT_URI),
                    redirect_uri_provided_explicitly=True,
                ),
            )


async def test_what_the_actors_refuse_the_routes_tell(tmp_path: Path) -> None:
    async with sdk_server(tmp_path) as sdk, httpx2.AsyncClient(timeout=60) as http:
        body = {"redirect_uris": ["http://app.example/callback"]}
        answer = await http.post(f"{sdk.issuer}/register", json=body)
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            "invalid_redirect_uri",
        )
        client = await registered(sdk, "none")
        query = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": REDIRECT_URI,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "scope": "mcp",
            "resource": "https://elsewhere.example/",
        }
        answer = await http.get(f"{sdk.issuer}/authorize", params=query)
        target = httpx2.URL(answer.headers["location"])
        assert str(target).startswith(REDIRECT_URI)
        assert target.params["error"] == "invalid_target"
        # One of the registered redirect URIs, but for its port.
        query |= {
            "redirect_uri": REDIRECT_URI.replace("3030", "4040"),
            "resource": f"{sdk.issuer}/mcp",
        }
        answer = await http.post(f"{sdk.issuer}/authorize", data=query)
        assert answer.headers["location"].startswith(f"{sdk.issuer}/ask?")
        unknown = {**query, "client_id": "aocl_unknown"}
        answer = await http.get(f"{sdk.issuer}/authorize", params=unknown)
        assert answer.status_code == 400


async def test_an_assertion_is_traded_if_that_grant_is_on(tmp_path: Path) -> None:
    """The route asks only for servers that say so in their settings; ours does not."""
    async with sdk_server(tmp_path) as sdk:
        client = await registered(sdk, "client_secret_post")
        answer = await sdk.post(
            "/token",
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion="x",
        )
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            "unsupported_grant_type",
        )
