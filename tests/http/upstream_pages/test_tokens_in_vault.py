"""The service's tokens in the vault."""

from pathlib import Path

import pytest
import trio

from actor_oauth.upstream.federation.own_pages import UpstreamSignIn
from actor_oauth.upstream.vault import Authorization
from tests.http.federation.site import oidc
from tests.http.upstream_pages.stage import open_stage, renewed


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
