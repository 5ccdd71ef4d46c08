"""Which page a request needs next, and what a client is told that wants none."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.interaction import Interaction, SignIn, decide_interaction
from actor_oauth.oauth.prompts import Prompt
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.grants import START, a_request

ADA = SignIn(user_id="ada", auth_time=START - 100)


def decide(
    *prompts: Prompt,
    sign_in: SignIn | None = ADA,
    max_age: int | None = None,
    hint: str | None = None,
    presented_at: int | None = None,
    remembered: bool = False,
) -> Interaction | Reason:
    request = replace(
        a_request(), prompts=frozenset(prompts), max_age=max_age, login_hint=hint
    )
    decision = decide_interaction(
        request, sign_in, presented_at=presented_at, remembered=remembered, now=START
    )
    return decision.reason if isinstance(decision, Refused) else decision


def test_a_stranger_signs_in_and_somebody_known_is_asked() -> None:
    assert decide(sign_in=None) is Interaction.SIGN_IN
    assert decide() is Interaction.CONSENT
    assert decide(remembered=True) is Interaction.NOTHING


@pytest.mark.requirement("C-12")
def test_what_is_remembered_is_asked_again_if_the_client_wishes() -> None:
    assert decide(Prompt.CONSENT, remembered=True) is Interaction.CONSENT


@pytest.mark.parametrize("prompt", [Prompt.LOGIN, Prompt.SELECT_ACCOUNT])
@pytest.mark.parametrize("remembered", [False, True])
def test_a_new_sign_in_is_asked_for_once(prompt: Prompt, *, remembered: bool) -> None:
    after = Interaction.NOTHING if remembered else Interaction.CONSENT
    assert decide(prompt, remembered=remembered) is Interaction.SIGN_IN
    for presented_at, expected in (
        (START - 101, after),
        (START - 100, after),
        (START - 99, Interaction.SIGN_IN),
    ):
        assert (
            decide(prompt, remembered=remembered, presented_at=presented_at) is expected
        )


@pytest.mark.parametrize(
    ("max_age", "expected"),
    [
        (100, Interaction.CONSENT),
        (99, Interaction.SIGN_IN),
        (0, Interaction.SIGN_IN),
    ],
)
def test_a_sign_in_may_be_too_long_ago(max_age: int, expected: Interaction) -> None:
    assert decide(max_age=max_age) is expected
    # Signing in for this request is recent enough, however long the form was open.
    assert decide(max_age=max_age, presented_at=START - 150) is Interaction.CONSENT


def test_an_age_of_zero_asks_for_a_new_sign_in_within_the_same_second() -> None:
    just_now = SignIn(user_id="ada", auth_time=START)
    assert decide(sign_in=just_now, max_age=1) is Interaction.CONSENT
    assert decide(sign_in=just_now, max_age=0) is Interaction.SIGN_IN
    after = decide(sign_in=just_now, max_age=0, presented_at=START)
    assert after is Interaction.CONSENT


def test_who_came_in_for_this_request_has_chosen_an_account_if_not_proved_who_it_is() -> (
    None
):
    known = SignIn(user_id="ada", auth_time=START - 500, entered_at=START - 10)
    asked = START - 20
    chosen = decide(Prompt.SELECT_ACCOUNT, sign_in=known, presented_at=asked)
    assert chosen is Interaction.CONSENT
    proved = decide(Prompt.LOGIN, sign_in=known, presented_at=asked)
    assert proved is Interaction.SIGN_IN
    late = decide(sign_in=known, max_age=400, presented_at=asked)
    assert late is Interaction.SIGN_IN


def test_a_time_that_nobody_knows_is_too_long_ago() -> None:
    unknown = SignIn(user_id="ada", auth_time=None)
    assert decide(sign_in=unknown) is Interaction.CONSENT
    assert decide(sign_in=unknown, max_age=10**9) is Interaction.SIGN_IN
    assert decide(Prompt.LOGIN, sign_in=unknown, presented_at=0) is Interaction.SIGN_IN


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sign_in": None}, Reason.LOGIN_REQUIRED),
        ({"max_age": 99}, Reason.LOGIN_REQUIRED),
        ({}, Reason.CONSENT_REQUIRED),
        ({"remembered": True}, Interaction.NOTHING),
        ({"remembered": True, "hint": "ada"}, Interaction.NOTHING),
        ({"remembered": True, "hint": "eve"}, Reason.ACCOUNT_SELECTION_REQUIRED),
        ({"sign_in": None, "hint": "eve"}, Reason.LOGIN_REQUIRED),
    ],
)
def test_a_client_that_wants_no_page_is_told_which_was_needed(
    changes: dict[str, object], expected: Interaction | Reason
) -> None:
    assert decide(Prompt.NONE, **changes) is expected  # type: ignore[arg-type]  # a table of keywords


def test_a_hint_alone_decides_nothing() -> None:
    assert decide(hint="eve") is Interaction.CONSENT
    assert decide(hint="eve", remembered=True) is Interaction.NOTHING
