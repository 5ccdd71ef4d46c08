"""Secrets at rest: readable with the keyring, in their own place, and nowhere else."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.keyring import new_keyring
from actor_oauth.oauth.upstream.sealing import (
    seal_secret,
    sealing_key,
    unseal_secret,
)

pytestmark = pytest.mark.requirement("K-06", "K-08")

KEYRING: Final = new_keyring(secret=b"s" * 32, address_key=b"a" * 32, kid="k1")
ROTATED: Final = KEYRING.with_current("k2", b"t" * 32)
NONCE: Final = bytes(12)


def sealed(text: str = "secret", place: bytes = b"p") -> bytes:
    return seal_secret(text, place=place, keyring=KEYRING, nonce=NONCE)


@given(text=st.text(max_size=50), place=st.binary(max_size=20))
def test_a_secret_comes_back_in_its_place_only(text: str, place: bytes) -> None:
    box = sealed(text, place)

    assert unseal_secret(box, place=place, keyring=KEYRING) == text
    assert unseal_secret(box, place=place + b"x", keyring=KEYRING) is None


def test_two_places_have_two_keys() -> None:
    assert sealed(place=b"p")[-20:] != sealed(place=b"q")[-20:]


def test_what_an_older_key_sealed_opens_until_that_key_is_gone() -> None:
    box = sealed()

    assert sealing_key(box) == "k1"
    assert unseal_secret(box, place=b"p", keyring=ROTATED) == "secret"
    assert unseal_secret(box, place=b"p", keyring=ROTATED.without("k1")) is None
    newer = seal_secret("secret", place=b"p", keyring=ROTATED, nonce=NONCE)
    assert sealing_key(newer) == "k2"


@given(position=st.integers(0, 1000), flip=st.integers(1, 255))
def test_what_was_tampered_with_does_not_open(position: int, flip: int) -> None:
    box = bytearray(sealed())
    box[position % len(box)] ^= flip

    assert unseal_secret(bytes(box), place=b"p", keyring=KEYRING) is None


@given(st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(box: bytes) -> None:
    assert unseal_secret(box, place=b"p", keyring=KEYRING) is None
