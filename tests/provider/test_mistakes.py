"""What a program that embeds a provider may get wrong: it is told what, and what to do."""

import asyncio  # noqa: TID251 - what a program may run a provider on by mistake
import socket
from pathlib import Path
from typing import cast

import pytest
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import ConfigError, ResourceSettings, Settings, load_settings
from actor_oauth.provider import Provider
from actor_oauth.resource.asgi import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Never reached."""


@pytest.mark.parametrize(
    ("issuer", "problem"),
    [
        ("http://login.example.com", r"must be https: http is for this machine only"),
        ("login.example.com", r"is no absolute https URL"),
    ],
)
def test_a_wrong_issuer_is_told_where_the_provider_is_made(
    issuer: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=rf"The issuer '{issuer}' {problem}"):
        Provider(Settings(issuer=issuer))


def test_a_resource_that_is_missing_is_named_as_it_should_be_configured() -> None:
    with pytest.raises(
        ValueError,
        match=r"no resource covers http://127.0.0.1:8000/api; "
        r"configured: http://127.0.0.1:8000/mcp. Add one to the resources",
    ):
        Provider(Settings()).protect(app, path="/api")


@pytest.mark.parametrize("path", ["api", "", "/"])
def test_a_path_is_a_slash_and_a_name(path: str) -> None:
    with pytest.raises(ValueError, match=r"must be like '/api'"):
        Provider(Settings()).mount(app, path=path)


def test_no_application_hides_another_or_the_providers_own_endpoints() -> None:
    provider = Provider(Settings(issuer="http://127.0.0.1:8000/auth"))
    provider.mount(app, path="/app/")
    with pytest.raises(ValueError, match=r"there is an application at /app already"):
        provider.mount(app, path="/app")
    for path in ("/auth", "/auth/token"):
        with pytest.raises(ValueError, match=rf"at {path} would hide .* own /auth/"):
            provider.mount(app, path=path)
    provider.mount(app, path="/auth/tokens")


def test_scopes_that_nobody_can_get_are_not_asked_for() -> None:
    provider = Provider(Settings())
    with pytest.raises(ValueError, match=r"nobody could get the scope 'wirte': add it"):
        provider.protect(app, path="/mcp", scopes=["mcp", "wirte"])
    with pytest.raises(TypeError, match=r"must be a list of names: \['mcp'\]"):
        provider.protect(app, path="/mcp", scopes="mcp")


def test_what_is_no_mcp_server_is_sent_to_where_it_can_be_protected() -> None:
    server = cast("MCPServer[None]", Server("low level"))
    with pytest.raises(TypeError, match=r"not Server; .* goes through protect"):
        Provider(Settings()).protect_mcp(server)


@pytest.mark.parametrize("name", ["serve", "open", "open_server"])
def test_on_asyncio_it_says_that_it_runs_on_trio(name: str) -> None:
    provider = Provider(Settings())

    async def run() -> None:
        if name == "serve":
            await provider.serve()
        else:
            async with getattr(provider, name)():
                pass

    with pytest.raises(RuntimeError, match=r"trio.run\(provider.serve\)"):
        asyncio.run(run())


async def test_a_port_in_use_is_told_before_the_data_directory_is_touched(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        provider = Provider(Settings(data=tmp_path / "data", port=port))
        with pytest.raises(
            ConfigError, match=rf"port {port}: Address already in use; "
        ):
            await provider.serve()
    assert not (tmp_path / "data").exists()


async def test_a_provider_that_cannot_be_opened_gives_its_port_back(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    provider = Provider(Settings(data=tmp_path / "file", port=port))
    with pytest.raises(ConfigError, match=r"is not a directory; choose another"):
        await provider.serve()
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_without_an_issuer_the_port_has_to_be_known() -> None:
    provider = Provider(Settings(port=0))
    with pytest.raises(ConfigError, match=r"choose a port, or set issuer"):
        await provider.serve()


async def test_what_depends_on_the_port_matters_to_who_serves(tmp_path: Path) -> None:
    elsewhere = ResourceSettings(identifier="http://127.0.0.1:9000/mcp")
    provider = Provider(Settings(data=tmp_path, demo=True, resources=(elsewhere,)))
    with pytest.raises(ConfigError, match="demo"):
        async with provider.open():
            pass
    async with provider.open_server():
        pass


async def test_what_is_off_and_what_is_not_open_are_told_apart(tmp_path: Path) -> None:
    provider = Provider(Settings(data=tmp_path))
    for name in ("server", "vault", "federation"):
        with pytest.raises(RuntimeError, match=r"not open: open\(\) or serve\(\)"):
            getattr(provider, name)
    async with provider.open_server():
        with pytest.raises(RuntimeError, match=r"set vault_enabled"):
            _ = provider.vault
        with pytest.raises(RuntimeError, match=r"set login_providers"):
            _ = provider.federation


def test_settings_of_a_file_are_read_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("isuer = 'https://login.example.com'")
    with pytest.raises(ConfigError, match=r"unknown setting; did you mean issuer\?"):
        load_settings(file=str(file))


def test_a_variable_that_is_no_setting_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_ISUER", "https://login.example.com")
    with pytest.warns(UserWarning, match=r"did you mean ACTOR_OAUTH_ISSUER\?") as told:
        load_settings()
    assert told[0].filename == __file__
