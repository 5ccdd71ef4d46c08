"""Any ASGI application behind the guard; here one of Quart-Trio, with two scopes.

    ACTOR_OAUTH_RESOURCES='[{"identifier": "http://127.0.0.1:8000/api",
        "scopes": ["notes", "notes:write"], "default_scopes": ["notes"]}]' \
    python examples/http_api.py

Whoever has `notes` may read. Writing needs `notes:write` besides: a caller without it
is told which scopes to come back with, and its client asks the user for them.
"""

from functools import partial

import trio
from quart import Response, request
from quart_trio import QuartTrio

from actor_oauth.config import load_settings
from actor_oauth.provider import Provider
from actor_oauth.resource import require_scopes, verified_token

app = QuartTrio("notes")
notes: dict[str, list[str]] = {}


@app.get("/api/notes")
async def read_notes() -> list[str]:
    """The caller's own notes."""
    return notes.get(verified_token(request.scope).user_id, [])


@app.post("/api/notes")
async def write_note() -> Response:
    """Add a note to the caller's own."""
    if refusal := require_scopes(request.scope, "notes", "notes:write"):
        headers = {name.decode(): value.decode() for name, value in refusal.headers}
        return Response(refusal.body, status=refusal.status, headers=headers)
    text = (await request.body).decode()
    author = verified_token(request.scope).user_id
    notes.setdefault(author, []).append(text)
    return Response("", status=201)


provider = Provider(load_settings())
provider.protect(app, path="/api", scopes=["notes"])
trio.run(partial(provider.serve, announce=print))
