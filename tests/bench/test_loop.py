"""The driver's loop, against a server that does what it is told."""

from time import monotonic

from actor_oauth.bench.http import NO_ANSWER, Answer, Request, origin_of, render
from actor_oauth.bench.loop import Connect, Loop, Pause, Script
from tests.support.canned_server import HANG_UP, SAY_NOTHING, canned_server, reply

NOBODY = "http://127.0.0.1:1/"


def asking(request: Request, times: int, found: list[Answer]) -> Script:
    for _ in range(times):
        answer = yield request
        found.append(answer)


def test_a_script_is_given_the_answers_to_what_it_asks() -> None:
    found: list[Answer] = []
    with canned_server(reply(b"1"), reply(b"2", status="404 No")) as server:
        Loop().run([asking(render("GET", server.url), 2, found)])
    assert [(one.status, one.body) for one in found] == [(200, b"1"), (404, b"2")]
    assert 0 < found[0].sent < found[0].received <= found[1].sent < monotonic()


def test_scripts_run_at_once_and_answers_are_counted() -> None:
    found: list[Answer] = []
    ticks: list[None] = []
    with canned_server(*[reply()] * 20) as server:
        request = render("GET", server.url)
        loop = Loop(on_answer=lambda: ticks.append(None))
        loop.run([asking(request, 5, found) for _ in range(4)])
    assert len(found) == len(ticks) == 20


def test_a_connection_that_closes_is_opened_anew() -> None:
    found: list[Answer] = []
    last = reply(headers="Connection: close\r\n")
    with canned_server(last, last, reply()) as server:
        Loop().run([asking(render("GET", server.url), 3, found)])
    assert [one.status for one in found] == [200, 200, 200]


def test_whatever_goes_wrong_is_an_answer_that_says_so() -> None:
    found: list[Answer] = []
    with canned_server(HANG_UP, b"nonsense\r\n\r\n", reply()) as server:
        Loop().run([asking(render("GET", server.url), 3, found)])
        Loop().run([asking(render("GET", NOBODY), 2, found)])
    assert [one.status for one in found] == [NO_ANSWER, NO_ANSWER, 200, 0, 0]
    assert b"hung up" in found[0].head
    assert b"MalformedAnswer" in found[1].head
    assert b"refused" in found[3].head


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    found: list[Answer] = []
    with canned_server(SAY_NOTHING, reply()) as server:
        Loop(patience=0.1).run([asking(render("GET", server.url), 2, found)])
    assert b"no answer in time" in found[0].head
    assert found[1].status == 200


def test_a_pause_lasts_until_its_time() -> None:
    woken: list[float] = []
    begun = monotonic()

    def pausing(seconds: float) -> Script:
        yield Pause(begun + seconds)
        woken.append(monotonic() - begun - seconds)

    Loop().run([pausing(0.03), pausing(0.01), pausing(-1)])
    assert len(woken) == 3
    assert all(late >= 0 for late in woken)


def test_a_run_ends_in_the_middle_when_its_time_is_over() -> None:
    ended: list[bool] = []

    def endless(url: str) -> Script:
        try:
            yield Connect(origin_of(url))
            while True:
                yield render("GET", url)
        finally:
            ended.append(True)

    with canned_server(SAY_NOTHING) as server:
        Loop().run([endless(server.url)], until=monotonic() + 0.05)
    assert ended == [True]


def test_a_large_request_is_sent_piece_by_piece() -> None:
    found: list[Answer] = []
    with canned_server(reply(b"done")) as server:
        request = render("POST", server.url, body=b"x" * 20_000_000)
        Loop().run([asking(request, 1, found)])
    assert found[0].body == b"done"
