"""The servers of the instrument's own, in this process."""

import json
import os
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx2
import pytest
import trio
import trio.lowlevel
from hypercorn.typing import ASGIFramework

from actor_oauth.bench import echo, server
from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.own_server import own_server, own_settings, started


async def url_from(capfd: pytest.CaptureFixture[str]) -> str:
    said = ""
    with trio.fail_after(20):
        while "listening on" not in said:
            await trio.lowlevel.checkpoint()
            said += capfd.readouterr().err
    return said.partition("listening on ")[2].split()[0]


@pytest.mark.parametrize("app", [echo.asgi_echo, echo.quart_echo()])
async def test_an_echo_answers_with_what_it_was_sent(
    app: ASGIFramework, capfd: pytest.CaptureFixture[str]
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(echo.serve_app, app)
        url = await url_from(capfd)
        async with httpx2.AsyncClient(timeout=60) as http:
            answer = await http.post(url, content=b"abc" * 9)
        assert answer.content == b"abc" * 9
        assert answer.headers["content-type"] == "application/json"
        nursery.cancel_scope.cancel()


async def test_the_provider_approves_whoever_is_named_and_guards_an_echo(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    settings = own_settings(tmp_path / "data", listener.getsockname()[1])
    reading, writing = os.pipe()
    stdin = os.fdopen(reading)
    monkeypatch.setattr(sys, "stdin", stdin)
    serve = partial(server.serve_with_parent, settings, feels_lag=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener.detach())
        url = await url_from(capfd)
        async with httpx2.AsyncClient(timeout=60) as http:
            refused = await http.get(f"{url}/authorize?client_id=nobody")
            assert refused.status_code == 400
            registered = await http.post(
                f"{url}/register",
                json={
                    "redirect_uris": ["http://127.0.0.1/cb"],
                    "token_endpoint_auth_method": "none",
                },
            )
            query = {
                "response_type": "code",
                "client_id": registered.json()["client_id"],
                "redirect_uri": "http://127.0.0.1/cb",
                "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge_method": "S256",
                "login_hint": "alice",
            }
            approved = await http.get(f"{url}/authorize", params=query)
            assert approved.status_code == 303
            assert "code=" in approved.headers["location"]
            assert (await http.get(f"{url}/mcp")).status_code == 401
            assert (await http.post(f"{url}/echo", content=b"x")).content == b"x"
            late = json.loads((await http.get(f"{url}/lag")).content)
            assert late
            assert min(late) >= 0
        # As when the process that started it is killed.
        os.close(writing)
    stdin.close()


def test_a_server_that_does_not_start_says_why() -> None:
    broken = own_server(environment={"PYTHONPATH": "/nowhere"}, module="no.such.module")
    with pytest.raises(BenchError, match=r"no\.such"), broken:
        pass
    silent = started(["true"])
    with pytest.raises(BenchError, match="said nothing"), silent:
        pass
    with suppress(BenchError), started(["sh", "-c", "trap '' TERM; exit 1"]):
        pass
