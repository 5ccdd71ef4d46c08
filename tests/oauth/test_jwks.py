"""The public keys of clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import MAX_KEYS, parse_jwks
from tests.support.signing import signer

RSA = signer("RS256").public()
EC = signer("ES256").public()
ED = signer("EdDSA").public()


@pytest.mark.requirement("E-10")
@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, ("RS256", "PS256")),
        ({**RSA, "alg": "RS256", "use": "sig"}, ("RS256",)),
        ({**RSA, "key_ops": ["verify"]}, ("RS256", "PS256")),
        (EC, ("ES256",)),
        (ED, ("Ed25519", "EdDSA")),
    ],
)
def test_a_key_fits_the_algorithms_of_its_type(
    key: dict[str, Json], algorithms: tuple[str, ...]
) -> None:
    parsed = parse_jwks({"keys": [key]})
    assert parsed is not None
    assert [(each.kid, each.algorithms) for each in parsed] == [("k1", algorithms)]


def small_rsa() -> dict[str, Json]:
    with pytest.warns(match="2048"):
        return {**RSAKey.generate_key(1024).as_dict(private=False)}  # type: ignore[dict-item]  # texts only


@pytest.mark.requirement("E-10")
@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "magic"},
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": "verify"},
        {**RSA, "alg": "HS256"},
        {**RSA, "alg": "ES256"},
        {**RSA, "alg": 1},
        {**RSA, "n": None},
        {**RSA, "n": "AQAB"},
        {**RSA, "n": "A" * 4000},
        {**RSA, "n": "A" * 342},
        {**RSA, "n": "!" * 342},
        {**RSA, "e": "AQ"},
        {**RSA, "e": "A" * 40},
        small_rsa(),
        {**EC, "crv": "P-384"},
        {**EC, "x": "AAAA"},
        {**EC, "x": EC["y"]},
        {**EC, "y": 7},
        {**ED, "crv": "X25519"},
        {**ED, "crv": ["Ed25519"]},
        {**ED, "x": "AAAA"},
        {**ED, "alg": "Ed448"},
        {**OKPKey.generate_key("Ed448").as_dict(private=False)},
        {**ECKey.generate_key("P-521").as_dict(private=False)},
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(key: dict[str, Json]) -> None:
    parsed = parse_jwks({"keys": [key, ED]})
    assert parsed is not None
    assert [each.algorithms for each in parsed] == [("Ed25519", "EdDSA")]


@pytest.mark.requirement("B-09")
@pytest.mark.parametrize(
    "key",
    [{**RSA, name: "AA"} for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")]
    + [{"kty": "oct"}, {**signer("HS256").key.as_dict()}]
    + [{**signer("ES256").key.as_dict(private=True)}],
)
def test_a_set_with_a_private_key_is_refused_as_a_whole(key: Json) -> None:
    assert parse_jwks({"keys": [EC, key]}) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"keys": None},
        {"keys": {}},
        {"keys": ["x"]},
        {"keys": [EC, None]},
        {"keys": [{}] * (MAX_KEYS + 1)},
    ],
)
def test_what_is_no_key_set_is_refused(value: Json) -> None:
    assert parse_jwks(value) is None


def test_a_key_may_have_no_name() -> None:
    parsed = parse_jwks({"keys": [{**EC, "kid": 7}]})
    assert parsed is not None
    assert parsed[0].kid is None


_TEXTS = st.text(max_size=20) | st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig"])


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"]),
            _TEXTS | st.integers() | st.none() | st.lists(_TEXTS),
        ),
        max_size=3,
    )
)
def test_no_key_set_raises(keys: list[Json]) -> None:
    parse_jwks({"keys": keys})
