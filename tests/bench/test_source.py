"""Where tokens come from: lines, commands, and a server that approves at once."""

import sys
from pathlib import Path

import pytest

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.plan import Foreign
from actor_oauth.bench.served import foreign_source, foreign_target
from actor_oauth.bench.source import CommandSource, LineSource, file_source
from actor_oauth.bench.target import (
    Assertion,
    Code,
    Credentials,
    Endpoints,
    Grant,
    discover,
)
from tests.support.canned_server import canned_server, reply

ME = Credentials(client_id="me", secret="s")
LINE = '{"refresh_token": "r2", "access_token": "a", "client_id": "x"}'
CODE = '{"code": "c", "code_verifier": "v", "client_id": "x", "client_secret": "y"}'


SAID = '{"assertion": "j.w.t"}'


def test_lines_are_tokens_or_objects() -> None:
    source = LineSource(["r1", "", LINE, CODE, SAID], ME)
    assert source.assertions(1) == [Assertion(client=ME, assertion="j.w.t")]
    assert source.grants(2) == [
        Grant(client=ME, refresh_token="r1"),
        Grant(
            client=Credentials(client_id="x", in_body=True),
            refresh_token="r2",
            access_token="a",
        ),
    ]
    whose = Credentials(client_id="x", secret="y", in_body=True)
    assert source.codes(1) == [Code(client=whose, code="c", verifier="v")]


def test_no_token_is_given_twice() -> None:
    source = LineSource(["r1"], ME)
    source.grants(1)
    with pytest.raises(BenchError, match="1 refresh tokens are needed, and 0"):
        source.grants(1)
    with pytest.raises(BenchError, match="registered"):
        source.clients(1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [("r", "whose token"), ("{", "not JSON"), ('{"client_id": "x"}', "neither")],
)
def test_a_line_that_says_too_little_is_refused(line: str, problem: str) -> None:
    with pytest.raises(BenchError, match=problem):
        LineSource([line], None)


def test_a_file_is_read_or_told_about(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("r1\nr2\n")
    assert len(file_source(file, ME).grants(2)) == 2
    with pytest.raises(BenchError, match="No such file"):
        file_source(tmp_path / "none", ME)


def test_a_command_prints_as_many_as_it_is_asked_for(tmp_path: Path) -> None:
    program = tmp_path / "print.py"
    program.write_text(
        "import os\n"
        "for n in range(int(os.environ['ACTOR_OAUTH_BENCH_COUNT'])):\n"
        "    if os.environ['ACTOR_OAUTH_BENCH_KIND'] == 'codes':\n"
        '        print(\'{"code": "c%d"}\' % n)\n'
        "    elif os.environ['ACTOR_OAUTH_BENCH_KIND'] == 'assertions':\n"
        '        print(\'{"assertion": "a%d"}\' % n)\n'
        "    else:\n"
        "        print('r%d' % n)\n"
    )
    source = CommandSource(f"{sys.executable} {program}", ME)
    assert [one.refresh_token for one in source.grants(3)] == ["r0", "r1", "r2"]
    assert [one.code for one in source.codes(2)] == ["c0", "c1"]
    assert [one.assertion for one in source.assertions(1)] == ["a0"]
    assert source.clients(1) == [ME]


def test_a_command_that_fails_is_told_about() -> None:
    with pytest.raises(BenchError, match="the command for tokens"):
        CommandSource("false", ME).grants(1)


def test_endpoints_are_discovered_and_those_given_win() -> None:
    document = b'{"token_endpoint": "http://a/t", "revocation_endpoint": "http://a/r"}'
    missing = reply(status="404 Not Found")
    with canned_server(missing, reply(document)) as server:
        foreign = Foreign(
            issuer=server.url, endpoints={"revocation": "http://b/r", "resource": None}
        )
        target = foreign_target(foreign)
        assert len(server.heads) == 2
    expected = Endpoints(token="http://a/t", revocation="http://b/r")
    assert target.endpoints == expected


def test_a_server_without_metadata_is_told_about() -> None:
    answers = [reply(status="404 Not Found")] * 3
    nothing = pytest.raises(BenchError, match="no metadata document")
    with canned_server(*answers) as server, nothing:
        discover(server.url)
    with pytest.raises(BenchError, match="--token-endpoint"):
        foreign_target(Foreign(issuer=None))


def test_a_server_that_does_not_approve_at_once_needs_another_source() -> None:
    registered = reply(b'{"client_id": "x"}', status="201 Created")
    login = reply(b"<html>")
    with canned_server(registered, login) as server:
        names = ("token", "authorization", "registration")
        endpoints: dict[str, str | None] = dict.fromkeys(names, server.url)
        foreign = Foreign(issuer=None, endpoints=endpoints)
        source = foreign_source(foreign, foreign_target(foreign))
        with pytest.raises(BenchError, match="approve at once"):
            source.grants(1)


def test_a_server_is_asked_again_when_it_is_busy() -> None:
    busy = reply(status="429 Too Many Requests", headers="Retry-After: 0\r\n")
    registered = reply(b'{"client_id": "x"}', status="201 Created")
    refused = reply(b'{"error": "invalid_client_metadata"}', status="400 Bad Request")
    with canned_server(busy, registered, refused) as server:
        foreign = Foreign(
            issuer=None,
            endpoints={"token": server.url, "registration": server.url},
        )
        source = foreign_source(foreign, foreign_target(foreign))
        assert source.clients(1) == [Credentials(client_id="x")]
        with pytest.raises(BenchError, match="registration was refused"):
            source.clients(1)


def test_the_file_and_the_command_are_preferred_to_an_own_flow(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("r1\n")
    endpoints: dict[str, str | None] = {"token": "http://a/t"}
    for foreign in (
        Foreign(issuer=None, endpoints=endpoints, tokens=file, client=ME),
        Foreign(issuer=None, endpoints=endpoints, token_command="echo r1", client=ME),
    ):
        source = foreign_source(foreign, foreign_target(foreign))
        assert source.grants(1) == [Grant(client=ME, refresh_token="r1")]
