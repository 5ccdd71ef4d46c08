"""Registration with software statements, over HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.trusted_issuers import IssuerUse, TrustedIssuer
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.support.issuers import an_issuer, trusting
from tests.support.signing import signer
from tests.support.web import open_web, reply

VETTER = "https://vetter.example"
USE: frozenset[IssuerUse] = frozenset(("software-statement",))
TRUSTED = an_issuer(issuer=VETTER, uses=USE)


def signed(**changes: Json) -> str:
    return signer().sign(
        {
            "iss": VETTER,
            "software_id": "agent-1",
            "client_name": "Vetted Agent",
            "redirect_uris": ["https://vetted.example/cb"],
            **changes,
        }
    )


async def register(deployment: Deployment, **members: object) -> httpx2.Response:
    http = deployment.browser("198.51.100.7").http
    return await http.post(
        f"{ISSUER}/register", json={"token_endpoint_auth_method": "none", **members}
    )


@pytest.fixture
async def vetting(deploy: Deploy) -> AsyncIterator[Deployment]:
    policy = trusting(policy_for(ISSUER), TRUSTED, required=True)
    policy = replace(policy, registration_management_enabled=True)
    async with deploy(policy=policy) as opened:
        yield opened


@pytest.mark.requirement("B-28", "B-22")
async def test_a_client_registers_with_what_was_signed(vetting: Deployment) -> None:
    text = signed()
    made = await register(
        vetting, software_statement=text, client_name="Impostor", redirect_uris=["x"]
    )

    assert made.status_code == 201, made.text
    members = made.json()
    assert members["software_statement"] == text
    assert members["client_name"] == "Vetted Agent"
    assert members["redirect_uris"] == ["https://vetted.example/cb"]
    client = await vetting.server.lookup_client(members["client_id"])
    assert client is not None
    assert client.client_name == "Vetted Agent"


@pytest.mark.requirement("B-28", "B-24")
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({}, "invalid_software_statement"),
        ({"software_statement": "x"}, "invalid_software_statement"),
        ({"software_statement": signed(exp=1)}, "invalid_software_statement"),
        (
            {"software_statement": signed(iss="https://evil.example")},
            "unapproved_software_statement",
        ),
    ],
)
async def test_others_are_told_what_is_wrong(
    members: dict[str, str], error: str, vetting: Deployment
) -> None:
    answer = await register(vetting, redirect_uris=["https://a.example/cb"], **members)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.requirement("B-28", "B-33")
async def test_a_replacement_needs_a_statement_as_well(vetting: Deployment) -> None:
    made = (await register(vetting, software_statement=signed())).json()
    url, token = made["registration_client_uri"], made["registration_access_token"]
    http = vetting.browser("198.51.100.7").http
    body = {"client_id": made["client_id"], "redirect_uris": ["https://a.example/cb"]}
    headers = {"Authorization": f"Bearer {token}"}

    without = await http.put(url, json=body, headers=headers)
    assert without.json()["error"] == "invalid_software_statement"
    body["software_statement"] = signed(client_name="Vetted Again")
    replaced = await http.put(url, json=body, headers=headers)
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["client_name"] == "Vetted Again"
    assert replaced.json()["redirect_uris"] == ["https://vetted.example/cb"]


@pytest.mark.requirement("B-28")
async def test_the_keys_of_the_issuer_are_fetched_and_may_be_new(
    deploy: Deploy,
) -> None:
    published = TrustedIssuer(
        issuer=VETTER,
        jwks_uri=f"{VETTER}/keys",
        uses=USE,
    )
    page = "vetter.example/keys"
    async with open_web("vetter.example") as web:
        web.pages[page] = reply(b"", status="503 Service Unavailable")
        policy = trusting(policy_for(ISSUER), published)
        async with deploy(policy=policy, fetcher=web.fetcher()) as opened:
            away = await register(opened, software_statement=signed())
            assert (away.status_code, away.json()["error"]) == (
                503,
                "temporarily_unavailable",
            )
            old = json.dumps(signer(kid="old").jwks()).encode()
            web.pages[page] = reply(old, "Cache-Control: max-age=600")
            unknown = await register(opened, software_statement=signed())
            assert unknown.json()["error"] == "invalid_software_statement"

            new = json.dumps(signer().jwks()).encode()
            web.pages[page] = reply(new, "Cache-Control: max-age=600")
            opened.clock.advance(61)
            made = await register(opened, software_statement=signed())
            assert made.status_code == 201
            # Nobody needs one here.
            plain = await register(opened, redirect_uris=["https://a.example/cb"])
            assert plain.status_code == 201
