"""Tokens that others have signed: read, and then believed or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, VerificationKey, parse_jwks
from actor_oauth.oauth.signed_jwt import (
    MAX_JWT_LENGTH,
    Jwt,
    audiences,
    fitting_keys,
    moment,
    parse_jwt,
    verifies,
)
from tests.support.signing import Signer, segment, signer

TWICE = '{"a":1,"a":2}'
INFINITE = '{"exp":1e400}'


def parsed(text: str) -> Jwt:
    jwt = parse_jwt(text)
    assert jwt is not None
    return jwt


def keys_of(*signers: Signer) -> tuple[VerificationKey, ...]:
    keys = parse_jwks({"keys": [each.public() for each in signers]})
    assert keys is not None
    return keys


def believed(jwt: Jwt, *signers: Signer) -> bool:
    keys = fitting_keys(jwt, keys_of(*signers))
    return verifies(jwt, keys, algorithms=SIGNING_ALGORITHMS)


@pytest.mark.requirement("E-10")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_what_the_key_signed_is_believed_and_nothing_else(algorithm: str) -> None:
    ours = signer(algorithm)
    jwt = parsed(ours.sign({"sub": "c"}, typ="application/X+jwt", extra="x"))

    assert (jwt.algorithm, jwt.kid, jwt.typ) == (algorithm, "k1", "x+jwt")
    assert believed(jwt, signer(algorithm, nth=1), ours)
    assert not believed(jwt, signer(algorithm, nth=1))
    head, _, signature = jwt.text.split(".")
    forged = parsed(f"{head}.{segment({'sub': 'd'})}.{signature}")
    assert not believed(forged, ours)
    assert not verifies(jwt, keys_of(ours), algorithms=["none"])


@pytest.mark.requirement("E-10")
def test_a_key_named_otherwise_or_made_for_another_algorithm_is_not_tried() -> None:
    jwt = parsed(signer("RS256").sign({}))
    assert not fitting_keys(jwt, keys_of(signer("RS256", kid="k2")))
    assert not fitting_keys(jwt, keys_of(signer("RS256", kid=None)))
    assert not fitting_keys(jwt, keys_of(signer("ES256")))
    unnamed = parsed(signer("RS256", kid=None).sign({}))
    assert believed(unnamed, signer("RS256"), signer("RS256", kid=None))
    many = keys_of(*(signer("ES256", nth=n) for n in range(20)))
    assert len(fitting_keys(parsed(signer("ES256").sign({})), many)) == 8


@pytest.mark.requirement("E-10")
def test_neither_none_nor_a_public_key_taken_for_a_secret_is_believed() -> None:
    ours = signer("RS256")
    unsigned = f"{segment({'alg': 'none', 'kid': 'k1'})}.{segment({})}."
    assert parse_jwt(unsigned) is None
    jwt = parsed(unsigned + "AA")
    assert not verifies(jwt, keys_of(ours), algorithms=SIGNING_ALGORITHMS)
    # The classic: an HMAC whose secret is the public key's text.
    confused = Signer(signer("HS256").key, "HS256")
    assert not believed(parsed(confused.sign({})), ours)


@pytest.mark.requirement("E-10")
def test_no_key_is_used_for_an_algorithm_that_it_was_not_made_for() -> None:
    jwt = parsed(signer("RS256").sign({}))
    keys = keys_of(signer("ES256"))
    assert not verifies(jwt, keys, algorithms=SIGNING_ALGORITHMS)


@pytest.mark.parametrize("signature", ["A", "AA", "A" * 86, "A" * 500])
def test_a_damaged_signature_is_not_believed(signature: str) -> None:
    text = signer("ES256").sign({})
    jwt = parsed(text.rpartition(".")[0] + "." + signature)
    assert not believed(jwt, signer("ES256"))


@pytest.mark.requirement("E-10")
def test_the_token_s_own_key_is_not_looked_at() -> None:
    attacker = signer("ES256", nth=1)
    jwt = parsed(attacker.sign({}, jwk=attacker.public(), jku="https://evil.example"))
    assert not believed(jwt, signer("ES256"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        "..",
        f"{segment({'alg': 'ES256'})}.{segment({})}",
        f"{segment({'alg': 'ES256'})}.{segment({})}.AA.AA.AA",
        f"{segment({'alg': 'ES256'})}.{segment([])}.AA",
        f"{segment({'alg': 7})}.{segment({})}.AA",
        f"{segment({})}.{segment({})}.AA",
        f"{segment({'alg': 'ES256', 'kid': 7})}.{segment({})}.AA",
        f"{segment({'alg': 'ES256', 'typ': 7})}.{segment({})}.AA",
        f"{segment({'alg': 'ES256', 'crit': ['x']})}.{segment({})}.AA",
        f"{segment({'alg': 'ES256', 'b64': False})}.{segment({})}.AA",
        f"{segment({'alg': 'ES256'})}.{segment(TWICE)}.AA",
        f"{segment({'alg': 'ES256'})}.{segment({})}.AA\n",
        f"{segment({'alg': 'ES256'})}.{segment({})}=.AA",
        f"{segment({'alg': 'ES256'})}.{segment({})}.é",
        f"{segment({'alg': 'ES256'})}.A.AA",
        f"{segment({'alg': 'ES256'})}.{segment({})}.{'A' * MAX_JWT_LENGTH}",
    ],
)
def test_what_is_no_jwt_is_none(text: str) -> None:
    assert parse_jwt(text) is None


@given(st.text() | st.from_regex(r"[\w-]{0,9}\.[\w-]{0,9}\.[\w-]{0,9}", fullmatch=True))
def test_no_text_raises(text: str) -> None:
    parse_jwt(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([], ()),
        (["a", 1], None),
        ({}, None),
    ],
)
def test_audiences_are_one_or_a_list(value: Json, expected: object) -> None:
    assert audiences(parsed(signer().sign({"aud": value}))) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), (5, 5), (5.9, 5), (-1, -1)]
)
def test_a_moment_is_a_number_of_seconds(value: Json, expected: int | None) -> None:
    assert moment(parsed(signer().sign({"exp": value})), "exp") == expected


@pytest.mark.parametrize("value", ["5", True, [], 10**400, -(10**400), 2.0**60])
def test_what_is_no_moment_is_an_error(value: Json) -> None:
    with pytest.raises(ValueError, match="exp"):
        moment(parsed(signer().sign({"exp": value})), "exp")


def test_an_infinite_number_is_no_moment() -> None:
    jwt = parsed(f"{segment({'alg': 'ES256'})}.{segment(INFINITE)}.AA")
    with pytest.raises(ValueError, match="exp"):
        moment(jwt, "exp")
