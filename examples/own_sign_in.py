"""An API for other programs, in an application that has a sign-in of its own.

    ACTOR_OAUTH_RESOURCES='[{"identifier": "http://127.0.0.1:8000/api",
        "scopes": ["notes"], "default_scopes": ["notes"]}]' python examples/own_sign_in.py

The application's pages are at `/app`, for anybody. Who has signed in there is asked by the
provider's own consent page, and nobody needs a second password. `SESSIONS` stands for the
session system that you have.
"""

import secrets
from functools import partial

import trio
from quart import Response, redirect, request
from quart_trio import QuartTrio
from werkzeug import Response as Redirection

from actor_oauth.config import load_settings
from actor_oauth.provider import BrowserRequest, OwnIdentity, Provider
from actor_oauth.resource import verified_token

SESSIONS: dict[str, str] = {}

app = QuartTrio("app")
api = QuartTrio("api")


@app.get("/app/sign-in")
async def ask() -> str:
    """The application's own sign-in; yours asks for more than a name."""
    return "<form method=post>Name: <input name=user><button>Sign in</button></form>"


@app.post("/app/sign-in")
async def sign_in() -> Response | Redirection:
    """Begin a session, and go back to where the person came from."""
    session = secrets.token_urlsafe()
    SESSIONS[session] = (await request.form)["user"]
    back = request.args.get("return_to", "")
    if not back.startswith(f"{provider.issuer}/"):
        back = "/account"
    answer = redirect(back, 303)
    answer.set_cookie("app-session", session, httponly=True, samesite="Lax")
    return answer


@api.get("/api/me")
async def me() -> dict[str, str]:
    """Who calls."""
    return {"user": verified_token(request.scope).user_id}


async def authenticate(browser: BrowserRequest) -> str | None:
    """Whose browser it is, as the application's session says."""
    return SESSIONS.get(browser.cookies.get("app-session", ""))


provider = Provider(
    load_settings(),
    own_identity=OwnIdentity(authenticate=authenticate, sign_in_url="/app/sign-in"),
)
provider.mount(app, path="/app")
provider.protect(api, path="/api")
trio.run(partial(provider.serve, announce=print))
