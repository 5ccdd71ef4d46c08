"""PKCE."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.pkce import (
    challenge_of,
    check_challenge,
    check_verifier,
    verify_s256,
)

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

VERIFIERS = st.from_regex(r"[A-Za-z0-9._~-]{43,128}", fullmatch=True)


@pytest.mark.requirement("D-12")
def test_the_example_of_the_rfc_fits() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert verify_s256(VERIFIER, CHALLENGE)


@pytest.mark.requirement("D-12")
@given(VERIFIERS, VERIFIERS)
def test_a_verifier_fits_its_own_challenge_only(one: str, other: str) -> None:
    assert verify_s256(one, challenge_of(one))
    assert verify_s256(one, challenge_of(other)) == (one == other)


@pytest.mark.requirement("C-07")
def test_a_challenge_is_not_its_own_verifier() -> None:
    assert not verify_s256(VERIFIER, VERIFIER)
    assert not verify_s256(CHALLENGE, CHALLENGE)


@given(st.text(), st.text())
def test_verifying_never_raises(verifier: str, challenge: str) -> None:
    assert not verify_s256(verifier, challenge)


@pytest.mark.requirement("D-12", "C-07")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 42,
        "a" * 129,
        "a" * 42 + "=",
        "a" * 42 + "+",
        "a" * 42 + "/",
        "a" * 43 + "\n",
        "a" * 42 + "é",
        "a" * 42 + "\0",
    ],
)
def test_verifier_and_challenge_have_a_grammar(text: str) -> None:
    assert not check_verifier(text)
    assert not check_challenge(text)


@pytest.mark.requirement("D-12", "C-07")
@pytest.mark.parametrize("text", ["a" * 43, "a" * 128, "-._~" * 11])
def test_the_grammar_has_its_full_range(text: str) -> None:
    assert check_verifier(text)
    assert check_challenge(text)
