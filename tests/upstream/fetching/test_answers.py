"""Fetching from real servers that behave badly: status, type, size and time."""

import gzip

import pytest
import trio
import trio.testing

from actor_oauth.upstream.fetch import Fetched, FetchFailed, FetchFault, FetchLimits
from actor_oauth.upstream.host_rate import HostBudget, HostRate
from tests.support.web import PUBLIC, Answer, Web, reply
from tests.upstream.fetching.fetched import LIMITS, PAGE, URL, fault, fetched, patience


@pytest.mark.requirement("B-13")
async def test_a_document_is_fetched_with_one_plain_get(web: Web) -> None:
    web.pages[PAGE] = reply(
        b'{"a":1}', "Cache-Control: max-age=300", "Set-Cookie: s=1", "Age: 20"
    )

    assert await fetched(web) == Fetched(body=b'{"a":1}', fresh_for=280)
    await fetched(web)

    expected = (
        "GET /client.json HTTP/1.1\r\n"
        "Host: c.example\r\n"
        "Accept: application/json\r\n"
        "Accept-Encoding: identity\r\n"
        "User-Agent: actor-oauth\r\n"
        "Connection: close\r\n\r\n"
    )
    assert web.requests == [expected] * 2
    assert web.dialled == [(PUBLIC, 443)] * 2


@pytest.mark.requirement("B-13")
async def test_port_and_query_are_part_of_the_request(web: Web) -> None:
    web.pages["c.example:8443/x?v=1"] = reply(b"{}")

    assert isinstance(await fetched(web, "https://c.example:8443/x?v=1"), Fetched)
    assert web.dialled == [(PUBLIC, 8443)]


@pytest.mark.requirement("B-14")
async def test_a_certificate_for_another_name_is_not_believed(web: Web) -> None:
    web.names["other.example"] = [[PUBLIC]]
    web.pages["other.example/x"] = reply(b"{}")

    answer = await fetched(web, "https://other.example/x")

    assert fault(answer) is FetchFault.UNREACHABLE
    assert isinstance(answer, FetchFailed)
    assert "Hostname mismatch" in answer.detail
    assert not web.requests


@pytest.mark.requirement("B-13")
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 X", "308 X"])
async def test_no_redirect_is_followed(web: Web, status: str) -> None:
    web.pages[PAGE] = reply(
        b"{}", "Location: https://d.example/client.json", status=status
    )
    web.pages["d.example/client.json"] = reply(b"{}")

    answer = await fetched(web)

    assert fault(answer) is FetchFault.STATUS
    assert isinstance(answer, FetchFailed)
    assert not answer.is_passing
    assert len(web.requests) == 1


@pytest.mark.requirement("B-13")
@pytest.mark.parametrize(
    ("status", "passing"),
    [
        ("201 Created", False),
        ("203 X", False),
        ("204 No Content", False),
        ("404 Not Found", False),
        ("410 Gone", False),
        ("429 Slow Down", True),
        ("500 X", True),
        ("503 X", True),
    ],
)
async def test_only_200_succeeds(web: Web, status: str, passing: bool) -> None:
    web.pages[PAGE] = reply(b"{}", status=status)

    answer = await fetched(web)

    assert isinstance(answer, FetchFailed)
    assert answer.fault is FetchFault.STATUS
    assert answer.is_passing is passing


@pytest.mark.requirement("B-13")
@pytest.mark.parametrize(
    ("media_type", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        ("application/cimd+json", True),
        ("text/html", False),
        ("text/json", False),
        ("application/jsonp", False),
        ("application/json, text/html", False),
        ("", False),
    ],
)
async def test_the_media_type_must_be_json(
    web: Web, media_type: str, accepted: bool
) -> None:
    web.pages[PAGE] = reply(b"{}", media_type=media_type)
    assert isinstance(await fetched(web), Fetched) is accepted


def stated_length(body: bytes, length: int) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    ) + body


def chunked(body: bytes, *headers: str) -> bytes:
    head = reply(b"", *headers, "Transfer-Encoding: chunked").partition(b"\r\n\r\n")[0]
    head = head.replace(b"Content-Length: 0\r\n", b"")
    return head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


@pytest.mark.requirement("B-13")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(b" " * 5120), None),
        (reply(b" " * 5121), FetchFault.TOO_LARGE),
        (chunked(b" " * 5120), None),
        (chunked(b" " * 5121), FetchFault.TOO_LARGE),
        # The length that a server states proves nothing.
        (stated_length(b" " * 100, 5_000_000), FetchFault.CUT_OFF),
        (stated_length(b" " * 6000, 10), None),
        (
            reply(gzip.compress(b" " * 100), "Content-Encoding: gzip"),
            None,
        ),
        # 10 MB in 10 KB, and 50 KB in less than the limit.
        (
            reply(gzip.compress(b" " * 10_000_000), "Content-Encoding: gzip"),
            FetchFault.TOO_LARGE,
        ),
        (
            chunked(gzip.compress(b" " * 50_000), "Content-Encoding: gzip"),
            FetchFault.TOO_LARGE,
        ),
        (
            reply(gzip.compress(b"{}")[:-4], "Content-Encoding: gzip"),
            FetchFault.ENCODING,
        ),
        (
            reply(gzip.compress(b"{}") + b"more", "Content-Encoding: gzip"),
            FetchFault.ENCODING,
        ),
        (reply(b"{}", "Content-Encoding: gzip"), FetchFault.ENCODING),
        (reply(b"{}", "Content-Encoding: br"), FetchFault.ENCODING),
        (reply(b"{}", "Content-Encoding: gzip, gzip"), FetchFault.ENCODING),
        (b"nonsense\r\n\r\n", FetchFault.CUT_OFF),
        (b"", FetchFault.CUT_OFF),
    ],
)
async def test_the_decoded_body_is_limited_whatever_is_said_about_it(
    web: Web, answer: bytes, expected: FetchFault | None
) -> None:
    web.pages[PAGE] = answer
    got = await fetched(web)
    assert (None if isinstance(got, Fetched) else got.fault) is expected


async def test_a_body_without_end_is_cut_off(web: Web) -> None:
    cut = trio.Event()

    async def stream_for_ever(stream: trio.abc.Stream) -> None:
        try:
            await stream.send_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
            )
            while True:
                await stream.send_all(b" " * 1000)
        finally:
            cut.set()

    web.pages[PAGE] = stream_for_ever
    async with patience():
        assert fault(await fetched(web)) is FetchFault.TOO_LARGE
        await cut.wait()


async def _say_nothing(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


async def _drip_headers(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"X-A: b\r\n")
        await trio.sleep(0.01)


async def _drip_body(stream: trio.abc.Stream) -> None:
    await stream.send_all(reply(b"")[:-4].replace(b"h: 0", b"h: 5000") + b"\r\n\r\n")
    while True:
        await stream.send_all(b" ")
        await trio.sleep(0.01)


@pytest.mark.requirement("B-13")
@pytest.mark.parametrize("answer", [_say_nothing, _drip_headers, _drip_body])
async def test_one_deadline_covers_headers_and_body(web: Web, answer: Answer) -> None:
    web.pages[PAGE] = answer
    limits = FetchLimits(body_bytes=5120, seconds=0.2)
    async with patience():
        got = await web.fetcher().fetch_json(URL, limits)
    assert fault(got) is FetchFault.TIMED_OUT


@pytest.mark.requirement("B-13")
async def test_waiting_for_a_free_place_counts_against_the_deadline(web: Web) -> None:
    web.held["c.example/slow"] = trio.Event()
    web.pages["c.example/slow"] = web.pages["d.example/x"] = reply(b"{}")
    fetcher = web.fetcher(concurrency=1)
    async with patience(), trio.open_nursery() as nursery:
        nursery.start_soon(fetcher.fetch_json, "https://c.example/slow", LIMITS)
        await web.arrived["c.example/slow"].wait()
        limits = FetchLimits(body_bytes=10, seconds=0.1)
        late = await fetcher.fetch_json("https://d.example/x", limits)
        assert fault(late) is FetchFault.TIMED_OUT
        web.held["c.example/slow"].set()
    assert isinstance(await fetcher.fetch_json("https://d.example/x", LIMITS), Fetched)


@pytest.mark.requirement("B-18")
async def test_a_host_is_asked_only_so_often(web: Web) -> None:
    web.pages[PAGE] = web.pages["d.example/x"] = reply(b"{}")
    fetcher = web.fetcher(rate=HostRate(burst=3, interval=1000.0))

    answers = [await fetcher.fetch_json(URL, LIMITS) for _ in range(3)]
    assert all(isinstance(answer, Fetched) for answer in answers)
    refused = await fetcher.fetch_json(URL.replace("c.ex", "C.EX"), LIMITS)
    assert fault(refused) is FetchFault.HOST_ASKED_TOO_OFTEN
    assert isinstance(await fetcher.fetch_json("https://d.example/x", LIMITS), Fetched)
    assert web.count(PAGE) == 3


def test_a_host_may_be_asked_again_later_and_few_are_remembered() -> None:
    budget = HostBudget(HostRate(burst=2, interval=10.0), capacity=2)
    assert [budget.take("a", now=0.0) for _ in range(3)] == [True, True, False]
    assert budget.take("a", now=10.0)
    assert not budget.take("a", now=10.0)
    assert budget.take("b", now=10.0)
    assert budget.take("c", now=10.0)
    assert budget.take("a", now=10.0)
