"""An application's own pages before a service's sign-in, and the service's tokens after."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import trio

from actor_oauth.actors.authorization_server import AuthorizationError, Redirect
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.clients import NewClient
from actor_oauth.config import Settings
from actor_oauth.config.settings import LoginProviderSettings
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.provider import Provider
from actor_oauth.upstream.federation import Outward
from actor_oauth.upstream.federation.own_pages import (
    UpstreamQuestion,
    UpstreamSignIn,
)
from actor_oauth.upstream.vault import Authorization
from tests.http.deployment import CHALLENGE, VERIFIER, Browser, SettableClock, query_of
from tests.http.test_federation import HOST, ORIGIN, github, oidc
from tests.support.login_services import (
    GITHUB_API,
    GITHUB_WEB,
    OpenIDService,
    page,
    publish_github,
)
from tests.support.web import Web, open_web, reply

CALLBACK = "https://client.example/callback"
BROWSER = "a secret that one browser holds"
OTHER = "a secret that another browser holds"


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


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The usual one."""
    async with open_stage(tmp_path) as stage:
        yield stage


# Pages


@pytest.mark.requirement("C-23")
async def test_a_page_asks_and_then_the_service_signs_in_and_the_client_has_a_grant(
    stage: Stage,
) -> None:
    question = await stage.ask()
    assert (question.view.client_name, question.view.user_id) == ("Ledger", "")
    sent = await stage.leave(data="what the page knows")
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, UpstreamSignIn)
    server = stage.provider.server
    assert back.user_id == server.federated_user_id(f"https://{HOST}", "person-1")
    assert back.data == "what the page knows"
    tokens = await stage.granted(back)
    assert await stage.upstream_of(tokens["access_token"]) == "up-1"
    session = await server.session(back.session)
    assert session is not None
    assert session.user_id == back.user_id


@pytest.mark.requirement("C-23")
async def test_nobody_is_sent_to_the_service_but_by_the_yes_of_the_browser_that_was_asked(
    stage: Stage,
) -> None:
    question = await stage.ask()
    begin = stage.provider.begin_upstream
    refused = SignInRefused(fault=SignInFault.CONSENT_MISSING)
    stolen = await begin("idp", browser=OTHER, ticket=question.ticket)
    forged = await begin("idp", browser=BROWSER, ticket=question.ticket[:-4] + "AAAA")
    stage.clock.advance(601)
    late = await begin("idp", browser=BROWSER, ticket=question.ticket)
    assert [stolen, forged, late] == [refused] * 3
    assert not stage.web.requests


async def test_an_answer_that_is_replayed_signs_nobody_in(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)
    again = await stage.come_back(sent)
    assert isinstance(again, SignInRefused)
    assert again.fault is SignInFault.ATTEMPT_UNKNOWN


async def test_of_many_copies_of_an_answer_one_has_an_effect(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    answers: list[UpstreamSignIn | SignInRefused] = []

    async def bring() -> None:
        answers.append(await stage.come_back(sent))

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(bring)
    assert sum(isinstance(answer, UpstreamSignIn) for answer in answers) == 1


async def test_another_browser_brings_no_answer_and_spoils_none(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    for browser in (OTHER, "", None):
        stolen = await stage.come_back(sent, browser=browser)
        assert stolen == SignInRefused(fault=SignInFault.BROWSER_WRONG)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)


async def test_an_answer_of_one_service_is_none_of_another(stage: Stage) -> None:
    publish_github(stage.web)
    sent = await stage.leave("idp")
    mixed = await stage.come_back(sent, "github")
    assert mixed == SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
    lying = await stage.come_back(sent, iss="https://evil.example")
    assert isinstance(lying, SignInRefused)
    assert "POST" not in "".join(stage.web.requests)


async def test_an_answer_that_comes_too_late_is_none(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    stage.clock.advance(601)
    assert await stage.come_back(sent) == SignInRefused(
        fault=SignInFault.ATTEMPT_UNKNOWN
    )


async def test_two_tabs_come_back_in_any_order(stage: Stage) -> None:
    first, second = await stage.leave(data="1"), await stage.leave(data="2")
    for sent, data in ((second, "2"), (first, "1")):
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        assert back.data == data
        assert await stage.granted(back)


async def test_a_client_that_changed_since_the_question_gets_nothing(
    stage: Stage,
) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    await stage.provider.server.delete_client(stage.client_id)
    assert await stage.come_back(sent) == SignInRefused(
        fault=SignInFault.CLIENT_CHANGED
    )


async def test_a_person_only_signs_in_and_is_asked_afterwards(stage: Stage) -> None:
    outward = await stage.provider.begin_upstream("idp", browser=BROWSER, data="/next")
    assert isinstance(outward, Outward)
    sent = query_of(outward.url)
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, UpstreamSignIn)
    assert (back.request, back.data) == (None, "/next")
    with pytest.raises(ValueError, match="nothing was asked"):
        await stage.provider.complete_upstream(back)


async def test_the_person_may_allow_less_than_was_asked(tmp_path: Path) -> None:
    resource = {"identifier": f"{ORIGIN}/mcp", "scopes": ["a", "b"]}
    async with open_stage(tmp_path, resources=[resource]) as stage:
        sent = await stage.leave()
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        done = await stage.provider.complete_upstream(back, scope=Scope(("a",)))
        assert isinstance(done, Redirect)
        await stage.provider.server.delete_client(stage.client_id)
        gone = await stage.provider.complete_upstream(back)
        assert isinstance(gone, AuthorizationError)


async def test_who_may_not_sign_in_is_told_so(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)
    user = stage.provider.server.federated_user_id(f"https://{HOST}", "person-1")
    await stage.provider.server.set_user_disabled(user, disabled=True)
    sent = await stage.leave()
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, SignInRefused)
    assert back.fault is SignInFault.ACCOUNT_DISABLED


async def test_the_helpers_say_what_they_are_missing(tmp_path: Path) -> None:
    provider = Provider(Settings(issuer=ORIGIN, data=tmp_path))
    async with provider.open():
        with pytest.raises(RuntimeError, match="login_providers"):
            await provider.begin_upstream("idp", browser=BROWSER)


async def test_a_browser_without_a_secret_is_no_browser(stage: Stage) -> None:
    with pytest.raises(ValueError, match="browser"):
        await stage.provider.begin_upstream("idp", browser="short")
    malformed = await stage.provider.finish_upstream("idp", "%ff", browser=BROWSER)
    assert isinstance(malformed, SignInRefused)


# Tokens in props


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


@pytest.mark.requirement("D-26", "I-27")
async def test_of_many_refreshes_at_once_the_service_sees_one(stage: Stage) -> None:
    tokens = await stage.grant()
    # The client comes back when the service's token is due, not when ours would be.
    assert int(tokens["expires_in"]) == 700
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    answers: list[httpx2.Response] = []

    async def ask() -> None:
        answers.append(await stage.refresh(tokens["refresh_token"]))

    async with trio.open_nursery() as nursery:
        for _ in range(24):
            nursery.start_soon(ask)
    assert {answer.status_code for answer in answers} == {200}
    assert len(stage.refreshes) == 1
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    fresh = answers[0].json()
    assert await stage.upstream_of(fresh["access_token"]) == "up-2"


async def test_a_service_whose_token_is_good_is_not_asked(stage: Stage) -> None:
    tokens = await stage.grant(expires_in=86400)
    assert int(tokens["expires_in"]) == 3600
    stage.refreshes_with(renewed(2))
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert not stage.refreshes
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-1"


TROUBLE = (
    reply(b"{}", status="500 Oops"),
    reply(b"{}", "Retry-After: 5", status="429 Too Many Requests"),
    reply(b"<html>", media_type="text/html", status="502 Bad Gateway"),
    page({"error": "invalid_client"}, status="401 Unauthorized"),
    page({"error": "temporarily_unavailable"}, status="400 Bad Request"),
    b"",
)


@pytest.mark.requirement("D-32", "D-06")
async def test_trouble_that_passes_costs_the_client_nothing(stage: Stage) -> None:
    tokens = await stage.grant()
    for trouble in TROUBLE:
        stage.refreshes_with(trouble)
        stage.clock.advance(701)
        answer = await stage.refresh(tokens["refresh_token"])
        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"
        asked = len(stage.refreshes)
        assert asked
        await stage.refresh(tokens["refresh_token"])
        assert len(stage.refreshes) == asked, "a service in trouble is left alone"
        stage.refreshes.clear()
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-2"


@pytest.mark.requirement("D-32")
async def test_the_grant_ends_when_the_service_says_that_its_own_has(
    stage: Stage,
) -> None:
    tokens = await stage.grant()
    stage.refreshes_with(page({"error": "invalid_grant"}, status="400 Bad Request"))
    stage.clock.advance(701)
    answer = await stage.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await stage.provider.server.unwrap_token(tokens["access_token"]) is None


async def test_tokens_that_nothing_can_refresh_end_the_grant_with_them(
    stage: Stage,
) -> None:
    tokens = await stage.grant(refresh_token=None)
    assert int(tokens["expires_in"]) == 1000
    stage.clock.advance(1001)
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.requirement("I-29")
async def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one(
    stage: Stage,
) -> None:
    tokens = await stage.grant()
    stage.refreshes_with(renewed(2, refresh_token=None))
    stage.clock.advance(701)
    second = (await stage.refresh(tokens["refresh_token"])).json()
    stage.refreshes_with(renewed(3))
    stage.clock.advance(701)
    third = (await stage.refresh(second["refresh_token"])).json()
    assert await stage.upstream_of(third["access_token"]) == "up-3"


async def test_an_answer_that_came_after_the_callback_is_not_lost(
    stage: Stage,
) -> None:
    """The service rotates its token; whoever asked for it has gone meanwhile."""
    tokens = await stage.grant()
    info = await stage.provider.server.unwrap_token(tokens["access_token"])
    assert info is not None
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    target = f"{HOST}/token"
    held = stage.web.held[target] = trio.Event()
    del stage.web.arrived[target]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.provider.refresh_upstream, context_of(info.props))
        await stage.web.arrived[target].wait()
        nursery.cancel_scope.cancel()
    held.set()
    answer = await stage.refresh(tokens["refresh_token"])
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-2"
    assert len(stage.refreshes) == 1


def context_of(props: Json) -> TokenContext:
    """What a callback is told of a grant with these props."""
    return TokenContext(
        grant_type="refresh_token",
        user_id="u",
        client_id="c",
        grant_id="g",
        generation=2,
        resource=f"{ORIGIN}/mcp",
        scope=Scope(),
        props=props,
    )


async def test_props_without_tokens_change_nothing(stage: Stage) -> None:
    others: tuple[Json, ...] = (None, {"plan": "gold"}, {"upstream": {"x": 1}})
    for props in others:
        assert await stage.provider.refresh_upstream(context_of(props)) is None


async def test_a_service_that_was_taken_out_of_the_settings_ends_no_grant(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path) as stage:
        tokens = await stage.grant()
    async with open_stage(tmp_path, github()) as again:
        again.client_id = stage.client_id
        again.clock.advance(701)
        answer = await again.refresh(tokens["refresh_token"])
        assert answer.status_code == 503


async def test_github_says_with_status_200_that_a_token_is_over(stage: Stage) -> None:
    """User tokens of a GitHub App expire, and are refreshed."""
    target = f"{GITHUB_WEB}/login/oauth/access_token"
    publish_github(stage.web)
    first = {
        "access_token": "ghu_1",
        "expires_in": 28800,
        "refresh_token": "ghr_1",
        "refresh_token_expires_in": 15897600,
        "scope": "",
        "token_type": "bearer",
    }
    stage.web.pages[target] = page(first)
    back = await stage.come_back(await stage.leave("github"), "github")
    tokens = await stage.granted(back)
    again = {**first, "access_token": "ghu_2", "refresh_token": "ghr_2"}
    stage.refreshes_with(page(again), target=target)
    stage.clock.advance(28600)
    tokens = (await stage.refresh(tokens["refresh_token"])).json()
    assert await stage.upstream_of(tokens["access_token"]) == "ghu_2"
    over = {"error": "bad_refresh_token", "error_description": "…"}
    stage.refreshes_with(page(over), target=target)
    stage.clock.advance(28600)
    answer = await stage.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


# Tokens in the vault


async def test_tokens_of_a_sign_in_are_kept_in_the_vault_and_refreshed_there(
    tmp_path: Path,
) -> None:
    kept = oidc(keep_tokens_for="https://api.idp.example")
    async with open_stage(tmp_path, kept, vault_enabled=True) as stage:
        sent = await stage.leave()
        assert "offline_access" in sent["scope"].split()
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        vault, url = stage.provider.vault, "https://api.idp.example/v1/things"
        found = await vault.get_authorization(back.user_id, url)
        assert isinstance(found, Authorization)
        assert found.header == "Bearer up-1"
        stage.refreshes_with(renewed(2))
        stage.clock.advance(701)
        headers: set[str | None] = set()

        async def use() -> None:
            used = await vault.get_authorization(back.user_id, url)
            assert isinstance(used, Authorization)
            headers.add(used.header)

        async with trio.open_nursery() as nursery:
            for _ in range(16):
                nursery.start_soon(use)
        assert headers == {"Bearer up-2"}
        assert len(stage.refreshes) == 1
        (info,) = await vault.list_providers(back.user_id)
        assert (info.resource, info.name) == ("https://api.idp.example", "Example IdP")


async def test_a_sign_in_without_a_refresh_token_does_not_undo_one_with(
    tmp_path: Path,
) -> None:
    kept = oidc(keep_tokens_for="https://api.idp.example")
    async with open_stage(tmp_path, kept, vault_enabled=True) as stage:
        for number, token in enumerate(["again-1", None, "again-3"], start=1):
            sent = await stage.leave()
            stage.signs_in(sent, access_token=f"up-{number}", refresh_token=token)
            back = await stage.come_back(sent)
            assert isinstance(back, UpstreamSignIn)
            found = await stage.provider.vault.get_authorization(
                back.user_id, "https://api.idp.example/"
            )
            assert isinstance(found, Authorization)
            expected = "up-1" if token is None else f"up-{number}"
            assert found.header == f"Bearer {expected}"


async def test_a_full_vault_keeps_nobody_from_signing_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.actors.vault.connections.MAX_CONNECTIONS", 0)
    kept = oidc(keep_tokens_for="https://api.idp.example")
    async with open_stage(tmp_path, kept, vault_enabled=True) as stage:
        sent = await stage.leave()
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        assert not await stage.provider.vault.list_providers(back.user_id)
