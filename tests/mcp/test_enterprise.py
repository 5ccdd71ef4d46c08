"""An organization's identity provider decides: the SDK's client, end to end over sockets.

Three parties on real connections: an identity provider behind TLS, our provider with its
MCP server, and the official SDK's client, which was told of both by its administrator.
"""

import gc
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpcore2
import httpx2
import pytest
import trio
from mcp import Client
from mcp.client.auth import OAuthTokenError
from mcp.client.auth.extensions.identity_assertion import (
    IdentityAssertionOAuthProvider,
)
from mcp.client.streamable_http import streamable_http_client

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.config import Settings
from actor_oauth.config.settings.trust import TrustedIssuerSettings
from actor_oauth.mcp.demo import demo_server
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.signed_jwt import parse_jwt
from actor_oauth.provider import Provider
from actor_oauth.provider.serving import serve_running
from actor_oauth.runtime import SystemClock
from actor_oauth.upstream.network import VettedNetwork
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS
from tests.mcp.sdk_client import MemoryStorage
from tests.support.issuers import IDP, Idp
from tests.support.ports import free_port
from tests.support.server_process import clean_environment
from tests.support.signing import Signer, signer
from tests.support.web import Web, open_web, reply

pytestmark = SDK_LEAVES_GENERATORS

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_JAG_TOKEN = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@dataclass
class EnterpriseIdp:
    """Trades ID tokens for ID-JAGs, for whom the administrator lets in.

    Attributes:
        admitted: Pairs of a person and a client.
        exchanges: How many there were.
    """

    web: Web
    key: Signer = field(default_factory=signer)
    admitted: set[tuple[str, str]] = field(default_factory=set)
    exchanges: int = 0

    def publish(self) -> None:
        keys = json.dumps(self.key.jwks()).encode()
        self.web.pages["idp.example/keys"] = reply(keys, "Cache-Control: max-age=600")
        self.web.pages["idp.example/token"] = self._serve_exchange

    def id_token(self, person: str) -> str:
        return self.key.sign({"iss": IDP, "sub": person, "aud": "agent-at-idp"})

    async def _serve_exchange(self, stream: trio.abc.Stream) -> None:
        head, _, body = self.web.requests[-1].partition("\r\n\r\n")
        length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
        while len(body) < length:
            body += (await stream.receive_some()).decode()
        answer, status = self._exchange(
            {name: values[0] for name, values in parse_qs(body).items()}
        )
        await stream.send_all(reply(json.dumps(answer).encode(), status=status))
        await stream.aclose()

    def _exchange(self, form: dict[str, str]) -> tuple[dict[str, Json], str]:
        self.exchanges += 1
        assert form["grant_type"] == EXCHANGE
        assert form["requested_token_type"] == ID_JAG_TOKEN
        assert form["subject_token_type"] == ID_TOKEN
        id_token, client_id = parse_jwt(form["subject_token"]), form["client_id"]
        assert id_token is not None
        name = str(id_token.claims["sub"])
        if (name, client_id) not in self.admitted:
            return {"error": "access_denied"}, "400 Bad Request"
        idp = Idp(
            audience=form["audience"],
            client_id=client_id,
            now=SystemClock().now(),
            key=self.key,
            made=self.exchanges,
        )
        assertion = idp.assertion(
            sub=name,
            resource=form["resource"],
            scope="mcp",
            email=f"{name}@acme.example",
        )
        return {
            "issued_token_type": ID_JAG_TOKEN,
            "access_token": assertion,
            "token_type": "N_A",
            "expires_in": 300,
        }, "200 OK"


@dataclass
class Agent:
    """The application, with somebody who has signed in at the identity provider."""

    web: Web
    url: str
    issuer: str
    client: NewClient
    id_token: str

    async def fetch_id_jag(self, audience: str, resource: str) -> str:
        """Trade the ID token for an ID-JAG, over TLS."""
        form = {
            "grant_type": EXCHANGE,
            "requested_token_type": ID_JAG_TOKEN,
            "audience": audience,
            "resource": resource,
            "subject_token": self.id_token,
            "subject_token_type": ID_TOKEN,
            "client_id": self.client.client.client_id,
        }
        async with httpcore2.AsyncConnectionPool(
            ssl_context=self.web.ssl_context,
            network_backend=VettedNetwork(resolve=self.web.resolve, dial=self.web.dial),
        ) as pool:
            response = await pool.request(
                "POST",
                f"{IDP}/token",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                content=urlencode(form).encode(),
            )
        answer: dict[str, str] = json.loads(response.content)
        return answer.get("access_token", "refused")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        auth = IdentityAssertionOAuthProvider(
            server_url=self.url,
            storage=MemoryStorage(),
            client_id=self.client.client.client_id,
            client_secret=self.client.secret or "",
            issuer=self.issuer,
            assertion_provider=self.fetch_id_jag,
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30.0) as http,
            Client(streamable_http_client(self.url, http_client=http)) as mcp,
        ):
            yield mcp
        gc.collect()


@asynccontextmanager
async def serving(
    path: Path, web: Web
) -> AsyncIterator[tuple[AuthorizationServer, str]]:
    """Our provider with the example MCP server, which trusts the identity provider."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        settings = Settings(
            data=path,
            port=0,
            trusted_issuers=(
                TrustedIssuerSettings(
                    issuer=IDP, jwks_uri=f"{IDP}/keys", props_claims=("email",)
                ),
            ),
        ).bound_to(listener.getsockname()[1])
        provider = Provider(settings, fetcher=web.fetcher())
        provider.protect_mcp(demo_server())
        stop, listening = trio.Event(), trio.Event()
        async with provider.open() as running, trio.open_nursery() as nursery:
            nursery.start_soon(
                partial(
                    serve_running,
                    running,
                    settings,
                    fd=listener.detach(),
                    listening=listening.set,
                    stop=stop,
                )
            )
            await listening.wait()
            yield running.server, provider.policy.issuer
            stop.set()


@pytest.mark.requirement("D-40", "D-41", "D-45", "D-48", "A-06")
async def test_an_organization_lets_its_people_in_and_shuts_them_out(
    tmp_path: Path,
) -> None:
    async with (
        open_web("idp.example") as web,
        serving(tmp_path, web) as (
            server,
            issuer,
        ),
    ):
        idp = EnterpriseIdp(web)
        idp.publish()
        client = await server.create_client(
            client_name="Agent", redirect_uris=(), confidential=True, assertions=True
        )
        assert isinstance(client, NewClient)
        idp.admitted.add(("alice", client.client.client_id))
        agent = Agent(web, f"{issuer}/mcp", issuer, client, idp.id_token("alice"))
        alice = server.federated_user_id(IDP, "alice")

        async with agent.connect() as mcp:
            said = (await mcp.call_tool("whoami", {})).structured_content
            assert said == {
                "user": alice,
                "client": client.client.client_id,
                "scopes": ["mcp"],
                "props": {"email": "alice@acme.example"},
            }
            assert idp.exchanges == 1
            assert web.count("idp.example/keys") == 1

            # What we revoke is dead. The client asks the identity provider again.
            [grant] = (await server.list_user_grants(alice)).grants
            assert await server.revoke_grant(alice, grant.grant_id)
            again = (await mcp.call_tool("whoami", {})).structured_content
            assert again == said
            assert idp.exchanges == 2

        # She leaves: nobody here needs to know. Her next token is not given any more.
        idp.admitted.clear()
        with pytest.raises(ExceptionGroup) as caught:
            async with agent.connect():
                pass
        refused = caught.value.subgroup(OAuthTokenError)
        assert refused is not None
        assert "invalid_grant" in repr(refused)


@pytest.mark.requirement("D-40")
def test_the_example_of_an_organization_runs_as_its_reader_would_run_it(
    tmp_path: Path,
) -> None:
    example = Path(__file__).parents[2] / "examples" / "enterprise.py"
    environment = {
        "ACTOR_OAUTH_PORT": str(free_port()),
        "ACTOR_OAUTH_DATA": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, str(example)],
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    said = [line for line in done.stdout.splitlines() if "refused" not in line]
    assert said == [
        "{'result': 'Hello, alice@acme.example!'}",
        "alice has left: the identity provider says no",
    ]
