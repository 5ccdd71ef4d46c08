"""Requests as bytes, and answers put together from whatever pieces arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.bench.http import (
    Answer,
    AnswerReader,
    MalformedAnswerError,
    Origin,
    origin_of,
    render,
    render_form,
    render_json,
)

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
)
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"


def answer(status: int, body: bytes, head: bytes = b"") -> Answer:
    return Answer(status, head, body, 0.0, 1.0)


@given(
    whole=st.sampled_from([PLAIN, CHUNKED, EARLY + PLAIN]),
    cuts=st.lists(st.integers(0, 120), max_size=8),
)
def test_an_answer_is_the_same_in_whatever_pieces_it_arrives(
    whole: bytes, cuts: list[int]
) -> None:
    reader = AnswerReader()
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    found = [reader.feed(whole[a:b]) for a, b in pairwise(edges)]
    assert [one is None for one in found] == [True] * (len(found) - 1) + [False]
    assert found[-1] is not None
    assert found[-1][0] == 200
    assert found[-1][2] == b"hello"
    assert reader.is_empty


def test_an_answer_without_a_body_is_complete_with_its_head() -> None:
    reader = AnswerReader()
    found = reader.feed(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n")
    assert found == (204, b"HTTP/1.1 204 No Content\r\nX: y\r\n", b"")
    assert not reader.closes


def test_an_answer_may_last_until_the_server_hangs_up() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nhel") is None
    assert reader.feed(b"lo") is None
    assert reader.finish() == (200, b"HTTP/1.0 200 OK\r\n", b"hello")
    assert reader.closes


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\n", PLAIN[:-1]])
def test_an_answer_that_breaks_off_is_none(cut: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(cut) is None
    assert reader.finish() is None


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(MalformedAnswerError, match="SSH"):
        AnswerReader().feed(b"SSH-2.0-OpenSSH\r\n\r\n")


def test_an_answer_says_what_it_is() -> None:
    assert answer(200, b"{}").kind == "200"
    assert answer(400, b'{"error": "invalid_grant"}').kind == "400 invalid_grant"
    assert answer(502, b"<html>").kind == "502"
    assert answer(0, b"").kind == "no answer"
    assert answer(200, b"[1]").members() == {}
    assert answer(200, b'{"a": "b", "c": 1}').text("a") == "b"
    assert answer(200, b'{"a": "b", "c": 1}').text("c") == ""


def test_a_header_is_found_whatever_its_case() -> None:
    found = answer(303, b"", b"HTTP/1.1 303 X\r\nLOCATION: http://a/?Code=X\r\n")
    assert found.header("Location") == "http://a/?Code=X"
    assert found.header("Retry-After") == ""


def test_requests_are_rendered_with_host_and_length() -> None:
    request = render_form("https://a.example/token?x=1", {"a": "b c"}, {"X": "y"})
    assert request.origin == Origin("https", "a.example", 443)
    lines = request.data.decode().split("\r\n")
    assert lines[:2] == ["POST /token?x=1 HTTP/1.1", "Host: a.example"]
    assert {"X: y", "Content-Length: 5"} <= set(lines)
    assert lines[-1] == "a=b+c"
    assert render_json("http://a/", {"a": 1}).data.endswith(b'{"a": 1}')
    assert b"Content-Length" not in render("GET", "http://a").data
    assert origin_of("http://[::1]:8080/") == Origin("http", "::1", 8080)


def test_an_address_that_is_not_of_the_web_is_refused() -> None:
    with pytest.raises(ValueError, match="ftp"):
        origin_of("ftp://a/")
