"""Software statements: which hold, and what they settle."""

import json
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import parse_jwks
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import (
    Registered,
    decide_registration,
    registration_response,
)
from actor_oauth.oauth.software_statement import (
    PresentedStatement,
    Statement,
    decide_statement,
    read_statement,
)
from tests.support.grants import POLICY, START
from tests.support.issuers import an_issuer, trusting
from tests.support.signing import Signer, segment, signer

VETTER: Final = "https://vetter.example"
USE: Final = frozenset(("software-statement",))
TRUSTING: Final = trusting(POLICY, an_issuer(issuer=VETTER, uses=USE))
REQUIRING: Final = trusting(POLICY, an_issuer(issuer=VETTER, uses=USE), required=True)
SIGNED: Final[dict[str, Json]] = {
    "iss": VETTER,
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
    "client_name": "Vetted Agent",
    "redirect_uris": ["https://vetted.example/cb"],
}


def signed(
    *, key: Signer | None = None, typ: str | None = None, **changes: Json
) -> str:
    claims = {
        name: value
        for name, value in {**SIGNED, **changes}.items()
        if value is not None
    }
    header: dict[str, Json] = {} if typ is None else {"typ": typ}
    return (key or signer()).sign(claims, **header)


def judged(text: Json, policy: Policy = TRUSTING) -> Statement | Reason | None:
    body = json.dumps({"software_statement": text}).encode()
    presented = read_statement(body, policy)
    if not isinstance(presented, PresentedStatement):
        return presented.reason if isinstance(presented, Refused) else None
    keys = parse_jwks(dict(presented.issuer.jwks or {})) or ()
    decision = decide_statement(presented, keys, policy, now=START)
    return decision.reason if isinstance(decision, Refused) else decision


def registered(statement: str, **members: Json) -> Client:
    found = judged(statement)
    assert isinstance(found, Statement)
    decision = decide_registration(
        json.dumps({**members, "software_statement": statement}).encode(),
        TRUSTING,
        client_id="aocl_new",
        now=START,
        statement=found,
    )
    assert isinstance(decision, Registered), decision
    return decision.client


@pytest.mark.requirement("B-28")
def test_what_is_signed_takes_precedence() -> None:
    text = signed()
    client = registered(
        text,
        client_name="Impostor",
        redirect_uris=["https://evil.example/cb"],
        client_uri="https://site.example/",
    )

    assert client.client_name == "Vetted Agent"
    assert client.redirect_uris == ("https://vetted.example/cb",)
    # What is not signed is the client's to say.
    assert client.client_uri == "https://site.example/"
    told = registration_response(client)
    assert told["software_statement"] == text
    assert told["software_id"] == SIGNED["software_id"]
    assert "iss" not in told


@pytest.mark.requirement("B-28")
def test_what_is_signed_cannot_be_got_around() -> None:
    keys = dict(signer(nth=3).jwks())
    client = registered(
        signed(jwks=keys, token_endpoint_auth_method="private_key_jwt"),
        **{"client_name#de": "Hochstapler"},
        jwks_uri="https://evil.example/keys",
    )
    assert client.jwks == keys
    assert client.jwks_uri is None
    assert "client_name#de" not in client.metadata

    published = registered(
        signed(
            jwks_uri="https://vetted.example/keys",
            token_endpoint_auth_method="private_key_jwt",
        ),
        jwks=keys,
    )
    assert published.jwks is None


@pytest.mark.requirement("B-28")
def test_it_cannot_say_what_is_the_servers_to_say() -> None:
    found = judged(
        signed(client_id="aocl_mine", client_secret="s", registration_access_token="t")
    )
    assert isinstance(found, Statement)
    assert set(found.claims) == {"software_id", "client_name", "redirect_uris"}


@pytest.mark.requirement("B-28")
def test_its_metadata_are_held_to_the_rules_of_all() -> None:
    text = signed(redirect_uris=["javascript:alert(1)"])
    found = judged(text)
    assert isinstance(found, Statement)
    decision = decide_registration(
        b"{}", TRUSTING, client_id="x", now=START, statement=found
    )
    assert decision == Refused(Reason.REDIRECT_URI_SCHEME)


@pytest.mark.requirement("B-28")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.STATEMENT_MALFORMED),
        ("a.b.c", Reason.STATEMENT_MALFORMED),
        (7, Reason.STATEMENT_MALFORMED),
        ({"iss": VETTER}, Reason.STATEMENT_MALFORMED),
        (signed(typ="oauth-id-jag+jwt"), Reason.STATEMENT_MALFORMED),
        (signed(software_id=None), Reason.STATEMENT_MALFORMED),
        (signed(iss="https://other.example"), Reason.STATEMENT_UNAPPROVED),
        (signed(iss=None), Reason.STATEMENT_UNAPPROVED),
        (signed(key=signer(nth=1)), Reason.STATEMENT_SIGNATURE),
        (signed(key=replace(signer(), kid=None)), Reason.STATEMENT_SIGNATURE),
        (signed(key=signer(kid="k9")), Reason.STATEMENT_KEY_UNKNOWN),
        (signed(key=signer("HS256")), Reason.STATEMENT_SIGNATURE),
        (signed(aud="https://other.example"), Reason.STATEMENT_AUDIENCE),
        (signed(aud=[7]), Reason.STATEMENT_AUDIENCE),
        (signed(exp=START - 60), Reason.STATEMENT_EXPIRED),
        (signed(iat=START + 61), Reason.STATEMENT_EXPIRED),
        (signed(nbf=START + 61), Reason.STATEMENT_EXPIRED),
        (signed(exp="never"), Reason.STATEMENT_EXPIRED),
    ],
)
def test_a_statement_that_does_not_hold_is_refused(text: Json, reason: Reason) -> None:
    assert judged(text) is reason
    approved = "unapproved" not in reason
    assert reason.category.error == (
        "invalid_software_statement" if approved else "unapproved_software_statement"
    )


@pytest.mark.requirement("B-28")
def test_an_issuer_is_trusted_for_nothing_else() -> None:
    people = trusting(
        POLICY,
        an_issuer(issuer=VETTER),
        an_issuer(issuer="https://other.example", uses=USE),
    )
    assert judged(signed(), people) is Reason.STATEMENT_UNAPPROVED


@pytest.mark.requirement("B-28")
def test_it_may_name_this_server_and_a_time() -> None:
    text = signed(
        aud=[POLICY.issuer, "https://other.example"],
        exp=START + 9,
        iat=START,
        nbf=START,
    )
    assert isinstance(judged(text), Statement)


@pytest.mark.requirement("B-28")
def test_while_nobody_is_trusted_it_is_ignored_as_a_whole() -> None:
    assert judged(signed(), POLICY) is None
    assert judged("rubbish", trusting(POLICY, an_issuer())) is None


@pytest.mark.requirement("B-28")
def test_it_can_be_required() -> None:
    assert judged(None, REQUIRING) is Reason.STATEMENT_MISSING
    assert judged(None, TRUSTING) is None
    assert isinstance(judged(signed(), REQUIRING), Statement)
    # A body that is no request is refused as such.
    assert read_statement(b"[]", REQUIRING) is None


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert judged(text) is Reason.STATEMENT_MALFORMED


@pytest.mark.requirement("B-28")
def test_what_was_changed_after_it_was_signed_is_refused() -> None:
    head, _, signature = signed().split(".")
    forged = f"{head}.{segment({**SIGNED, 'client_name': 'Evil'})}.{signature}"
    assert judged(forged) is Reason.STATEMENT_SIGNATURE
