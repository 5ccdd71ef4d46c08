"""An organization decides who may use a server, and with what: nobody sees a page.

    python examples/enterprise.py

All three parties in one program: the organization's identity provider (a few lines that stand
for a real one), an MCP server that trusts it, and an application whose user has signed in
there. docs/enterprise.md tells how to set up each of them.
"""

import secrets
from functools import partial

import httpx2
import trio
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from mcp import Client
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from actor_oauth.config import load_settings
from actor_oauth.mcp import CurrentCaller
from actor_oauth.provider import NewClient, Provider
from actor_oauth.runtime import SystemClock

# The identity provider: it has a key, and an administrator who says who may.
IDP = "https://acme.idp.example"
idp_key = OKPKey.generate_key("Ed25519", {"kid": "acme-1"})
admitted = {"alice"}


def id_jag(person: str, client_id: str, audience: str, resource: str) -> str:
    """Say that a person may use a resource through an application: once, for five minutes."""
    if person not in admitted:
        raise PermissionError(f"{person} may not")
    now = SystemClock().now()
    claims = {
        "iss": IDP,
        "sub": person,
        "email": f"{person}@acme.example",
        "aud": audience,
        "resource": resource,
        "client_id": client_id,
        "scope": "mcp",
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + 300,
    }
    header = {"alg": "EdDSA", "kid": "acme-1", "typ": "oauth-id-jag+jwt"}
    return jwt.encode(header, claims, idp_key, algorithms=["EdDSA"])


# The server: trusts that key. A real identity provider publishes it, at a `jwks_uri`.
mcp = MCPServer("payroll")
acme = {
    "issuer": IDP,
    "jwks": KeySet([idp_key]).as_dict(private=False),
    "props_claims": ["email"],
}
provider = Provider(load_settings(overrides={"trusted_issuers": [acme]}))
provider.protect_mcp(mcp)


@mcp.tool()
def greet(caller: CurrentCaller) -> str:
    """Greet whoever the organization sent."""
    return f"Hello, {caller.props_as(dict[str, str])['email']}!"


class Forgetful:
    """Where the application keeps tokens: nowhere, it can always get another."""

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None: ...

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(
        self, client_info: OAuthClientInformationFull
    ) -> None: ...


async def greeting(person: str, application: NewClient) -> str:
    """What the application is told for its user."""
    issuer, client_id = provider.issuer, application.client.client_id

    async def fetch(audience: str, resource: str) -> str:
        return id_jag(person, client_id, audience, resource)

    auth = IdentityAssertionOAuthProvider(
        server_url=f"{issuer}/mcp",
        storage=Forgetful(),
        client_id=client_id,
        client_secret=application.secret or "",
        issuer=issuer,
        assertion_provider=fetch,
    )
    async with (
        httpx2.AsyncClient(auth=auth) as http,
        Client(streamable_http_client(f"{issuer}/mcp", http_client=http)) as client,
    ):
        return str((await client.call_tool("greet", {})).structured_content)


async def main() -> None:
    """Alice uses the server, until she leaves the organization."""
    listening, stopping = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                provider.serve, announce=lambda _: listening.set(), stopping=stopping
            )
        )
        await listening.wait()
        # Elsewhere: `actor-oauth clients add --name … --confidential --assertions`.
        application = await provider.server.create_client(
            client_name="Agent", redirect_uris=(), confidential=True, assertions=True
        )
        assert isinstance(application, NewClient)
        print(await greeting("alice", application))
        admitted.remove("alice")
        try:
            print(await greeting("alice", application))
        except* PermissionError:
            print("alice has left: the identity provider says no")
        stopping.set()


trio.run(main)
