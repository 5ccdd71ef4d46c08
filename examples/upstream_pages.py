"""Pages of one's own, a sign-in with GitHub after them, its tokens in each grant's props.

    GITHUB_CLIENT_ID=… GITHUB_CLIENT_SECRET=… python examples/upstream_pages.py

The page asks before anybody is sent to GitHub. Whoever comes back has a grant, and tools
find GitHub's token in its props, refreshed together with the grant. For tokens that
expire, and so are refreshed, register a GitHub App; its callback is
http://127.0.0.1:8000/login/callback/github.
"""

import os
from functools import partial
from html import escape

import httpx2
import trio
from mcp.server.mcpserver import MCPServer
from quart import Response, make_response, redirect, request
from quart_trio import QuartTrio
from werkzeug import Response as Redirection

from actor_oauth.config import load_settings
from actor_oauth.mcp import current_props
from actor_oauth.provider import (
    AuthorizationError,
    Callbacks,
    Provider,
    Redirect,
    SignInRefused,
    TokenChanges,
    TokenContext,
    TokenRefusal,
)

# Name it `__Host-browser`, and set it `secure`, where the site is https.
BROWSER = "browser"
API = os.environ.get("GITHUB_API", "https://api.github.com")

GITHUB = {
    "name": "github",
    "kind": "github",
    "issuer": os.environ.get("GITHUB_URL", "https://github.com"),
    "api_url": API,
    "client_id": os.environ["GITHUB_CLIENT_ID"],
    "client_secret": os.environ["GITHUB_CLIENT_SECRET"],
    "everyone": True,
}

mcp = MCPServer("my own pages, then GitHub")
pages = QuartTrio("own pages")


@mcp.tool()
async def my_login() -> str:
    """What GitHub calls the caller."""
    token = current_props(dict[str, dict[str, object]])["upstream"]["access_token"]
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.get(f"{API}/user")
    return str(answer.raise_for_status().json()["login"])


async def keep_fresh(
    context: TokenContext,
) -> TokenChanges | TokenRefusal | None:
    """Refresh GitHub's tokens with the grant that holds them."""
    return await provider.refresh_upstream(context)


def leave(answer: Redirect | AuthorizationError) -> Response | Redirection:
    """Send the browser back to the client, or say here why not."""
    url = answer.url if isinstance(answer, Redirect) else answer.redirect_to
    if url is not None:
        return redirect(url, 303)
    assert isinstance(answer, AuthorizationError)
    return Response(f"This cannot be: {escape(answer.description)}", status=400)


@pages.get("/authorize")
async def ask() -> Response | Redirection:
    """Ask whoever sits there, before anybody signs in."""
    server = provider.server
    wish = await server.parse_auth_request(request.query_string.decode())
    if isinstance(wish, AuthorizationError):
        return leave(wish)
    needed = await server.required_interaction(wish, None)
    if isinstance(needed, AuthorizationError):
        return leave(needed)
    browser = request.cookies.get(BROWSER) or server.new_browser_secret()
    question = await provider.ask_upstream(wish, browser=browser)
    if isinstance(question, AuthorizationError):
        return leave(question)
    view = question.view
    unverified = "" if view.is_vetted else " (its name is not verified)"
    page = await make_response(
        f"<h1>Shall {escape(view.client_name)}{unverified} act for you?</h1>"
        f"<p>It will send you to {escape(view.redirect_host)}.<form method=post>"
        f"<input type=hidden name=ticket value='{question.ticket}'>"
        "<button name=answer value=yes>Yes, sign in with GitHub</button>"
        "<button>No</button></form>"
    )
    page.set_cookie(BROWSER, browser, httponly=True, samesite="Lax")
    return page


@pages.post("/authorize")
async def go() -> Response | Redirection:
    """Take the answer: after a yes, go to GitHub."""
    form = await request.form
    ticket, browser = form["ticket"], request.cookies.get(BROWSER, "-" * 20)
    if form.get("answer") != "yes":
        return leave(await provider.deny_upstream(ticket, browser=browser))
    outward = await provider.begin_upstream("github", browser=browser, ticket=ticket)
    if isinstance(outward, SignInRefused):
        return Response(outward.fault.text, status=403)
    return redirect(outward.url, 303)


@pages.get("/login/callback/github")
async def come_back() -> Response | Redirection:
    """Give the client its grant."""
    back = await provider.finish_upstream(
        "github", request.query_string.decode(), browser=request.cookies.get(BROWSER)
    )
    if isinstance(back, SignInRefused):
        if back.error is not None:
            return leave(back.error)
        return Response(back.fault.text, status=403)
    return leave(
        await provider.complete_upstream(
            back, props={"upstream": back.tokens.to_props()}
        )
    )


provider = Provider(
    load_settings(overrides={"login_providers": [GITHUB]}),
    pages=lambda _: pages,
    callbacks=Callbacks(on_token_exchange=keep_fresh),
)
provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
