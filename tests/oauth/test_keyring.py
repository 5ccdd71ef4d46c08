"""The keyring: derivation, sealing, rotation, its file."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.keyring import (
    Keyring,
    UnknownKeyringVersionError,
    client_key,
    new_keyring,
    user_key,
)

SECRET, ADDRESS_KEY, NONCE = b"s" * 32, b"a" * 32, b"n" * 12

KEYS = st.binary(min_size=32, max_size=32)
KEYRINGS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), KEYS, min_size=1
).flatmap(
    lambda secrets: st.builds(
        Keyring, st.sampled_from(sorted(secrets)), st.just(secrets), KEYS
    )
)


@pytest.fixture
def keyring() -> Keyring:
    return new_keyring(secret=SECRET, address_key=ADDRESS_KEY, kid="k1")


@given(KEYRINGS)
def test_a_keyring_survives_its_file(keyring: Keyring) -> None:
    assert Keyring.from_json(keyring.to_json()) == keyring


@given(KEYRINGS, st.text(), st.binary())
def test_what_was_sealed_opens_for_its_purpose(
    keyring: Keyring, purpose: str, plaintext: bytes
) -> None:
    sealed = keyring.seal(purpose, plaintext, nonce=NONCE)
    assert keyring.unseal(purpose, sealed) == plaintext


def test_what_was_sealed_opens_for_no_other_purpose(keyring: Keyring) -> None:
    assert keyring.unseal("login", keyring.seal("consent", b"x", nonce=NONCE)) is None


@given(st.binary(max_size=80))
def test_unsealing_never_raises(sealed: bytes) -> None:
    keyring = new_keyring(secret=SECRET, address_key=ADDRESS_KEY, kid="k1")
    assert keyring.unseal("login", sealed) is None
    assert keyring.unseal("login", b"\1\2k1" + sealed) is None


@given(st.integers(0, 35), st.integers(1, 255))
def test_a_sealed_text_with_one_changed_byte_does_not_open(
    index: int, difference: int
) -> None:
    keyring = new_keyring(secret=SECRET, address_key=ADDRESS_KEY, kid="k1")
    sealed = bytearray(keyring.seal("login", b"plain", nonce=NONCE))
    sealed[index] ^= difference
    assert keyring.unseal("login", bytes(sealed)) is None


def test_another_servers_keyring_does_not_open_it(keyring: Keyring) -> None:
    other = new_keyring(secret=b"o" * 32, address_key=ADDRESS_KEY, kid="k1")
    assert other.unseal("login", keyring.seal("login", b"x", nonce=NONCE)) is None


def test_after_a_rotation_old_things_open_until_their_key_goes(
    keyring: Keyring,
) -> None:
    sealed = keyring.seal("login", b"x", nonce=NONCE)
    rotated = keyring.with_current("k2", b"t" * 32)
    assert rotated.current == "k2"
    assert rotated.unseal("login", sealed) == b"x"
    assert rotated.without("k1").unseal("login", sealed) is None
    assert "k1" in rotated
    assert "k1" not in rotated.without("k1")


def test_a_rotation_keeps_users_in_their_actors(keyring: Keyring) -> None:
    rotated = keyring.with_current("k2", b"t" * 32)
    assert user_key(rotated, "ada") == user_key(keyring, "ada")


def test_a_key_id_is_never_given_to_a_second_key(keyring: Keyring) -> None:
    with pytest.raises(ValueError, match="already"):
        keyring.with_current("k1", b"t" * 32)


def test_the_current_key_cannot_be_taken_out(keyring: Keyring) -> None:
    with pytest.raises(ValueError, match="current"):
        keyring.without("k1")


def test_derived_keys_differ_by_purpose_and_by_key(keyring: Keyring) -> None:
    rotated = keyring.with_current("k2", b"t" * 32)
    derived = {rotated.derive(kid, p) for kid in ("k1", "k2") for p in ("a", "b")}
    assert len(derived) == 4
    assert SECRET not in derived
    assert rotated.derive("k1", "a") == keyring.derive("k1", "a")


def test_deriving_from_a_key_that_is_gone_is_a_fault(keyring: Keyring) -> None:
    with pytest.raises(KeyError):
        keyring.derive("k0", "a")


def test_derivation_is_stable_over_releases(keyring: Keyring) -> None:
    # In-window retries must converge across a restart into a new release.
    assert keyring.derive("k1", "refresh successor").hex() == (
        "86962cddaa215dd51edb1d0f685ce92ebb763a8bff6ec97cb5ec2896216d133b"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "not json",
        '{"version":1,"current":"k1","keys":[],"address_key":"x"}',
        '{"version":1,"current":"k1","keys":{"k1":1},"address_key":"x"}',
        '{"version":1,"current":"k1","keys":{"k1":"QQ"},"address_key":"QQ"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_keyring_file_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="key") as caught:
        Keyring.from_json(text)
    assert "QQ" not in str(caught.value)


def test_a_keyring_file_of_a_later_version_is_refused(keyring: Keyring) -> None:
    record = json.loads(keyring.to_json()) | {"version": 2}
    with pytest.raises(UnknownKeyringVersionError, match="another version"):
        Keyring.from_json(json.dumps(record))


@pytest.mark.parametrize("kid", ["", "k" * 256])
def test_key_ids_have_a_bounded_length(kid: str) -> None:
    with pytest.raises(ValueError, match="key id"):
        new_keyring(secret=SECRET, address_key=ADDRESS_KEY, kid=kid)


@pytest.mark.requirement("K-12")
def test_the_repr_of_a_keyring_shows_no_key(keyring: Keyring) -> None:
    keyring.derive("k1", "a")
    assert "ssss" not in repr(keyring)
    assert "aaaa" not in repr(keyring)


@pytest.mark.requirement("K-04")
def test_a_user_key_needs_the_address_key_and_tells_nothing(keyring: Keyring) -> None:
    other = new_keyring(secret=SECRET, address_key=b"b" * 32, kid="k1")
    key = user_key(keyring, "ada")
    assert len(key) == 32
    assert key != user_key(other, "ada")
    assert key != user_key(keyring, "Ada")


def test_a_client_key_is_the_same_on_every_server() -> None:
    digest = hashlib.sha256(b"client\0https://app.example/client").hexdigest()
    assert client_key("https://app.example/client") == digest[:32]


@pytest.mark.requirement("K-08", "K-11")
def test_a_new_secret_takes_over_at_its_time_and_the_old_one_goes_after_its_products(
    keyring: Keyring,
) -> None:
    sealed = keyring.seal("login", b"x", nonce=NONCE)
    rotated = keyring.with_next("k2", b"t" * 32, active_from=1000)
    assert Keyring.from_json(rotated.to_json()) == rotated
    assert rotated.as_of(999).current == "k1"
    later = rotated.as_of(1000)
    assert later.current == "k2"
    assert later.as_of(5000) is later
    # A process whose clock is behind opens what another one made, and the other way.
    assert rotated.unseal("login", later.seal("login", b"y", nonce=NONCE)) == b"y"
    assert later.unseal("login", sealed) == b"x"

    assert "k1" in rotated.without_retired(now=1059, kept_for=60)
    dropped = rotated.without_retired(now=1060, kept_for=60)
    assert (dropped.current, set(dropped.secrets)) == ("k2", {"k2"})
    assert dropped.unseal("login", sealed) is None
    assert dropped.address_key == keyring.address_key
    # One that is still to come is not dropped, nor is the one in use.
    third = dropped.with_next("k3", b"u" * 32, active_from=9000)
    assert third.without_retired(now=5000, kept_for=60) == third


def test_a_secret_has_an_id_of_its_own(keyring: Keyring) -> None:
    with pytest.raises(ValueError, match="already"):
        keyring.with_next("k1", b"t" * 32, active_from=0)
