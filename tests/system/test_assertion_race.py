"""An assertion counts once over two worker processes, however many copies arrive."""

from collections import Counter
from pathlib import Path

import httpx2
import pytest
import trio

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.config import Settings
from actor_oauth.config.settings.trust import TrustedIssuerSettings
from actor_oauth.provider import Provider
from actor_oauth.runtime import SystemClock
from tests.support.issuers import IDP, JWT_BEARER, Idp
from tests.support.server_process import serving
from tests.support.signing import signer

COPIES = 32


async def present_all(url: str, form: dict[str, str]) -> Counter[tuple[int, str]]:
    """Present copies of an assertion at once, each over a connection of its own."""
    answers: Counter[tuple[int, str]] = Counter()
    limits = httpx2.Limits(max_connections=COPIES)
    async with httpx2.AsyncClient(timeout=60.0, limits=limits) as http:

        async def present() -> None:
            # Each goes to whichever process the system chooses.
            answer = await http.post(f"{url}/token", data=form)
            answers[answer.status_code, answer.json().get("error", "")] += 1

        async with trio.open_nursery() as nursery:
            for _ in range(COPIES):
                nursery.start_soon(present)
    return answers


@pytest.mark.requirement("M-13", "D-47", "G1")
async def test_copies_at_two_processes_give_one_token(tmp_path: Path) -> None:
    trusted = TrustedIssuerSettings(issuer=IDP, jwks=signer().jwks())
    environment = {"ACTOR_OAUTH_TRUSTED_ISSUERS": f"[{trusted.model_dump_json()}]"}
    with serving(tmp_path, "--workers", "2", environment=environment) as server:
        assert len(server.children()) >= 2
        # A third process on the same data: the one that asks.
        settings = Settings(
            data=tmp_path, issuer=server.url, trusted_issuers=(trusted,)
        )
        async with Provider(settings).open() as here:
            made = await here.server.create_client(
                client_name="Agent",
                redirect_uris=(),
                confidential=True,
                assertions=True,
            )
            assert isinstance(made, NewClient)
            client_id = made.client.client_id
            idp = Idp(audience=server.url, client_id=client_id, now=SystemClock().now())
            for _ in range(3):
                form = {
                    "grant_type": JWT_BEARER,
                    "client_id": client_id,
                    "client_secret": made.secret or "",
                    "assertion": idp.assertion(),
                }
                assert await present_all(server.url, form) == {
                    (200, ""): 1,
                    (400, "invalid_grant"): COPIES - 1,
                }
            alice = here.server.federated_user_id(IDP, "00u1-alice")
            assert len((await here.server.list_user_grants(alice)).grants) == 3
