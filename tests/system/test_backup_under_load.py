"""A backup of a server under load: all that was answered before it works in the copy."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.oauth.wire import WireError
from actor_oauth.provider import Provider
from actor_oauth.provider.backups import make_backup, restore_backup
from actor_oauth.runtime import SystemClock
from tests.support.made_grants import make_grants
from tests.support.server_process import PATIENCE, serving

USERS = 4


@dataclass
class Chain:
    """The tokens of one user, as they are refreshed."""

    client_id: str
    refresh_token: str
    access_token: str
    answers: list[tuple[str, str]] = field(default_factory=list)
    moved: trio.Event = field(default_factory=trio.Event)

    @property
    def form(self) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": self.refresh_token,
        }

    async def go_on(self, http: httpx2.AsyncClient) -> None:
        """Refresh until cancelled."""
        while True:
            answer = await http.post("/token", data=self.form)
            assert answer.status_code == 200
            told = answer.json()
            self.refresh_token = told["refresh_token"]
            self.access_token = told["access_token"]
            self.answers.append((self.refresh_token, self.access_token))
            self.moved.set()
            self.moved = trio.Event()


def silent(_what: str, _done: int, _total: int) -> None:
    pass


async def until_each_went_on(chains: list[Chain], so_often: int) -> None:
    with trio.fail_after(PATIENCE):
        for chain in chains:
            goal = len(chain.answers) + so_often
            while len(chain.answers) < goal:
                await chain.moved.wait()


@pytest.mark.requirement("K-16")
async def test_what_was_answered_before_a_backup_works_after_restoring_it(
    tmp_path: Path,
) -> None:
    data, restored = tmp_path / "data", tmp_path / "restored"
    client_id, made = await make_grants(Settings(data=data), USERS)
    first, *chains = [
        Chain(client_id, tokens.refresh_token or "", tokens.access_token)
        for tokens in made
    ]
    with serving(data, "--workers", "2", "--issuer", "http://127.0.0.1:8000") as server:
        async with (
            httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE) as http,
            trio.open_nursery() as nursery,
        ):
            revocation = {"token": first.refresh_token, "client_id": client_id}
            assert (await http.post("/revoke", data=revocation)).status_code == 200
            for chain in chains:
                nursery.start_soon(chain.go_on, http)
            await until_each_went_on(chains, 3)
            answered = [chain.answers[-1] for chain in chains]
            saved = await trio.to_thread.run_sync(
                partial(
                    make_backup,
                    data,
                    tmp_path / "kept",
                    with_keys=True,
                    now=SystemClock().now(),
                    tell=silent,
                )
            )
            await until_each_went_on(chains, 3)
            nursery.cancel_scope.cancel()
    restore_backup(
        saved.path, restored, keyring_file=None, keep_grants=True, now=0, tell=silent
    )
    async with Provider(Settings(data=restored)).open() as running:
        server_of_copy = running.server

        async def refreshed(chain: Chain, token: str) -> TokenResponse | WireError:
            chain.refresh_token = token
            form = parse_form(urlencode(chain.form).encode())
            assert isinstance(form, Parameters)
            return await server_of_copy.token(form, None)

        for chain, (refresh_token, access_token) in zip(chains, answered, strict=True):
            assert await server_of_copy.unwrap_token(access_token) is not None
            answer = await refreshed(chain, refresh_token)
            assert isinstance(answer, TokenResponse)
        # What had been revoked before stays so.
        assert await server_of_copy.unwrap_token(first.access_token) is None
        assert isinstance(await refreshed(first, revocation["token"]), WireError)
