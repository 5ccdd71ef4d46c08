"""JWTs that were verified before: what is remembered, and when that counts."""

import pytest

from actor_oauth.oauth.jwt_access_tokens import (
    OwnTokens,
    parse_access_token,
    render_access_token,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.tokens import Token
from actor_oauth.oauth.verified_tokens import VerifiedTokens
from tests.oauth.test_jwt_access_tokens import INFO, ISSUER, KEY, RING, TOKEN

TEXT = render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY)
WITHOUT = RING.with_signing_keys(key for key in RING.signing_keys if key != KEY)


def read(text: str, known: OwnTokens, ring: Keyring = RING) -> Token | None:
    return parse_access_token(text, keyring=ring, issuer=ISSUER, known=known)


@pytest.mark.requirement("D-11")
def test_a_token_that_comes_again_stands_for_the_same_and_takes_one_place() -> None:
    known = OwnTokens()
    assert [read(TEXT, known) for _ in range(3)] == [TOKEN] * 3
    assert len(known) == 1


@pytest.mark.requirement("D-11")
def test_what_differs_in_one_character_is_verified_by_itself() -> None:
    known = OwnTokens()
    assert read(TEXT, known) == TOKEN
    for place in (3, TEXT.index(".") + 9, TEXT.rindex(".") + 9):
        other = "A" if TEXT[place] != "A" else "B"
        assert read(TEXT[:place] + other + TEXT[place + 1 :], known) is None
    assert len(known) == 1


@pytest.mark.requirement("K-11")
def test_a_key_that_was_taken_out_takes_what_it_signed_with_it() -> None:
    known = OwnTokens()
    assert read(TEXT, known) == TOKEN
    assert read(TEXT, known, WITHOUT) is None
    assert read(TEXT, known) == TOKEN


def test_what_was_used_least_recently_makes_room() -> None:
    known = VerifiedTokens[str, int](capacity=2)
    known.keep("a", "key", 1)
    known.keep("b", "key", 2)
    assert known.recall("a") == ("key", 1)
    known.keep("c", "key", 3)
    assert known.recall("b") is None
    assert known.recall("a") == ("key", 1)
    assert len(known) == 2
    assert known.recall("\ud800") is None
