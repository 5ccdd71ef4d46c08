"""Late reuse at rest: contests, events, salts that are kept and salts that go."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from actor_oauth.actors.user.audit import load_events
from actor_oauth.actors.user.authorization import Approved
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.housekeeping import LINK_GRID
from actor_oauth.actors.user.refreshing import RefreshOutcome
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_reuse import RefreshRules, ReusePolicy
from actor_oauth.oauth.tokens import TokenResponse
from tests.support.grants import (
    CLIENT,
    GRACE,
    OTHER_CLIENT,
    REDIRECT_URI,
    START,
    a_policy,
    a_request,
    an_approval,
)
from tests.support.user_database import UserDatabase

DAY = 86_400
REJECT = RefreshRules(reuse=ReusePolicy.REJECT)
LOOPBACK = "http://127.0.0.1:3118/callback"


class Person(UserDatabase):
    """A user whose client asks at some redirect URI, and never replaces a grant."""

    def signed_in(
        self, *, client_id: str = "app", redirect_uri: str = LOOPBACK
    ) -> TokenResponse:
        request = a_request(client_id=client_id, redirect_uri=redirect_uri)
        approved = self.authorize(request, replace(an_approval(), supersede=False))
        assert isinstance(approved, Approved)
        client = CLIENT if client_id == "app" else OTHER_CLIENT
        redeemed = self.redeem(approved.code, client=client)
        assert isinstance(redeemed, Redeemed)
        return redeemed.response

    def rotated(self, token: str | None, *, proves_client: bool = False) -> str:
        outcome = self.refresh(token or "", proves_client=proves_client)
        assert isinstance(outcome, RefreshOutcome)
        head = outcome.refreshed.response.refresh_token
        assert head is not None
        return head

    def contested(self, **parameters: str) -> tuple[TokenResponse, str]:
        """Sign in, rotate, and have the first token rejected; give it, and the head."""
        tokens = self.signed_in(**parameters)
        assert tokens.refresh_token is not None
        head = self.rotated(tokens.refresh_token)
        self.now += GRACE + 1
        refused = self.refresh(tokens.refresh_token)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.REFRESH_STALE
        return tokens, head

    def events(self) -> list[str]:
        return [event.kind for event in load_events(self.db, limit=100)]

    def salts(self) -> list[int]:
        rows: list[tuple[int]] = self.db.execute(
            "SELECT generation FROM refresh_tokens WHERE salt IS NOT NULL"
            " ORDER BY generation"
        ).fetchall()
        return [generation for (generation,) in rows]


@pytest.fixture
def ada() -> Iterator[Person]:
    person = Person(policy=a_policy(rules=REJECT))
    yield person
    person.close()


@pytest.mark.requirement("D-28")
def test_a_rejection_is_one_event_however_often_the_token_comes_again(
    ada: Person,
) -> None:
    tokens, head = ada.contested()
    for _ in range(300):
        assert ada.refresh(tokens.refresh_token or "") == Refused(Reason.REFRESH_STALE)
    assert ada.events().count(GrantEvent.LATE_REFRESH_REJECTED) == 1
    assert ada.rotated(head)


@pytest.mark.requirement("D-28", "C-21")
@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [
        ("app", LOOPBACK),
        ("app", REDIRECT_URI),
        # It registered itself anew, or listens at another port today.
        ("other", LOOPBACK),
        ("other", "http://127.0.0.1:50123/callback"),
    ],
)
def test_a_contested_grant_ends_when_its_user_signs_in_again(
    ada: Person, client_id: str, redirect_uri: str
) -> None:
    tokens, head = ada.contested()
    assert ada.check(tokens.access_token) is not None
    ada.signed_in(client_id=client_id, redirect_uri=redirect_uri)
    assert ada.refresh(head) == Refused(Reason.GRANT_REVOKED)
    assert ada.check(tokens.access_token) is None
    assert GrantEvent.CONTEST_ENDED in ada.events()


@pytest.mark.requirement("D-28", "C-21")
@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [
        ("other", "http://127.0.0.1:3118/other"),
        ("other", "http://localhost:3118/callback"),
        ("other", REDIRECT_URI),
    ],
)
def test_signing_in_to_something_else_settles_no_contest(
    ada: Person, client_id: str, redirect_uri: str
) -> None:
    _, head = ada.contested()
    ada.signed_in(client_id=client_id, redirect_uri=redirect_uri)
    assert ada.rotated(head)


def test_two_devices_are_not_the_same_for_having_no_redirect_uri(ada: Person) -> None:
    _, head = ada.contested(redirect_uri="")
    ada.signed_in(client_id="other", redirect_uri="")
    assert ada.rotated(head)


def test_signing_in_again_ends_no_grant_that_is_not_contested(ada: Person) -> None:
    tokens = ada.signed_in()
    ada.signed_in()
    assert ada.rotated(tokens.refresh_token)


@pytest.mark.requirement("D-28", "C-21")
def test_an_older_sign_in_that_completes_late_ends_no_newer_grant(ada: Person) -> None:
    approved = ada.authorize(a_request(redirect_uri=LOOPBACK))
    assert isinstance(approved, Approved)
    _, head = ada.contested()
    assert isinstance(ada.redeem(approved.code), Refused | Redeemed)
    assert ada.rotated(head)


@pytest.mark.requirement("D-09", "D-28")
def test_no_access_token_outlives_a_contest(ada: Person) -> None:
    ada.policy = a_policy(rules=replace(REJECT, contest=60))
    tokens, head = ada.contested()
    assert ada.check(tokens.access_token) is not None
    ada.now += 60
    assert ada.check(tokens.access_token) is None
    assert ada.refresh(head) == Refused(Reason.GRANT_EXPIRED)


@pytest.mark.requirement("D-26", "D-28")
def test_an_accepted_late_presenter_is_an_event_too(ada: Person) -> None:
    tokens = ada.signed_in()
    head = ada.rotated(tokens.refresh_token, proves_client=True)
    ada.now += DAY
    assert ada.rotated(tokens.refresh_token, proves_client=True) == head
    assert ada.rotated(tokens.refresh_token, proves_client=True) == head
    assert ada.events().count(GrantEvent.LATE_REFRESH_ACCEPTED) == 1


# Salts


@pytest.mark.requirement("D-30")
def test_salts_of_bearer_tokens_go_with_their_window(ada: Person) -> None:
    tokens = ada.signed_in()
    ada.rotated(tokens.refresh_token)
    assert ada.salts() == [1]
    ada.now += GRACE + 1
    ada.sweep()
    assert ada.salts() == []


@pytest.mark.requirement("D-30")
def test_salts_for_an_owner_with_proof_are_kept_as_long_as_it_may_be_late(
    ada: Person,
) -> None:
    ada.policy = a_policy(rules=RefreshRules(recovery=DAY))
    token = ada.signed_in().refresh_token
    for _ in range(3):
        token = ada.rotated(token, proves_client=True)
        ada.now += DAY // 4
    ada.sweep()
    assert ada.salts() == [1, 2, 3]
    # The first was used at the beginning, the second a quarter of a day later.
    ada.now = START + DAY + 1
    alarm = ada.sweep()
    assert ada.salts() == [2, 3]
    assert alarm is not None
    assert alarm <= START + DAY + DAY // 4 + LINK_GRID


@pytest.mark.requirement("D-30")
def test_a_salt_for_a_lost_answer_goes_when_the_answer_turns_out_to_have_arrived(
    ada: Person,
) -> None:
    ada.policy = a_policy(rules=RefreshRules(lost_answer=DAY))
    head = ada.rotated(ada.signed_in().refresh_token)
    ada.now += DAY // 2
    alarm = ada.sweep()
    assert ada.salts() == [1]
    assert alarm is not None
    outcome = ada.refresh(head)
    assert isinstance(outcome, RefreshOutcome)
    assert ada.salts() == [2]
    assert outcome.link_ends_at == ada.now + GRACE
    ada.now += DAY + 1
    ada.sweep()
    assert ada.salts() == []


@pytest.mark.requirement("D-26", "D-30")
def test_an_access_token_that_was_revoked_stays_dead_for_a_late_owner(
    ada: Person,
) -> None:
    ada.policy = a_policy(rules=RefreshRules())
    tokens = ada.signed_in()
    outcome = ada.refresh(tokens.refresh_token or "", proves_client=True)
    assert isinstance(outcome, RefreshOutcome)
    first = outcome.refreshed.response.access_token
    ada.now += DAY
    ada.sweep()
    late = ada.refresh(tokens.refresh_token or "", proves_client=True)
    assert isinstance(late, RefreshOutcome)
    second = late.refreshed.response.access_token
    assert second != first
    assert ada.check(first) is None
    assert ada.check(second) is not None


# Renewals


@pytest.mark.requirement("D-22", "D-24")
def test_a_refresh_token_that_stays_keeps_its_grant_alive(ada: Person) -> None:
    rules = RefreshRules(rotation="unless_bound")
    ada.policy = a_policy(rules=rules, refresh_idle=1000)
    token = ada.signed_in().refresh_token
    for _ in range(5):
        ada.now += 900
        assert ada.rotated(token, proves_client=True) == token
        ada.sweep()
    assert ada.count("refresh_tokens") == 1
    ada.now += 1000
    assert ada.refresh(token or "", proves_client=True) == Refused(Reason.GRANT_EXPIRED)
