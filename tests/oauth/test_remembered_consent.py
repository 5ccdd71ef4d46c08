"""What is remembered of an answer, and when it spares the next question."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.client_fingerprint import client_fingerprint
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import BrowserBinding, Consent
from actor_oauth.oauth.consent_policy import ConsentPolicy, RemembersConsent
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.remembered_consent import (
    RememberedConsent,
    after_answer,
    holds_for,
    may_be_remembered,
)
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import (
    CLIENT,
    POLICY,
    REDIRECT_URI,
    RESOURCE,
    START,
    a_request,
)

CONFIDENTIAL = replace(CLIENT, auth_methods_accepted=frozenset({"client_secret_basic"}))
LOOPBACK = "http://127.0.0.1:1234/callback"
NAMES = ("read", "write", "admin")
SUBSETS = st.lists(st.sampled_from(NAMES), unique=True).map(
    lambda names: Scope(tuple(names))
)
LIFETIME = POLICY.consent.remembered_seconds


def scope(text: str) -> Scope:
    return Scope(tuple(text.split()))


def remembered(text: str = "read write", client: Client = CLIENT) -> RememberedConsent:
    return RememberedConsent(
        consent_id="id",
        client_id=client.client_id,
        redirect_uri=REDIRECT_URI,
        resource=RESOURCE,
        scope=scope(text),
        fingerprint=client_fingerprint(client),
        remembered_at=START,
        expires_at=START + LIFETIME,
    )


def question(
    asked: Scope, *, client: Client = CLIENT, redirect_uri: str = REDIRECT_URI
) -> Consent:
    return Consent(
        state=QuestionState.PENDING,
        browser=BrowserBinding(b"", is_session=False),
        request=a_request(scope=asked, redirect_uri=redirect_uri),
        client=client,
        granted=Scope(),
        expires_at=START + 600,
    )


def answered(
    earlier: RememberedConsent | None,
    asked: Scope,
    allowed: Scope,
    *,
    remember: bool,
    client: Client = CLIENT,
    redirect_uri: str = REDIRECT_URI,
) -> RememberedConsent | None:
    return after_answer(
        earlier,
        question(asked, client=client, redirect_uri=redirect_uri),
        allowed,
        remember=remember,
        consent_id="id",
        policy=POLICY,
        now=START + 5,
    )


def policy_that(remembers: RemembersConsent) -> Policy:
    return replace(POLICY, consent=ConsentPolicy(remembers=remembers))


@pytest.mark.requirement("C-12")
@pytest.mark.parametrize(
    ("client", "redirect_uri", "assured"),
    [
        (CLIENT, REDIRECT_URI, True),
        (CLIENT, LOOPBACK, False),
        (CLIENT, "https://localhost/cb", False),
        (CLIENT, "cursor://anysphere.cursor/cb", False),
        (CONFIDENTIAL, LOOPBACK, True),
    ],
)
def test_only_an_assured_client_is_remembered_unless_the_operator_opts_in(
    client: Client, redirect_uri: str, *, assured: bool
) -> None:
    assert may_be_remembered(client, redirect_uri, POLICY) is assured
    assert may_be_remembered(client, redirect_uri, policy_that("always"))
    assert not may_be_remembered(client, redirect_uri, policy_that("never"))


@pytest.mark.requirement("C-12", "J-07", "B-19")
@pytest.mark.parametrize(
    ("found", "asked", "client", "policy", "later", "holds"),
    [
        (remembered(), "read", CLIENT, POLICY, 0, True),
        (remembered(), "write read", CLIENT, POLICY, LIFETIME - 1, True),
        (remembered(), "read", CLIENT, POLICY, LIFETIME, False),
        (remembered(), "read admin", CLIENT, POLICY, 0, False),
        (None, "read", CLIENT, POLICY, 0, False),
        (remembered(), "read", CLIENT, policy_that("never"), 0, False),
        (remembered(), "read", replace(CLIENT, client_name="X"), POLICY, 0, False),
    ],
)
def test_the_page_is_skipped_for_no_more_than_was_allowed(
    found: RememberedConsent | None,
    asked: str,
    client: Client,
    policy: Policy,
    later: int,
    *,
    holds: bool,
) -> None:
    request = a_request(scope=scope(asked))
    assert holds_for(found, request, client, policy, now=START + later) is holds


@pytest.mark.requirement("C-12")
def test_a_token_in_the_fragment_is_always_asked_about() -> None:
    request = replace(a_request(scope=scope("read")), response_type="token")
    assert not holds_for(remembered(), request, CLIENT, POLICY, now=START)


@pytest.mark.requirement("C-12", "C-29")
def test_details_are_always_asked_about() -> None:
    request = replace(a_request(scope=scope("read")), details='[{"type":"payment"}]')
    assert not holds_for(remembered(), request, CLIENT, POLICY, now=START)


@pytest.mark.requirement("C-12")
def test_what_an_operator_no_longer_wants_remembered_is_asked_about() -> None:
    request = a_request(scope=scope("read"), redirect_uri=LOOPBACK)
    found = remembered()
    assert holds_for(found, request, CLIENT, policy_that("always"), now=START)
    assert not holds_for(found, request, CLIENT, POLICY, now=START)


@pytest.mark.parametrize(
    ("earlier", "asked", "allowed", "remember", "after"),
    [
        (None, "read write", "read", True, "read"),
        (None, "read", "read", False, None),
        ("read", "read write", "read write", True, "read write"),
        ("read", "read write", "read write", False, "read"),
        ("read", "write", "write", True, "read write"),
        ("read write", "read write", "write", True, "write"),
        ("read write", "read", "", False, "write"),
        ("read", "read", "", False, None),
    ],
)
def test_the_latest_answer_counts(
    earlier: str | None, asked: str, allowed: str, after: str | None, *, remember: bool
) -> None:
    found = answered(
        None if earlier is None else remembered(earlier),
        scope(asked),
        scope(allowed),
        remember=remember,
    )
    assert (None if found is None else str(found.scope)) == after
    if found is not None:
        moved = 5 if remember else 0
        assert found.remembered_at == START + moved
        assert found.expires_at == START + moved + LIFETIME


def test_nothing_is_remembered_of_a_client_that_may_not_be() -> None:
    allowed = scope("read")
    assert (
        answered(None, allowed, allowed, remember=True, redirect_uri=LOOPBACK) is None
    )


@pytest.mark.requirement("B-19")
def test_what_was_remembered_of_the_client_as_it_was_is_forgotten() -> None:
    changed = replace(CLIENT, client_name="Another")
    allowed = scope("admin")
    found = answered(remembered(), allowed, allowed, remember=True, client=changed)
    assert found is not None
    assert found.scope == allowed
    assert answered(remembered(), allowed, allowed, remember=False, client=changed) is (
        None
    )


@given(SUBSETS, SUBSETS, st.data(), st.booleans())
def test_never_more_is_remembered_than_was_allowed_and_nothing_that_was_refused(
    earlier: Scope, asked: Scope, data: st.DataObject, remember: bool
) -> None:
    allowed = Scope(
        tuple(name for name in asked if data.draw(st.booleans(), label=name))
    )
    found = answered(
        replace(remembered(), scope=earlier), asked, allowed, remember=remember
    )
    held = Scope() if found is None else found.scope
    assert held.issubset(earlier.union(allowed))
    assert not held.intersection(asked.difference(allowed))
