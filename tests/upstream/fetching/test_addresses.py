"""Which addresses are fetched from: public ones, that were looked up once."""

import socket
import threading

import pytest
import trio
import trio.testing

from actor_oauth.upstream.fetch import (
    Fetched,
    Fetcher,
    FetchFailed,
    FetchFault,
    FetchLimits,
)
from actor_oauth.upstream.network import (
    AddressRefusedError,
    SystemResolver,
    UnresolvedError,
    VettedNetwork,
    dial_address,
)
from tests.support.web import PUBLIC, PUBLIC_V6, Web, reply
from tests.upstream.fetching.fetched import LIMITS, PAGE, fault, fetched, patience


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "url",
    [
        "http://c.example/client.json",
        "https://user@c.example/client.json",
        "https://c.example/client.json#x",
        "https://c.example\\@127.0.0.1/",
        "ftp://c.example/",
        "file:///etc/passwd",
        "https:///client.json",
        "http://127.0.0.1/",
        "http://localhost/",
        "nonsense",
    ],
)
async def test_what_is_no_https_url_is_not_even_looked_up(web: Web, url: str) -> None:
    assert fault(await fetched(web, url)) is FetchFault.URL_REFUSED
    assert not web.looked_up


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "8.8.8.8",
    ],
)
async def test_a_host_that_is_an_address_is_refused(web: Web, host: str) -> None:
    answer = await fetched(web, f"https://{host}/client.json")

    assert fault(answer) is FetchFault.ADDRESS_REFUSED
    assert not web.dialled
    assert not web.looked_up


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["10.1.2.3"],
        [PUBLIC, "192.168.0.1"],
        ["192.168.0.1", PUBLIC],
        [PUBLIC, "::ffff:10.0.0.1"],
        [PUBLIC, "64:ff9b::a9fe:a9fe"],
        [PUBLIC, "fd00::1"],
    ],
)
async def test_one_address_that_is_not_public_refuses_the_name(
    web: Web, addresses: list[str]
) -> None:
    web.names["c.example"] = [addresses]

    assert fault(await fetched(web)) is FetchFault.ADDRESS_REFUSED
    assert not web.dialled


@pytest.mark.requirement("B-14")
async def test_a_second_answer_of_the_resolver_is_never_asked_for(web: Web) -> None:
    # DNS rebinding: first a public address to pass the check, then a private one.
    web.names["c.example"] = [[PUBLIC], ["127.0.0.1"]]
    web.pages[PAGE] = reply(b"{}")

    assert isinstance(await fetched(web), Fetched)
    assert web.looked_up["c.example"] == 1
    assert web.dialled == [(PUBLIC, 443)]

    # The next fetch resolves anew, since no connection is kept, and is refused.
    assert fault(await fetched(web)) is FetchFault.ADDRESS_REFUSED
    assert web.dialled == [(PUBLIC, 443)]


async def test_the_next_address_is_tried_when_one_does_not_answer(web: Web) -> None:
    web.names["c.example"] = [[PUBLIC_V6, PUBLIC]]
    web.silent.add(PUBLIC_V6)
    web.pages[PAGE] = reply(b"{}")

    assert isinstance(await fetched(web), Fetched)
    assert [address for address, _ in web.dialled] == [PUBLIC_V6, PUBLIC]


async def test_a_name_without_address_or_answer_fails(web: Web) -> None:
    web.names["c.example"] = [[]]
    assert fault(await fetched(web)) is FetchFault.UNRESOLVED
    assert fault(await fetched(web, "https://no.example/x")) is FetchFault.UNRESOLVED
    web.names["d.example"] = [[PUBLIC]]
    web.silent.add(PUBLIC)
    gone = await fetched(web, "https://d.example/x")
    assert fault(gone) is FetchFault.UNREACHABLE
    assert isinstance(gone, FetchFailed)
    assert gone.is_passing


@pytest.mark.requirement("B-14")
async def test_for_development_this_machine_may_be_asked_and_nothing_else(
    web: Web,
) -> None:
    web.names["localhost"] = [["127.0.0.1", "::1"]]
    web.names["inner.example"] = [["10.0.0.1"]]
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    web.pages[f"localhost:{port}/x"] = web.pages[f"127.0.0.1:{port}/x"] = reply(b"{}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, web.serve, listeners)
        fetcher = web.fetcher(loopback=True)
        for host in ("localhost", "127.0.0.1"):
            url = f"http://{host}:{port}/x"
            assert isinstance(await fetcher.fetch_json(url, LIMITS), Fetched)
            assert fault(await fetched(web, url)) is FetchFault.URL_REFUSED
        for url, expected in {
            "http://c.example/x": FetchFault.URL_REFUSED,
            "https://inner.example/x": FetchFault.ADDRESS_REFUSED,
            "https://10.0.0.1/x": FetchFault.ADDRESS_REFUSED,
            "https://127.1/x": FetchFault.ADDRESS_REFUSED,
        }.items():
            assert fault(await fetcher.fetch_json(url, LIMITS)) is expected
        nursery.cancel_scope.cancel()


async def test_the_system_s_resolver_and_sockets_are_what_is_used_by_default() -> None:
    resolve = SystemResolver()
    assert "127.0.0.1" in await resolve("127.0.0.1", 443)
    with pytest.raises(UnresolvedError):
        await resolve("no-such-name.invalid", 443)
    with pytest.raises(UnresolvedError):
        await resolve("x" * 64 + ".example", 443)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stream = await dial_address("127.0.0.1", listening.getsockname()[1])
        await stream.aclose()


async def test_no_file_is_ever_connected_to() -> None:
    with pytest.raises(AddressRefusedError):
        await VettedNetwork().connect_unix_socket("/run/x.sock")


async def test_the_network_waits_for_the_library(
    autojump_clock: trio.testing.MockClock,
) -> None:
    began = trio.current_time()
    await VettedNetwork().sleep(5)
    assert trio.current_time() - began == 5


@pytest.mark.requirement("B-14", "G5")
async def test_names_that_nobody_answers_for_hold_no_thread_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By forty of them a stranger kept every actor from being opened."""
    answered = threading.Event()

    def wait(*_args: object, **_more: object) -> None:
        answered.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    fetcher, limits = Fetcher(), FetchLimits(body_bytes=10, seconds=0.2)
    async with patience(), trio.open_nursery() as nursery:
        for number in range(50):
            url = f"https://c{number}.example/x"
            nursery.start_soon(fetcher.fetch_json, url, limits)
    threads = trio.to_thread.current_default_thread_limiter()
    assert threads.borrowed_tokens == 0
    answered.set()
