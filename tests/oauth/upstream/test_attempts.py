"""Signing in elsewhere: what is asked, and which answers count."""

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from actor_oauth.oauth.parameters import Parameters, parameters_of
from actor_oauth.oauth.pkce import verify_s256
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.attempts import (
    Attempt,
    Departure,
    begin_attempt,
    choose_scope,
    decide_callback,
    state_hash,
)
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

_F = UpstreamFault
NOW: Final = 1_800_000_000
CALLBACK: Final = "https://us.example/oauth/callback/as.example"
SERVER: Final = UpstreamServer(
    issuer="https://as.example",
    authorization_endpoint="https://as.example/authorize",
    token_endpoint="https://as.example/token",
)
PROMISING: Final = replace(SERVER, authorization_response_iss_parameter_supported=True)
CLIENT: Final = UpstreamClient(
    client_id="us",
    method="client_secret_post",
    redirect_uri=CALLBACK,
    origin="registered",
    secret="shared",
    expires_at=NOW + 5,
)
RESOURCE: Final = "https://r.example/mcp"


def begun(server: UpstreamServer = SERVER, **more: object) -> Departure:
    return begin_attempt(
        resource=RESOURCE,
        server=server,
        client=CLIENT,
        scope=Scope(("a", "b")),
        fresh=bytes(range(64)),
        now=NOW,
        **more,  # type: ignore[arg-type]  # a test's shorthand
    )


def asked(departure: Departure) -> dict[str, list[str]]:
    return parse_qs(urlsplit(departure.url).query, strict_parsing=True)


@pytest.mark.requirement("I-15", "I-16")
def test_the_request_names_the_resource_and_a_challenge() -> None:
    departure = begun()

    query = asked(departure)
    assert all(len(values) == 1 for values in query.values())
    assert departure.url.startswith("https://as.example/authorize?")
    assert query["response_type"] == ["code"]
    assert query["client_id"] == ["us"]
    assert query["redirect_uri"] == [CALLBACK]
    assert query["resource"] == [RESOURCE]
    assert query["scope"] == ["a b"]
    assert query["code_challenge_method"] == ["S256"]
    assert verify_s256(departure.attempt.verifier, query["code_challenge"][0])
    assert query["state"] == [departure.state]
    assert departure.attempt.expires_at == NOW + 600


@pytest.mark.requirement("I-15")
def test_state_and_verifier_have_256_bits_each_and_are_not_the_same() -> None:
    departure = begun()

    assert len(departure.state) == len(departure.attempt.verifier) == 43
    assert departure.state != departure.attempt.verifier
    assert departure.state not in repr(departure)
    assert departure.attempt.verifier not in repr(departure)


def test_the_query_of_the_endpoint_stays() -> None:
    server = replace(SERVER, authorization_endpoint="https://as.example/a?tenant=1")

    assert asked(begun(server))["tenant"] == ["1"]


def test_a_server_set_up_by_hand_gets_what_it_needs_and_no_resource() -> None:
    departure = begun(
        sends_resource=False, further={"access_type": "offline", "state": "mine"}
    )

    query = asked(departure)
    assert query["access_type"] == ["offline"]
    assert query["state"] == [departure.state]
    assert "resource" not in query


def test_no_scope_is_no_parameter() -> None:
    departure = begin_attempt(
        resource=RESOURCE,
        server=SERVER,
        client=CLIENT,
        scope=Scope(),
        fresh=bytes(64),
        now=NOW,
    )

    assert "scope" not in asked(departure)


@pytest.mark.parametrize("name", [None, "Notes"])
def test_a_stored_attempt_is_read_back(name: str | None) -> None:
    attempt = begun(PROMISING, name=name).attempt

    assert Attempt.from_record(attempt.to_record()) == attempt


def test_the_state_cannot_be_read_from_its_hash() -> None:
    assert len(state_hash("s")) == 16
    assert state_hash("s") != state_hash("t")


SCOPES = {
    name: Scope((name,)) for name in ("wanted", "challenged", "listed", "earlier")
}


@pytest.mark.requirement("I-17", "I-36")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ""),
        (("listed",), "listed"),
        (("challenged", "listed"), "challenged"),
        (("wanted", "challenged", "listed"), "wanted"),
        # A step-up must not lose what there was; the usual set is no step-up.
        (("challenged", "earlier"), "earlier challenged"),
        (("listed", "earlier"), "listed"),
        (("earlier",), ""),
    ],
)
def test_the_scope_is_what_was_wanted_most_directly(
    given: tuple[str, ...], expected: str
) -> None:
    scopes = {name: SCOPES[name] if name in given else Scope() for name in SCOPES}
    offering = replace(SERVER, scopes_supported=Scope(("offline_access",)))

    plain = choose_scope(server=SERVER, **scopes)
    refreshing = choose_scope(server=offering, **scopes)

    assert str(plain) == expected
    assert str(refreshing) == (f"{expected} offline_access" if expected else "")


def answered(*pairs: tuple[str, str]) -> Parameters:
    return parameters_of([("state", "s"), *pairs])


def decided(
    *pairs: tuple[str, str],
    server: UpstreamServer = SERVER,
    redirect_uri: str = CALLBACK,
) -> str | UpstreamFault:
    decision = decide_callback(
        answered(*pairs), begun(server).attempt, redirect_uri=redirect_uri
    )
    return decision.fault if isinstance(decision, UpstreamFailed) else decision


ISS: Final = ("iss", "https://as.example")
CODE: Final = ("code", "c")


@pytest.mark.requirement("I-18")
@pytest.mark.parametrize(
    ("server", "pairs", "expected"),
    [
        (SERVER, [CODE], "c"),
        (SERVER, [CODE, ISS], "c"),
        (PROMISING, [CODE, ISS], "c"),
        (PROMISING, [CODE], _F.CALLBACK_ISSUER_WRONG),
        (PROMISING, [CODE, ("iss", "")], _F.CALLBACK_ISSUER_WRONG),
        # Not promised, but sent: it counts all the same, and it is never normalised.
        (SERVER, [CODE, ("iss", "")], _F.CALLBACK_ISSUER_WRONG),
        (SERVER, [CODE, ("iss", "https://as.example/")], _F.CALLBACK_ISSUER_WRONG),
        (SERVER, [CODE, ("iss", "https://AS.example")], _F.CALLBACK_ISSUER_WRONG),
        (SERVER, [CODE, ("iss", "https://evil.example")], _F.CALLBACK_ISSUER_WRONG),
        # What is not the asked server's is not looked at any further.
        (
            SERVER,
            [("error", "access_denied"), ("iss", "https://evil.example")],
            _F.CALLBACK_ISSUER_WRONG,
        ),
        (PROMISING, [("error", "access_denied")], _F.CALLBACK_ISSUER_WRONG),
    ],
)
def test_an_answer_is_the_asked_servers_or_nothing(
    server: UpstreamServer, pairs: list[tuple[str, str]], expected: str
) -> None:
    assert decided(*pairs, server=server) == expected


@pytest.mark.requirement("I-19")
@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("error", "access_denied")], _F.DENIED),
        (
            [("error", "server_error"), ("error_description", "<b>")],
            _F.AUTHORIZATION_FAILED,
        ),
        ([CODE, ("error", "access_denied")], _F.CALLBACK_MALFORMED),
        ([], _F.CALLBACK_MALFORMED),
        ([("code", "")], _F.CALLBACK_MALFORMED),
        ([CODE, CODE], _F.CALLBACK_MALFORMED),
        ([CODE, ISS, ISS], _F.CALLBACK_MALFORMED),
        ([CODE, ("state", "t")], _F.CALLBACK_MALFORMED),
        ([("error", "a"), ("error", "b")], _F.CALLBACK_MALFORMED),
    ],
)
def test_an_answer_says_one_thing(
    pairs: list[tuple[str, str]], expected: UpstreamFault
) -> None:
    assert decided(*pairs) is expected


@pytest.mark.requirement("I-18")
def test_an_answer_that_arrives_at_another_servers_address_is_refused() -> None:
    elsewhere = "https://us.example/oauth/callback/evil.example"

    assert decided(CODE, ISS, redirect_uri=elsewhere) is _F.CALLBACK_MALFORMED
