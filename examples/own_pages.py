"""An application with login and consent of its own, on the helper API.

    python examples/own_pages.py

The application knows who is signed in, here by a cookie that anybody could set: put your
own session there. It asks in its own words, and its tools find out about the user what it
says when the user agrees (`props`). The request itself stays on the server, under a handle
that is good once, for this user, in this browser. `/grants` lists and revokes.
"""

from functools import partial
from html import escape

import trio
from mcp.server.mcpserver import MCPServer
from quart import Response, make_response, redirect, request
from quart_trio import QuartTrio
from werkzeug import Response as Redirection

from actor_oauth.config import load_settings
from actor_oauth.mcp import current_props
from actor_oauth.provider import (
    AuthorizationError,
    AuthorizationServer,
    ConsentView,
    Interaction,
    Provider,
    Redirect,
    SignIn,
    parse_scope,
)

# Name it `__Host-browser`, and set it `secure`, where the site is https.
BROWSER = "browser"

mcp = MCPServer("own pages")


@mcp.tool()
def my_plan() -> str:
    """What the caller has subscribed to."""
    return f"You are on the {current_props(dict[str, str])['plan']} plan."


def leave(answer: Redirect | AuthorizationError) -> Response | Redirection:
    """Send the browser back to the client, or say here why not."""
    if isinstance(answer, Redirect):
        return redirect(answer.url, 303)
    if answer.redirect_to is not None:
        return redirect(answer.redirect_to, 303)
    return Response(f"This cannot be: {escape(answer.description)}", status=400)


async def ask(server: AuthorizationServer) -> Response | Redirection:
    """Put a client's wish to whoever is signed in."""
    user = request.cookies.get("user")
    wish = await server.parse_auth_request(
        request.query_string.decode(), signed_in=user is not None
    )
    if isinstance(wish, AuthorizationError):
        return leave(wish)
    sign_in = None if user is None else SignIn(user_id=user, auth_time=None)
    needed = await server.required_interaction(wish, sign_in)
    if isinstance(needed, AuthorizationError):
        return leave(needed)
    if user is None or needed is Interaction.SIGN_IN:
        return Response("Sign in first: set the cookie `user`.", status=401)
    browser = request.cookies.get(BROWSER) or server.new_browser_secret()
    if needed is Interaction.NOTHING:
        return leave(
            await server.approve_remembered(
                wish, user_id=user, browser=browser, props={"plan": "gold"}
            )
        )
    handle = await server.begin_consent(wish, user_id=user, browser=browser)
    if isinstance(handle, AuthorizationError):
        return leave(handle)
    view = await server.describe_consent(handle, user_id=user, browser=browser)
    assert view is not None
    page = await make_response(question(handle, view))
    page.set_cookie(BROWSER, browser, httponly=True, samesite="Lax")
    return page


def question(handle: str, view: ConsentView) -> str:
    """The page that asks."""
    unverified = "" if view.is_vetted else " (its name is not verified)"
    boxes = "".join(
        f"<p><label><input type=checkbox name=scope checked value='{scope.name}'>"
        f"{escape(scope.description or scope.name)}</label>"
        for scope in view.scopes
    )
    if view.may_be_remembered:
        boxes += "<p><label><input type=checkbox name=remember value=yes>Always</label>"
    return (
        f"<h1>Shall {escape(view.client_name)}{unverified} act for {escape(view.user_id)}?"
        f"</h1><p>It will send you to {escape(view.redirect_host)}.<form method=post>"
        f"<input type=hidden name=handle value={handle}>{boxes}"
        "<button name=answer value=yes>Yes</button><button>No</button></form>"
    )


async def answer(server: AuthorizationServer) -> Response | Redirection:
    """Take the answer, of which the first counts."""
    form = await request.form
    handle, user = form.get("handle", ""), request.cookies.get("user", "")
    browser = request.cookies.get(BROWSER)
    if form.get("answer") != "yes":
        return leave(await server.deny_consent(handle, user_id=user, browser=browser))
    return leave(
        await server.approve_consent(
            handle,
            user_id=user,
            browser=browser,
            scope=parse_scope(" ".join(form.getlist("scope"))),
            remember=form.get("remember") == "yes",
            props={"plan": "gold"},
            metadata={"asked on": "our page"},
        )
    )


def build_pages(server: AuthorizationServer) -> QuartTrio:
    """The application's pages."""
    app = QuartTrio("own pages")

    @app.get("/authorize")
    async def show_authorize() -> Response | Redirection:
        return await ask(server)

    @app.post("/authorize")
    async def submit_authorize() -> Response | Redirection:
        return await answer(server)

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
