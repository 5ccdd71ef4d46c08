"""Pushed requests: what an answer of that endpoint leads to."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.pushing import decide_pushed
from tests.oauth.upstream.test_attempts import SERVER, begun

INSISTING = replace(SERVER, require_pushed_authorization_requests=True)
NAME = "urn:ietf:params:oauth:request_uri:x"


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.requirement("I-15")
@pytest.mark.parametrize("status", [200, 201])
def test_the_browser_carries_a_name_and_nothing_else(status: int) -> None:
    url = decide_pushed(status, body(request_uri=NAME, expires_in=60), begun())

    assert isinstance(url, str)
    assert url.startswith(SERVER.authorization_endpoint + "?")
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert query == {"client_id": ["us"], "request_uri": [NAME]}


@pytest.mark.requirement("I-14")
@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_a_client_that_is_not_known_is_told_apart(error: str) -> None:
    failed = decide_pushed(401, body(error=error), begun())

    assert isinstance(failed, UpstreamFailed)
    assert failed.fault is UpstreamFault.CLIENT_REJECTED


REFUSALS = [
    (400, body(error="invalid_request")),
    (404, b"<html>"),
    (201, body(expires_in=60)),
    (201, body(request_uri="two words")),
    (201, body(request_uri="x" * 2049)),
    (201, body(request_uri=7)),
    (302, body(request_uri=NAME)),
]


@pytest.mark.parametrize(("status", "answer"), REFUSALS)
def test_who_does_not_insist_gets_the_request_by_the_browser(
    status: int, answer: bytes
) -> None:
    departure = begun()

    assert decide_pushed(status, answer, departure) == departure.url


@pytest.mark.parametrize(("status", "answer"), REFUSALS)
def test_who_insists_and_refuses_ends_it(status: int, answer: bytes) -> None:
    failed = decide_pushed(status, answer, begun(INSISTING))

    assert isinstance(failed, UpstreamFailed)
    assert failed.fault is UpstreamFault.AUTHORIZATION_FAILED
