"""A whole authorization server in this process, and the two that talk to it.

`Deployment` is the server with real actors on real files; `Browser` is a person with a
browser that keeps cookies and fills in forms. Both see HTTP and nothing else.
"""

import errno
import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.http import HttpOptions
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.runtime import Address, LocalEngine, Store
from actor_oauth.upstream.fetch import Fetcher
from tests.support.clocks import SettableClock

ISSUER = "https://as.example"
USER = "ada"
PASSWORD = "correct horse battery staple"

VERIFIER = "a-verifier-of-the-right-length-0123456789-abcdef"
CHALLENGE = (
    urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)

WEB_CALLBACK = "https://app.example/callback"
LOOPBACK_CALLBACK = "http://127.0.0.1/callback"


def policy_for(issuer: str) -> Policy:
    """One resource with a name and two scopes."""
    return Policy(
        issuer=issuer,
        resources=(
            ResourcePolicy(
                identifier=f"{issuer}/mcp",
                scopes=("notes:read", "notes:write"),
                default_scopes=("notes:read",),
                name="Field Notes",
            ),
        ),
        scope_descriptions=(("notes:read", "Read your notes"),),
    )


class FailingDisk(LocalEngine):
    """A local engine whose disk refuses to confirm what chosen kinds of actors write.

    Attributes:
        failing: Those kinds.
        patience: How many of their writes are confirmed before.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.failing: set[str] = set()
        self.patience = 0

    async def make_durable(self, stores: Sequence[Store]) -> Mapping[Address, OSError]:
        failures = dict(await super().make_durable(stores))
        for store in stores:
            if store.address.kind in self.failing:
                self.patience -= 1
                if self.patience < 0:
                    failures[store.address] = OSError(errno.ENOSPC, "no space left")
        return failures


class FormReader(HTMLParser):
    """Reads the forms, links and meta refresh of a page as a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.refresh: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given["action"], given["method"], {}))
        if tag == "input" and (given["type"] != "checkbox" or "checked" in given):
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        if tag == "a":
            self.links.append(given["href"])
        if tag in {"link", "script", "img"}:
            self.sources.append(given.get("href") or given["src"])
        if tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"].partition("url=")[2]


@dataclass(frozen=True)
class Form:
    action: str
    method: str
    fields: dict[str, str]


def read_page(response: httpx2.Response) -> FormReader:
    """Parse an HTML answer."""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    reader = FormReader()
    reader.feed(response.text)
    return reader


def query_of(url: str) -> dict[str, str]:
    """The query of a URL, each parameter of which must be there once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


class Browser:
    """A person's browser. Redirects are followed by hand, so that each is seen."""

    def __init__(self, app: ASGIFramework, origin: str, *, address: str) -> None:
        async def whole(
            scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            await app(scope, receive, send)
            # The transport warns about a body that an answer did not wait for.
            while (await receive()).get("more_body"):
                pass

        transport = httpx2.ASGITransport(whole, client=(address, 4711))  # type: ignore[arg-type]  # ASGI has no common type
        self.origin = origin
        self.http = httpx2.AsyncClient(transport=transport, base_url=origin)

    async def get(self, url: str, **headers: str) -> httpx2.Response:
        return await self.http.get(url, headers=headers)

    async def submit(
        self,
        page: httpx2.Response,
        more: Mapping[str, str] | None = None,
        *,
        form: int = 0,
        **fields: str,
    ) -> httpx2.Response:
        """Send a form of a page, as it stands but for `more` and `fields`."""
        found = read_page(page).forms[form]
        assert found.method == "post"
        return await self.http.post(
            found.action,
            data={**found.fields, **fields, **(more or {})},
            headers={"Origin": self.origin},
        )

    async def follow(self, response: httpx2.Response) -> httpx2.Response:
        """Follow one redirect."""
        assert response.status_code in {302, 303}
        return await self.http.get(response.headers["location"])

    async def sign_in(
        self, page: httpx2.Response, password: str = PASSWORD
    ) -> httpx2.Response:
        """Fill in a sign-in form."""
        return await self.submit(page, username=USER, password=password)

    async def consent_page(self, url: str) -> httpx2.Response:
        """Go to an authorization URL, sign in if asked, and arrive at the question."""
        response = await self.get(url)
        if response.status_code == 200:
            response = await self.sign_in(response)
        page = await self.follow(response)
        assert page.status_code == 200, page.text
        return page


@dataclass
class Deployment:
    """The server under test.

    Attributes:
        app: What HTTP reaches.
        server: For setting things up only.
        policy: What the operator decided.
        clock: Shared by everything.
        disk: Where the actors live, to be broken.
    """

    app: ASGIFramework
    server: AuthorizationServer
    policy: Policy
    clock: SettableClock
    disk: FailingDisk

    @property
    def origin(self) -> str:
        parts = urlsplit(self.policy.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def browser(self, address: str = "203.0.113.5") -> Browser:
        return Browser(self.app, self.origin, address=address)

    async def register(
        self, *redirect_uris: str, method: str = "none", **metadata: object
    ) -> dict[str, str]:
        """Register a client over HTTP; gives the members of the answer."""
        response = await self.browser("198.51.100.1").http.post(
            f"{self.policy.issuer}/register",
            json={
                "redirect_uris": redirect_uris or [WEB_CALLBACK],
                "token_endpoint_auth_method": method,
                "grant_types": ["authorization_code", "refresh_token"],
                "client_name": "Ledger Assistant",
                **metadata,
            },
        )
        assert response.status_code == 201, response.text
        members: dict[str, str] = response.json()
        return members

    async def resource_server(self) -> dict[str, str]:
        """A confidential client that the operator registered; its id and secret."""
        created = await self.server.create_client(
            client_name="Notes API", redirect_uris=[WEB_CALLBACK], confidential=True
        )
        assert isinstance(created, NewClient)
        assert created.secret is not None
        return {
            "client_id": created.client.client_id,
            "client_secret": created.secret,
        }

    def authorize_url(
        self, client: Mapping[str, object], **parameters: str | None
    ) -> str:
        """The URL at which a client asks; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": str(client["client_id"]),
            "redirect_uri": WEB_CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "the state",
            **parameters,
        }
        query = {name: value for name, value in given.items() if value is not None}
        return f"{self.policy.issuer}/authorize?{urlencode(query)}"

    async def code(self, client: Mapping[str, object], **parameters: str) -> str:
        """Go the whole way through the pages; gives the code."""
        browser = self.browser()
        page = await browser.consent_page(self.authorize_url(client, **parameters))
        answer = await browser.submit(page, decision="approve")
        return query_of(read_page(answer).refresh or "")["code"]

    async def post(
        self, path: str, form: Mapping[str, str], **headers: str
    ) -> httpx2.Response:
        """Send a client's form from an address of its own."""
        http = self.browser("198.51.100.2").http
        return await http.post(self.policy.issuer + path, data=form, headers=headers)

    async def redeem(self, client: Mapping[str, object], code: str) -> httpx2.Response:
        """Trade a code for tokens as a public client."""
        return await self.post(
            "/token",
            {
                "grant_type": "authorization_code",
                "client_id": str(client["client_id"]),
                "code": code,
                "code_verifier": VERIFIER,
                "redirect_uri": WEB_CALLBACK,
            },
        )


class Deploy(Protocol):
    """Opens a deployment, with another policy or other options if wanted."""

    def __call__(
        self,
        *,
        policy: Policy | None = None,
        options: HttpOptions | None = None,
        fetcher: Fetcher | None = None,
        callbacks: Callbacks | None = None,
    ) -> AbstractAsyncContextManager[Deployment]: ...


async def vetted_client(deployment: Deployment) -> dict[str, str]:
    """A client that the operator made."""
    created = await deployment.server.create_client(
        client_name="House Client", redirect_uris=[WEB_CALLBACK]
    )
    return {"client_id": created.client.client_id}  # type: ignore[union-attr]  # acceptable


def basic(client_id: str, secret: str) -> str:
    """How a client with a secret authenticates in a header."""
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()
