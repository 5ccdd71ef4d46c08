"""Signing keys: which one signs when, what is published, and what a file keeps."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.jwks import parse_jwks
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.signed_jwt import parse_jwt, verifies
from actor_oauth.oauth.signing_keys import (
    SIGNING_ALGORITHMS,
    SigningAlgorithm,
    SigningKey,
    choose_key,
    key_set,
    parse_algorithm,
    without_retired,
)
from tests.support.grants import KEYRING
from tests.support.signing import segment
from tests.support.signing_keys import SIGNING_KEYS, a_signing_key

FIRST = a_signing_key("EdDSA", nth=1, active_from=0)
SECOND = a_signing_key("EdDSA", nth=2, active_from=1000)
THIRD = a_signing_key("EdDSA", nth=3, active_from=2000)


@pytest.mark.requirement("D-11")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_a_signature_is_always_the_same_and_holds(algorithm: SigningAlgorithm) -> None:
    key = a_signing_key(algorithm)
    signed = f"{segment({'alg': algorithm})}.{segment({'a': 1})}"
    signature = key.sign(signed.encode())

    assert key.sign(signed.encode()) == signature
    jwt = parse_jwt(f"{signed}.{segment_of(signature)}")
    assert jwt is not None
    assert verifies(jwt, (key.verification_key,), algorithms=(algorithm,))
    other = a_signing_key(algorithm, nth=2)
    assert not verifies(jwt, (other.verification_key,), algorithms=(algorithm,))


def segment_of(data: bytes) -> str:
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - for this one line

    return urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.requirement("K-11")
def test_the_key_set_has_the_public_parts_and_nothing_else() -> None:
    members = key_set(SIGNING_KEYS)

    known = parse_jwks(members)
    assert known is not None
    assert [key.kid for key in known] == [key.kid for key in SIGNING_KEYS]
    assert [key["alg"] for key in members["keys"]] == ["EdDSA", "ES256", "RS256"]  # type: ignore[union-attr,index,call-overload]  # it is a list of objects
    assert {name for key in members["keys"] for name in key} == {  # type: ignore[union-attr]  # likewise
        "kty", "crv", "x", "y", "n", "e", "kid", "use", "alg",
    }  # fmt: skip


@pytest.mark.requirement("K-11")
def test_a_key_signs_what_is_issued_from_its_time_on() -> None:
    keys = (SECOND, THIRD, FIRST)

    assert choose_key(keys, "EdDSA", at=999) == FIRST
    assert choose_key(keys, "EdDSA", at=1000) == SECOND
    assert choose_key(keys, "EdDSA", at=5000) == THIRD
    assert choose_key(keys, "ES256", at=5000) is None
    assert choose_key((SECOND,), "EdDSA", at=999) is None


@given(st.permutations([FIRST, SECOND, replace(THIRD, active_from=1000)]))
def test_everybody_chooses_the_same_key(keys: list[SigningKey]) -> None:
    chosen = choose_key(keys, "EdDSA", at=3000)

    assert chosen == choose_key(sorted(keys, key=lambda k: k.kid), "EdDSA", at=3000)


@pytest.mark.requirement("K-11")
def test_a_key_stays_until_the_last_token_that_it_signed_has_expired() -> None:
    other = a_signing_key("ES256")
    keys = (FIRST, SECOND, THIRD, other)

    assert without_retired(keys, now=1099, kept_for=100) == keys
    assert without_retired(keys, now=1100, kept_for=100) == (SECOND, THIRD, other)
    assert without_retired(keys, now=2100, kept_for=100) == (THIRD, other)


def test_a_key_fits_its_algorithm_or_is_none() -> None:
    x25519_key = x25519.X25519PrivateKey.generate()
    wrong_curve = ec.generate_private_key(ec.SECP384R1())
    plain = NoEncryption()
    secret = BestAvailableEncryption(b"x")
    ders = [
        FIRST.private_der,
        b"nonsense",
        x25519_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, plain),
        wrong_curve.private_bytes(Encoding.DER, PrivateFormat.PKCS8, plain),
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, secret
        ),
    ]
    for der in ders:
        with pytest.raises(ValueError, match=r"signing key|deserialize|parse"):
            SigningKey(kid="k", algorithm="ES256", active_from=0, private_der=der)


def test_only_known_algorithms_have_a_name() -> None:
    assert parse_algorithm("ES256") == "ES256"
    with pytest.raises(KeyError):
        parse_algorithm("none")


@pytest.mark.requirement("K-12")
def test_a_key_keeps_its_private_part_to_itself() -> None:
    assert "private_der" not in repr(FIRST)


def test_what_is_derived_differs_by_key_and_purpose() -> None:
    derived = {FIRST.derive("a"), FIRST.derive("b"), SECOND.derive("a")}

    assert len(derived) == 3
    assert all(len(secret) == 64 for secret in derived)


def test_a_keyring_file_keeps_signing_keys() -> None:
    keyring = KEYRING.with_signing_keys(SIGNING_KEYS)

    assert Keyring.from_json(keyring.to_json()) == keyring
    assert keyring.signing_key("ES256", at=5) == SIGNING_KEYS[1]
    assert keyring.signing_key_named(SIGNING_KEYS[2].kid) == SIGNING_KEYS[2]
    assert keyring.signing_key_named("another") is None
    rotated = keyring.with_current("k2", b"t" * 32)
    assert rotated.signing_keys == SIGNING_KEYS
    assert rotated.without("k1").signing_keys == SIGNING_KEYS


@pytest.mark.requirement("K-15")
def test_a_file_of_before_there_were_signing_keys_has_none() -> None:
    record = json.loads(KEYRING.to_json())
    del record["signing_keys"]

    assert Keyring.from_json(json.dumps(record)) == KEYRING


@pytest.mark.parametrize(
    "damage",
    [
        {"alg": "none"},
        {"alg": "ES256"},
        {"private": "AAAA"},
        {"active_from": "soon"},
        {"kid": None, "alg": None},
    ],
)
def test_a_damaged_signing_key_makes_no_keyring(damage: dict[str, object]) -> None:
    record = json.loads(KEYRING.with_signing_keys((FIRST,)).to_json())
    record["signing_keys"][0].update(damage)

    with pytest.raises(ValueError, match=r"not a keyring file"):
        Keyring.from_json(json.dumps(record))
