"""What clients register about signing in, and about the legacy ways."""

import json
from dataclasses import replace

import pytest

from actor_oauth.oauth.clients import Client, Origin
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.metadata_document import decide_document
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.registration import (
    Registered,
    decide_client,
    registration_response,
)
from actor_oauth.oauth.wire import Reason, Refused
from tests.oauth.registrations import MINIMAL, NOW, POLICY

ON = replace(POLICY, openid_enabled=True)
LEGACY = replace(POLICY, implicit_enabled=True, plain_pkce_enabled=True)
EVERYTHING: dict[str, Json] = {
    "id_token_signed_response_alg": "ES256",
    "subject_type": "public",
    "default_max_age": 0,
    "require_auth_time": True,
    "post_logout_redirect_uris": ["https://c.example/bye"],
}
URL = "https://c.example/client.json"


def decide(
    policy: Policy, origin: Origin = "dynamic", /, **members: Json
) -> Registered | Refused:
    return decide_client(
        {**MINIMAL, **members},
        policy,
        client_id="aocl_x",
        now=NOW,
        origin=origin,
    )


def registered(
    policy: Policy, origin: Origin = "dynamic", /, **members: Json
) -> Client:
    decision = decide(policy, origin, **members)
    assert isinstance(decision, Registered), decision
    return decision.client


@pytest.mark.requirement("B-22")
def test_everything_is_kept_and_told_again() -> None:
    client = registered(ON, **EVERYTHING)

    assert client.openid == OpenIdClient(
        id_token_algorithm="ES256",
        default_max_age=0,
        require_auth_time=True,
        post_logout_redirect_uris=("https://c.example/bye",),
    )
    response = registration_response(client)
    assert {name: response[name] for name in EVERYTHING} == EVERYTHING
    assert Client.from_record(client.to_record()) == client


@pytest.mark.requirement("B-22")
def test_who_says_nothing_is_told_what_holds() -> None:
    client = registered(ON)

    assert client.openid == OpenIdClient()
    response = registration_response(client)
    assert response["id_token_signed_response_alg"] == "RS256"
    assert response["subject_type"] == "public"
    assert "default_max_age" not in response
    assert Client.from_record(client.to_record()) == client
    # A record of a later version of this program.
    later = OpenIdClient.from_members({"id_token_signed_response_alg": "ML-DSA-44"})
    assert later == OpenIdClient()


@pytest.mark.requirement("B-25", "A-08")
def test_while_it_is_off_the_members_are_unknown_ones() -> None:
    client = registered(POLICY, **{**EVERYTHING, "subject_type": "pairwise"})

    assert client.openid is None
    assert EVERYTHING.keys().isdisjoint(registration_response(client))


@pytest.mark.requirement("B-24")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("id_token_signed_response_alg", "none", Reason.ID_TOKEN_ALGORITHM_UNSUPPORTED),
        (
            "id_token_signed_response_alg",
            "HS256",
            Reason.ID_TOKEN_ALGORITHM_UNSUPPORTED,
        ),
        ("id_token_signed_response_alg", 1, Reason.METADATA_TYPE_WRONG),
        ("subject_type", "pairwise", Reason.PAIRWISE_UNSUPPORTED),
        ("default_max_age", -1, Reason.METADATA_TYPE_WRONG),
        ("default_max_age", True, Reason.METADATA_TYPE_WRONG),
        ("default_max_age", "60", Reason.METADATA_TYPE_WRONG),
        ("require_auth_time", "yes", Reason.METADATA_TYPE_WRONG),
        ("post_logout_redirect_uris", "https://c.example", Reason.METADATA_TYPE_WRONG),
        ("post_logout_redirect_uris", ["/bye"], Reason.REDIRECT_URI_MALFORMED),
        ("post_logout_redirect_uris", ["javascript:x"], Reason.REDIRECT_URI_SCHEME),
        (
            "post_logout_redirect_uris",
            [f"https://c.example/{n}" for n in range(33)],
            Reason.REDIRECT_URIS_TOO_MANY,
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(name: str, value: Json, reason: Reason) -> None:
    assert decide(ON, **{name: value}) == Refused(reason)


@pytest.mark.requirement("B-11")
def test_a_published_client_says_the_same() -> None:
    document = {"client_id": URL, "client_name": "C", **MINIMAL, **EVERYTHING}
    body = json.dumps(document).encode()

    client = decide_document(body, URL, ON, now=NOW)

    assert isinstance(client, Client)
    assert client.openid is not None
    assert client.openid.id_token_algorithm == "ES256"


IMPLICIT: dict[str, Json] = {"grant_types": ["implicit"], "response_types": ["token"]}


@pytest.mark.requirement("B-24", "C-06")
def test_implicit_is_registered_where_it_is_on_and_in_pairs_only() -> None:
    client = registered(LEGACY, **IMPLICIT)
    assert (client.grant_types, client.response_types) == (("implicit",), ("token",))

    both = registered(
        LEGACY,
        grant_types=["authorization_code", "implicit"],
        response_types=["code", "token"],
    )
    assert both.response_types == ("code", "token")
    # Each answer takes its grant: what lacks it is left out, or nothing remains.
    assert registered(LEGACY, response_types=["code", "token"]).response_types == (
        "code",
    )
    unpaired: list[dict[str, Json]] = [
        {"grant_types": ["implicit"]},
        {"response_types": ["token"]},
        {"grant_types": ["implicit"], "response_types": ["code"]},
    ]
    for members in unpaired:
        refused = decide(LEGACY, **members)
        assert refused == Refused(Reason.RESPONSE_TYPES_UNSUPPORTED)
    assert decide(POLICY, **IMPLICIT) == Refused(Reason.GRANT_TYPES_UNSUPPORTED)


@pytest.mark.requirement("C-07", "B-25")
def test_only_an_operator_registers_a_client_for_plain_pkce() -> None:
    client = registered(LEGACY, "pre-registered", plain_pkce=True)
    assert client.may_use_plain_pkce
    assert Client.from_record(client.to_record()) == client
    assert not registered(LEGACY, plain_pkce=True).may_use_plain_pkce
