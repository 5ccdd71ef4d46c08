"""Signing out at a client's wish, over HTTP (OpenID Connect RP-Initiated Logout)."""

from urllib.parse import urlencode

import httpx2
import pytest

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.own_jwt import sign_jwt
from tests.http.deployment import (
    ISSUER,
    WEB_CALLBACK,
    Browser,
    Deployment,
    query_of,
    read_page,
)
from tests.http.openid.signing_in import ask
from tests.support.signing import signer
from tests.support.signing_keys import a_signing_key

BYE = "https://app.example/bye"


class Party:
    """A client, and a browser in which somebody signed in for it."""

    def __init__(self, deployment: Deployment, client: dict[str, str]) -> None:
        self.deployment = deployment
        self.client = client
        self.browser = deployment.browser()
        self.tokens: dict[str, str] = {}

    async def sign_in(self) -> None:
        url = self.deployment.authorize_url(self.client, scope="openid")
        page = await self.browser.consent_page(url)
        answer = await self.browser.submit(page, decision="approve")
        code = query_of(read_page(answer).refresh or "")["code"]
        self.tokens = (await self.deployment.redeem(self.client, code)).json()

    async def end(
        self, browser: Browser | None = None, /, **parameters: str
    ) -> httpx2.Response:
        query = urlencode(parameters)
        return await (browser or self.browser).get(f"/end_session?{query}")

    async def is_signed_in(self) -> bool:
        page = await self.browser.get("/account")
        return page.status_code == 200


async def a_party(deployment: Deployment, *, vetted: bool = False) -> Party:
    if not vetted:
        client = await deployment.register(post_logout_redirect_uris=[BYE])
    else:
        made = await deployment.server.create_client(
            client_name="Wiki",
            redirect_uris=[WEB_CALLBACK],
            metadata={"post_logout_redirect_uris": [BYE]},
        )
        assert isinstance(made, NewClient)
        client = {"client_id": made.client.client_id}
    party = Party(deployment, client)
    await party.sign_in()
    return party


async def test_the_client_of_the_session_signs_its_user_out(
    openid: Deployment,
) -> None:
    party = await a_party(openid)
    hint = party.tokens["id_token"]
    openid.clock.advance(4000)

    answer = await party.end(
        id_token_hint=hint, post_logout_redirect_uri=BYE, state="s t"
    )

    assert answer.status_code == 302
    assert answer.headers["location"] == BYE + "?state=s%20t"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert not await party.is_signed_in()


async def test_what_was_allowed_for_later_goes_on(openid: Deployment) -> None:
    party = await a_party(openid)

    answer = await party.end(id_token_hint=party.tokens["id_token"])

    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert not await party.is_signed_in()
    userinfo = await ask(openid, party.tokens["access_token"])
    assert userinfo.status_code == 200


@pytest.mark.requirement("J-04", "J-08")
@pytest.mark.parametrize(
    ("decision", "stays"), [("sign-out", False), ("stay", True), ("", True)]
)
async def test_anybody_elses_link_only_asks(
    openid: Deployment, decision: str, stays: bool
) -> None:
    party = await a_party(openid)
    client_id = party.client["client_id"]

    page = await party.end(client_id=client_id, post_logout_redirect_uri=BYE)

    assert page.status_code == 200
    assert "Sign out?" in page.text
    assert "Ledger Assistant" in page.text
    assert "name not verified" in page.text
    assert await party.is_signed_in()
    answer = await party.browser.submit(page, decision=decision)
    assert read_page(answer).refresh == BYE
    assert await party.is_signed_in() is stays


async def test_nobody_in_particular_may_ask_too(openid: Deployment) -> None:
    party = await a_party(openid)
    page = await party.end()
    assert "An application asks to sign you out" in page.text

    answer = await party.browser.submit(page, decision="sign-out")

    assert "You are signed out" in answer.text
    assert not await party.is_signed_in()


@pytest.mark.requirement("C-03", "I-24")
async def test_an_id_token_from_another_session_is_no_proof(
    openid: Deployment,
) -> None:
    """An attacker makes a link of an ID token that a client got for the attacker."""
    attacker = await a_party(openid)
    victim = await a_party(openid)
    link = {
        "id_token_hint": attacker.tokens["id_token"],
        "post_logout_redirect_uri": BYE,
    }

    page = await attacker.end(victim.browser, **link)
    assert page.status_code == 200
    assert "Sign out?" in page.text
    assert await victim.is_signed_in()

    # Nobody is signed in: no redirect to a client that only registered itself.
    stranger = await attacker.end(openid.browser(), **link)
    assert stranger.status_code == 200
    assert BYE in read_page(stranger).links


async def test_an_operators_client_has_a_stranger_sent_on(openid: Deployment) -> None:
    party = await a_party(openid, vetted=True)
    client_id = party.client["client_id"]

    answer = await party.end(
        openid.browser(), client_id=client_id, post_logout_redirect_uri=BYE
    )

    assert (answer.status_code, answer.headers["location"]) == (302, BYE)


@pytest.mark.requirement("C-02", "I-24")
async def test_it_is_no_open_redirector(openid: Deployment) -> None:
    party, other = await a_party(openid), await a_party(openid, vetted=True)
    hint = party.tokens["id_token"]
    forged = signer("HS256", kid=a_signing_key("RS256").kid).sign(
        {"iss": ISSUER, "sub": "ada", "aud": party.client["client_id"]}, typ="JWT"
    )
    stolen = sign_jwt(
        {"iss": ISSUER, "sub": "ada", "aud": party.client["client_id"]},
        typ="at+jwt",
        key=a_signing_key("RS256"),
    )
    unknown = {"client_id": "aocl_nobody", "post_logout_redirect_uri": BYE}
    foreign = {"client_id": other.client["client_id"], "id_token_hint": hint}
    for parameters in (
        {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"},
        {"id_token_hint": hint, "post_logout_redirect_uri": BYE + "/"},
        {"post_logout_redirect_uri": BYE},
        {"id_token_hint": forged, "post_logout_redirect_uri": BYE},
        {"id_token_hint": stolen, "post_logout_redirect_uri": BYE},
        {"id_token_hint": "nonsense"},
        unknown,
        {**foreign, "post_logout_redirect_uri": BYE},
    ):
        answer = await party.end(**parameters)
        assert answer.status_code == 400, parameters
        assert "location" not in answer.headers
        assert read_page(answer).refresh is None
        assert await party.is_signed_in()


@pytest.mark.requirement("J-04", "C-19")
async def test_a_clients_form_is_asked_again_as_a_navigation(
    openid: Deployment,
) -> None:
    party = await a_party(openid)
    form = {"id_token_hint": party.tokens["id_token"], "post_logout_redirect_uri": BYE}

    # From the client's own page: without our cookie, which is `SameSite=Lax`.
    sent = await openid.browser().http.post(
        "/end_session", data=form, headers={"Origin": "https://app.example"}
    )

    assert sent.status_code == 303
    answer = await party.browser.follow(sent)
    assert (answer.status_code, answer.headers["location"]) == (302, BYE)
    too_long = {"id_token_hint": "x" * 20_000}
    refused = await openid.browser().http.post("/end_session", data=too_long)
    assert refused.status_code == 400


@pytest.mark.requirement("J-04")
async def test_the_answer_comes_from_our_own_page(openid: Deployment) -> None:
    party = await a_party(openid)
    client_id = party.client["client_id"]
    page = await party.end(client_id=client_id, post_logout_redirect_uri=BYE)
    found = read_page(page).forms[0]

    async def send(fields: dict[str, str], origin: str = ISSUER) -> httpx2.Response:
        return await party.browser.http.post(
            found.action,
            data={**found.fields, "decision": "sign-out", **fields},
            headers={"Origin": origin},
        )

    foreign = await send({}, "https://evil.example")
    changed = await send({"request": "client_id=x"})
    forged = await send({"csrf": "x"})
    redirected = await send({"request": f"client_id={client_id}"})

    assert foreign.status_code == forged.status_code == redirected.status_code == 403
    assert changed.status_code == 400
    malformed = await send({"request": "client_id=%ff"})
    assert malformed.status_code == 400
    assert await party.is_signed_in()
    party.browser.http.cookies.clear()
    late = await send({})
    assert late.status_code == 200
    assert read_page(late).refresh is None
    assert BYE in read_page(late).links
