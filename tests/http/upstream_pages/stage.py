"""An application with pages of its own, before services that sign its people in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import trio

from actor_oauth.actors.authorization_server import Redirect
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.clients import NewClient
from actor_oauth.config import Settings
from actor_oauth.config.settings import LoginProviderSettings
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.federation.faults import SignInRefused
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.provider import Provider
from actor_oauth.upstream.federation import Outward
from actor_oauth.upstream.federation.own_pages import UpstreamQuestion, UpstreamSignIn
from tests.http.deployment import CHALLENGE, VERIFIER, Browser, query_of
from tests.http.federation.site import HOST, ORIGIN, github, oidc
from tests.support.clocks import SettableClock
from tests.support.login_services import GITHUB_API, GITHUB_WEB, OpenIDService, page
from tests.support.web import Web, open_web

CALLBACK = "https://client.example/callback"
BROWSER = "a secret that one browser holds"


@dataclass
class Stage:
    """An application with pages of its own, a service, and people."""

    provider: Provider
    web: Web
    clock: SettableClock
    idp: OpenIDService
    http: httpx2.AsyncClient
    client_id: str = ""
    refreshes: list[bytes] = field(default_factory=list)

    async def wish(self, **more: str) -> AuthorizationRequest:
        """What the client wants."""
        query = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **more,
        }
        request = await self.provider.server.parse_auth_request(urlencode(query))
        assert isinstance(request, AuthorizationRequest), request
        return request

    async def ask(self, browser: str = BROWSER) -> UpstreamQuestion:
        """Show the page that asks."""
        question = await self.provider.ask_upstream(await self.wish(), browser=browser)
        assert isinstance(question, UpstreamQuestion)
        return question

    async def leave(
        self, name: str = "idp", *, browser: str = BROWSER, data: str = ""
    ) -> dict[str, str]:
        """Ask, say yes, and go to the service; gives what it is sent."""
        question = await self.ask(browser)
        outward = await self.provider.begin_upstream(
            name, browser=browser, ticket=question.ticket, data=data
        )
        assert isinstance(outward, Outward), outward
        return query_of(outward.url)

    async def come_back(
        self,
        sent: dict[str, str],
        name: str = "idp",
        *,
        browser: str | None = BROWSER,
        **more: str,
    ) -> UpstreamSignIn | SignInRefused:
        """Come back from the service."""
        answer = {"code": "the-code", "state": sent["state"], **more}
        return await self.provider.finish_upstream(
            name, urlencode(answer), browser=browser
        )

    def signs_in(self, sent: dict[str, str], **tokens: Json) -> None:
        """Have the service answer the next code with tokens."""
        id_token = self.idp.id_token(sent.get("nonce", ""), now=self.clock.now())
        self.web.pages[f"{HOST}/token"] = page(
            {
                "access_token": "up-1",
                "token_type": "Bearer",
                "expires_in": 1000,
                "refresh_token": "again-1",
                "id_token": id_token,
                **tokens,
            }
        )

    def refreshes_with(self, answer: bytes, *, target: str = f"{HOST}/token") -> None:
        """Have the service answer like this from now on, and count how often."""

        async def serve(stream: trio.abc.Stream) -> None:
            self.refreshes.append(b"")
            await stream.send_all(answer)
            await stream.aclose()

        self.web.pages[target] = serve

    async def grant(self, **tokens: Json) -> dict[str, str]:
        """Go the whole way; gives the client's tokens."""
        sent = await self.leave()
        self.signs_in(sent, **tokens)
        return await self.granted(await self.come_back(sent))

    async def granted(self, back: UpstreamSignIn | SignInRefused) -> dict[str, str]:
        """Grant what was asked, with the service's tokens in the props."""
        assert isinstance(back, UpstreamSignIn), back
        done = await self.provider.complete_upstream(
            back, props={"plan": "gold", "upstream": back.tokens.to_props()}
        )
        assert isinstance(done, Redirect), done
        query = parse_qs(urlsplit(done.url).query)
        assert query["state"] == ["s"]
        answer = await self.post(
            grant_type="authorization_code",
            code=query["code"][0],
            code_verifier=VERIFIER,
            redirect_uri=CALLBACK,
        )
        tokens: dict[str, str] = answer.json()
        assert answer.status_code == 200, tokens
        return tokens

    async def refresh(self, token: str) -> httpx2.Response:
        """Be the client and refresh."""
        return await self.post(grant_type="refresh_token", refresh_token=token)

    async def post(self, **form: str) -> httpx2.Response:
        """Ask the token endpoint."""
        data = {"client_id": self.client_id, **form}
        return await self.http.post(f"{ORIGIN}/token", data=data)

    async def upstream_of(self, access_token: str) -> object:
        """The service's access token that the protected application finds."""
        info = await self.provider.server.unwrap_token(access_token)
        assert info is not None
        assert isinstance(info.props, dict)
        assert info.props["plan"] == "gold"
        kept = info.props["upstream"]
        assert isinstance(kept, dict)
        return kept["access_token"]


@asynccontextmanager
async def open_stage(
    data: Path, *providers: LoginProviderSettings, **settings: object
) -> AsyncIterator[Stage]:
    """Open one, with the callback that refreshes."""
    clock = SettableClock()

    async def on_token_exchange(
        context: TokenContext,
    ) -> TokenChanges | TokenRefusal | None:
        return await provider.refresh_upstream(context)

    async with open_web(HOST, GITHUB_WEB, GITHUB_API) as web:
        provider = Provider(
            Settings.model_validate(
                {
                    "issuer": ORIGIN,
                    "data": data,
                    "login_providers": providers or (oidc(), github()),
                    **settings,
                }
            ),
            clock=clock,
            fetcher=web.fetcher(),
            callbacks=Callbacks(on_token_exchange=on_token_exchange),
        )
        async with provider.open() as running:
            idp = OpenIDService(web, HOST)
            idp.publish()
            http = Browser(running.app, ORIGIN, address="203.0.113.5").http
            stage = Stage(provider, web, clock, idp, http)
            created = await running.server.create_client(
                client_name="Ledger", redirect_uris=[CALLBACK]
            )
            assert isinstance(created, NewClient)
            stage.client_id = created.client.client_id
            yield stage


def renewed(number: int, **more: Json) -> bytes:
    """What the service answers a refresh with."""
    return page(
        {
            "access_token": f"up-{number}",
            "token_type": "Bearer",
            "expires_in": 1000,
            "refresh_token": f"again-{number}",
            **more,
        }
    )


OTHER = "a secret that another browser holds"
