"""A client of a profile at a whole provider, by plain HTTP requests as that client sends them."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx2
from hypercorn.typing import ASGIFramework

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.oauth.json_values import Json
from actor_oauth.provider import Provider
from actor_oauth.resource import verified_token
from actor_oauth.resource.asgi import Receive, Scope, Send
from tests.clients.profiles import Profile, Step
from tests.http.deployment import (
    CHALLENGE,
    PASSWORD,
    USER,
    VERIFIER,
    Browser,
    query_of,
    read_page,
)
from tests.support.challenges import parse_challenge
from tests.support.clocks import SettableClock
from tests.support.signing import signer
from tests.support.web import Web, open_web, reply

ISSUER = "https://notes.example"
SERVER_URL = f"{ISSUER}/mcp"

# Where documents and keys of the profiles are published.
HOSTS = (
    "claude.ai",
    "chatgpt.com",
    "vscode.dev",
    "github.com",
    "opencode.ai",
)
CHATGPT_KEYS = "chatgpt.com/oauth/jwks.json"


Form = dict[str, str | list[str]]


@dataclass
class Shop:
    """A provider with a protected server at `/mcp`, and the web around it."""

    app: ASGIFramework
    server: AuthorizationServer
    clock: SettableClock
    web: Web

    def http(self, address: str = "198.51.100.7") -> httpx2.AsyncClient:
        """A connection from an address."""
        return Browser(self.app, ISSUER, address=address).http

    def publish(self, profile: Profile) -> None:
        """Put the client's document where it says."""
        assert profile.document_url is not None
        document = {"client_id": profile.document_url, **profile.document}
        page = profile.document_url.removeprefix("https://")
        self.web.pages[page] = reply(json.dumps(document).encode())


async def tell_caller(scope: Scope, receive: Receive, send: Send) -> None:
    """The protected server: tells who calls, and for what."""
    info = verified_token(scope)
    body = json.dumps({"user": info.user_id, "scope": str(info.scope)}).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def open_shop(data: Path, **changes: object) -> AsyncIterator[Shop]:
    """Open a provider with the settings that the compatibility page advises.

    Args:
        data: Its data directory.
        **changes: Of its settings.
    """
    resource = ResourceSettings(
        identifier=SERVER_URL,
        scopes=("notes:read", "notes:write"),
        default_scopes=("notes:read",),
        name="Field Notes",
    )
    settings = Settings.model_validate(
        {
            "data": data,
            "issuer": ISSUER,
            "resources": (resource,),
            "private_use_schemes": ("cursor",),
            **changes,
        }
    )
    clock = SettableClock()
    async with open_web(*HOSTS) as web:
        web.pages[CHATGPT_KEYS] = reply(json.dumps(signer("RS256").jwks()).encode())
        provider = Provider(settings, clock=clock, fetcher=web.fetcher())
        provider.protect(tell_caller, path="/mcp")
        async with provider.open() as running:
            await running.server.create_user(USER, PASSWORD)
            yield Shop(running.app, running.server, clock, web)


@dataclass
class Agent:
    """One installation of a client.

    Attributes:
        shop: What it connects to.
        profile: What it is.
        client_id: Who it is, once it knows.
        tokens: What it was given last.
        address: Where its requests come from.
    """

    shop: Shop
    profile: Profile
    client_id: str = ""
    secret: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    address: str = "198.51.100.7"
    challenge: dict[str, str] = field(default_factory=dict)
    resource: dict[str, Json] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    assertions: int = 0

    async def connect(self) -> None:
        """Everything from the first request to the tokens."""
        await self.discover()
        await self.identify()
        await self.sign_in()

    async def discover(self) -> None:
        """Be refused, and find out from there where to go."""
        http = self.shop.http(self.address)
        refused = await http.post("/mcp", json={})
        assert refused.status_code == 401
        lines = refused.headers.get_list("www-authenticate")
        self.challenge = parse_challenge(lines[0])
        found = await http.get(self.challenge["resource_metadata"])
        self.resource = found.json()
        # Clients compare: the URL that the user typed, and the issuer they came from.
        assert self.resource["resource"] == SERVER_URL
        assert self.resource["authorization_servers"] == [ISSUER]
        await self.look_up()

    async def look_up(self) -> None:
        """Read the authorization server's document."""
        http = self.shop.http(self.address)
        answer = await http.get("/.well-known/oauth-authorization-server")
        assert answer.headers["access-control-allow-origin"] == "*"
        self.metadata = answer.json()
        assert self.metadata["issuer"] == ISSUER
        assert self.metadata["code_challenge_methods_supported"] == ["S256"]

    async def identify(self) -> None:
        """Publish, register, or have the user type in an id and a secret."""
        profile = self.profile
        if profile.document_url is not None:
            # The condition under which hosted clients use their document.
            assert self.metadata["client_id_metadata_document_supported"] is True
            methods = self.metadata["token_endpoint_auth_methods_supported"]
            assert isinstance(methods, list)
            assert {"none", profile.auth} <= set(methods)
            self.shop.publish(profile)
            self.client_id = profile.document_url
        elif profile.registration is not None:
            answer = await self.shop.http(self.address).post(
                str(self.metadata["registration_endpoint"]),
                json=dict(profile.registration),
            )
            assert answer.status_code == 201, answer.text
            self.client_id = answer.json()["client_id"]
            self.secret = answer.json().get("client_secret")
            assert (self.secret is None) == (profile.auth == "none")
        else:
            created = await self.shop.server.create_client(
                client_name=profile.name,
                redirect_uris=[profile.redirect_uri],
                confidential=True,
            )
            assert isinstance(created, NewClient)
            self.client_id, self.secret = created.client.client_id, created.secret

    async def sign_in(self) -> None:
        """Have the user say yes, and trade the code."""
        answer = await self.redeem(await self.code())
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()

    def scope(self) -> str:
        """What it asks for."""
        sources: Mapping[str, Json] = {
            "challenge": [*self.challenge.get("scope", "").split()],
            "resource": self.resource.get("scopes_supported", []),
            "server": self.metadata["scopes_supported"],
            "nowhere": [],
        }
        names = sources[self.profile.scope_from]
        assert isinstance(names, list)
        offered = self.metadata["scopes_supported"]
        assert isinstance(offered, list)
        if self.profile.wants_refresh and "offline_access" in offered:
            names = [*names, "offline_access"]
        return " ".join(dict.fromkeys(map(str, names)))

    async def code(self, **changes: str | list[str]) -> str:
        """Send the user's browser away, and take what it comes back with."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.profile.redirect_uri,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "s",
            **({"scope": self.scope()} if self.scope() else {}),
            **({"prompt": self.profile.prompt} if self.profile.prompt else {}),
            **self._resource("authorize"),
            **changes,
        }
        browser = Browser(self.shop.app, ISSUER, address="203.0.113.9")
        endpoint = str(self.metadata["authorization_endpoint"])
        page = await browser.consent_page(f"{endpoint}?{urlencode(asked, doseq=True)}")
        answer = await browser.submit(page, decision="approve")
        target = read_page(answer).refresh or ""
        assert target.startswith(f"{self.profile.redirect_uri}?"), target
        came_back = query_of(target)
        assert (came_back["state"], came_back["iss"]) == ("s", ISSUER)
        return came_back["code"]

    async def redeem(self, code: str, **changes: str | list[str]) -> httpx2.Response:
        """Trade a code for tokens."""
        return await self._token_request(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": VERIFIER,
                "redirect_uri": self.profile.redirect_uri,
                **self._resource("token"),
                **changes,
            }
        )

    async def refresh(
        self, address: str | None = None, **changes: str | list[str]
    ) -> httpx2.Response:
        """Trade the refresh token for the next one."""
        scope = (
            {"scope": self.tokens["scope"]} if self.profile.refreshes_with_scope else {}
        )
        return await self._token_request(
            {
                "grant_type": "refresh_token",
                "refresh_token": self.tokens["refresh_token"],
                **scope,
                **self._resource("refresh"),
                **changes,
            },
            address,
        )

    async def call(self) -> httpx2.Response:
        """Use the access token."""
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return await self.shop.http(self.address).post("/mcp", json={}, headers=bearer)

    def _resource(self, step: Step) -> dict[str, str]:
        wanted = step in self.profile.resource_at
        return {"resource": SERVER_URL} if wanted else {}

    async def _token_request(
        self, form: Form, address: str | None = None
    ) -> httpx2.Response:
        headers = {}
        match self.profile.auth:
            case "none":
                form = {**form, "client_id": self.client_id}
            case "client_secret_post":
                assert self.secret is not None
                form = {
                    **form,
                    "client_id": self.client_id,
                    "client_secret": self.secret,
                }
            case "client_secret_basic":
                pair = f"{self.client_id}:{self.secret}".encode()
                headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
            case "private_key_jwt":
                form = {**form, **self._assertion()}
        return await self.shop.http(address or self.address).post(
            urlsplit(str(self.metadata["token_endpoint"])).path,
            data=form,
            headers=headers,
        )

    def _assertion(self) -> dict[str, str]:
        self.assertions += 1
        now = self.shop.clock.now()
        text = signer("RS256").sign(
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": str(self.metadata["token_endpoint"]),
                "iat": now,
                "exp": now + 300,
                "jti": f"{id(self)}-{self.assertions}",
            }
        )
        return {
            "client_id": self.client_id,
            "client_assertion_type": (
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            ),
            "client_assertion": text,
        }
