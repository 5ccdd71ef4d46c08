"""`examples/tool_permissions.py` as its author would run it, for clients to meet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.mcp.examples import running
from tests.mcp.people import add_user, person
from tests.support.ports import free_port

ALICE, PASSWORD = "alice", "correct horse battery staple"


@dataclass(frozen=True)
class Example:
    """The running example."""

    issuer: str

    @property
    def url(self) -> str:
        """Of the MCP server."""
        return f"{self.issuer}/mcp"

    async def sign_in(self, url: str) -> str:
        """Be alice, who says yes; gives where the client has her sent."""
        return await person(self.issuer, ALICE, PASSWORD)(url)

    async def revoke(self, client_id: str, token: str) -> None:
        """Take back what a client was given, at the endpoint for that."""
        async with httpx2.AsyncClient(timeout=60) as http:
            form = {"client_id": client_id, "token": token}
            answer = await http.post(f"{self.issuer}/revoke", data=form)
        assert answer.status_code == 200


@contextmanager
def example_running(data: Path) -> Iterator[Example]:
    """Run the example, with its scopes and alice."""
    port = free_port()
    resource = {
        "identifier": f"http://127.0.0.1:{port}/mcp",
        "scopes": ["notes", "notes:write"],
        "default_scopes": ["notes"],
    }
    variables = {"ACTOR_OAUTH_RESOURCES": json.dumps([resource])}
    with running("tool_permissions.py", data, port, **variables) as issuer:
        add_user(data, ALICE, PASSWORD)
        yield Example(issuer)
