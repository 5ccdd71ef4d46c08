"""An application with login and consent of its own, on the helper API.

    python examples/own_pages.py

The application knows who is signed in, here by a cookie that anybody could set: put your
own session there. It parses the request, asks in its own words, and completes it with
what its tools shall know about the user (`props`). `/grants` lists and revokes.
"""

from functools import partial
from html import escape

import trio
from mcp.server.mcpserver import MCPServer
from quart import Response, redirect, request
from quart_trio import QuartTrio
from werkzeug import Response as Redirection

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.config import load_settings
from actor_oauth.mcp import current_props
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.provider import Provider

SEALED = "consent form"

mcp = MCPServer("own pages")


@mcp.tool()
def my_plan() -> str:
    """What the caller has subscribed to."""
    return f"You are on the {current_props(dict[str, str])['plan']} plan."


def build_pages(server: AuthorizationServer) -> QuartTrio:
    """The application's pages."""
    app = QuartTrio("own pages")

    @app.get("/authorize")
    async def ask() -> Response:
        query = request.query_string.decode()
        wish = await server.parse_auth_request(query)
        if not isinstance(wish, AuthorizationRequest):
            return Response(f"This cannot be: {wish.reason.description}", status=400)
        client = await server.lookup_client(wish.client_id)
        name = escape((client and client.client_name) or wish.client_id)
        # Sealed for this user, so that no other page can have the form sent for them.
        form = server.seal(SEALED, f"{request.cookies.get('user')}\n{query}".encode())
        return Response(
            f"<h1>Shall {name} act for you?</h1><form method=post>"
            f'<input type=hidden name=form value="{form}"><button>Yes</button></form>'
        )

    @app.post("/authorize")
    async def answer() -> Response | Redirection:
        form = server.unseal(SEALED, (await request.form).get("form", ""))
        user, _, query = (form or b"").decode().partition("\n")
        if not query or user != request.cookies.get("user"):
            return Response("Start again, please.", status=400)
        wish = await server.parse_auth_request(query)
        assert isinstance(wish, AuthorizationRequest)
        url = await server.complete_authorization(
            wish,
            user_id=user,
            props={"plan": "gold"},
            metadata={"asked on": "our page"},
        )
        return redirect(url, 303)

    @app.get("/grants")
    async def grants() -> list[str]:
        page = await server.list_user_grants(request.cookies["user"])
        return [grant.grant_id for grant in page.grants]

    @app.delete("/grants/<grant_id>")
    async def revoke(grant_id: str) -> Response:
        found = await server.revoke_grant(request.cookies["user"], grant_id)
        return Response("", status=204 if found else 404)

    return app


provider = Provider(load_settings(), pages=build_pages)
provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
