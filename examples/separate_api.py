"""An API in a process of its own, on asyncio, that asks the provider about each token.

    actor-oauth clients add --name "Notes API" --confidential --json \
        --redirect-uri https://notes.example/unused
    ISSUER=http://127.0.0.1:8000 CLIENT_ID=… CLIENT_SECRET=… \
        uvicorn --port 8001 separate_api:app

The provider must know the resource: `resources` in its settings names
`http://127.0.0.1:8001/notes`. Any other ASGI framework takes the same middleware.
"""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from actor_oauth.resource import (
    AccessTokenInfo,
    BearerMiddleware,
    IntrospectedTokens,
    IntrospectionEndpoint,
    ResourcePolicy,
    ResourceServer,
    verified_token,
)

issuer = os.environ["ISSUER"]
resource = ResourcePolicy(
    identifier=os.environ.get("RESOURCE", "http://127.0.0.1:8001/notes"),
    scopes=("notes",),
    default_scopes=("notes",),
)
endpoint = IntrospectionEndpoint(
    f"{issuer}/introspect",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
)
tokens = IntrospectedTokens(endpoint, issuer=issuer)
server = ResourceServer(resource, issuer=issuer, validate_token=tokens.validate_token)

app = FastAPI()
app.add_middleware(BearerMiddleware, resource_server=server, public=("/health",))
notes: dict[str, list[str]] = {}


def caller_of(request: Request) -> AccessTokenInfo:
    """Who calls: user, client and scope."""
    return verified_token(request.scope)


Caller = Annotated[AccessTokenInfo, Depends(caller_of)]


@app.get("/notes")
async def read_notes(caller: Caller) -> list[str]:
    """The caller's own notes."""
    return notes.get(caller.user_id, [])


@app.post("/notes", status_code=201)
async def write_note(request: Request, caller: Caller) -> None:
    """Add a note to the caller's own."""
    notes.setdefault(caller.user_id, []).append((await request.body()).decode())


@app.get("/health")
async def health() -> str:
    """Whether it runs; nobody needs a token for that."""
    return "ok"
