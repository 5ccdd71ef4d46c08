"""The wishes of clients about pages, read strictly and without surprises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.prompts import (
    Prompt,
    known_prompts,
    parse_max_age,
    parse_prompts,
    render_prompts,
)
from actor_oauth.oauth.reasons import Reason


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        (None, ()),
        ("", ()),
        ("login", (Prompt.LOGIN,)),
        ("consent login", (Prompt.LOGIN, Prompt.CONSENT)),
        ("select_account", (Prompt.SELECT_ACCOUNT,)),
        ("none", (Prompt.NONE,)),
        ("create LOGIN  consent", (Prompt.CONSENT,)),
    ],
)
def test_known_prompts_are_read_and_others_left_out(
    text: str | None, prompts: tuple[Prompt, ...]
) -> None:
    assert parse_prompts(text) == frozenset(prompts)


def test_whoever_wants_no_page_cannot_want_one() -> None:
    assert parse_prompts("none consent") is Reason.PROMPT_CONTRADICTORY
    assert parse_prompts("none unheard-of") == frozenset((Prompt.NONE,))


@given(st.frozensets(st.sampled_from(Prompt)))
def test_prompts_survive_being_stored(prompts: frozenset[Prompt]) -> None:
    assert known_prompts(render_prompts(prompts)) == prompts


@given(st.text(max_size=30))
def test_any_text_is_read(text: str) -> None:
    parse_prompts(text)
    age = parse_max_age(text)
    assert age is Reason.MAX_AGE_MALFORMED or isinstance(age, int)
