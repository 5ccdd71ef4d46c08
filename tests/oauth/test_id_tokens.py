"""ID tokens: what they say, and what one proves that is handed back."""

import hashlib
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.id_tokens import (
    IdToken,
    IdTokenHint,
    half_hash,
    parse_id_token_hint,
    render_id_token,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwt_access_tokens import parse_access_token, render_access_token
from actor_oauth.oauth.openid import Authentication
from actor_oauth.oauth.own_jwt import sign_jwt
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, SigningAlgorithm
from tests.oauth.test_jwt_access_tokens import INFO, ISSUER, KEY, RING, TOKEN
from tests.support.grants import START
from tests.support.signing import segment, signer
from tests.support.signing_keys import a_signing_key

SAID = IdToken(
    user_id="ada",
    client_id="app",
    authentication=Authentication(
        auth_time=START - 60, methods=("pwd",), session="sid", nonce="n"
    ),
    access_token="aoat_token",
    issued_at=START,
    expires_at=START + 3600,
)
HINT = IdTokenHint(user_id="ada", client_id="app", session="sid")


def parts(text: str) -> tuple[dict[str, Json], dict[str, Json]]:
    header, claims = (
        cast("dict[str, Json]", json.loads(urlsafe_b64decode(part + "==")))
        for part in text.split(".")[:2]
    )
    return header, claims


def read(text: str) -> IdTokenHint | None:
    return parse_id_token_hint(text, issuer=ISSUER, keyring=RING)


@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_it_says_who_when_and_how(algorithm: SigningAlgorithm) -> None:
    key = a_signing_key(algorithm)

    text = render_id_token(SAID, issuer=ISSUER, key=key)

    header, claims = parts(text)
    assert header == {"typ": "JWT", "alg": algorithm, "kid": key.kid}
    assert claims == {
        "iss": ISSUER,
        "sub": "ada",
        "aud": "app",
        "iat": START,
        "exp": START + 3600,
        "at_hash": half_hash("aoat_token", algorithm),
        "auth_time": START - 60,
        "nonce": "n",
        "amr": ["pwd"],
        "sid": "sid",
    }
    assert read(text) == HINT


def test_it_says_nothing_that_is_not_known() -> None:
    text = render_id_token(
        replace(SAID, authentication=Authentication()), issuer=ISSUER, key=KEY
    )

    _, claims = parts(text)
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "at_hash"}
    assert read(text) == replace(HINT, session=None)


def test_the_half_hash_is_that_of_the_specification() -> None:
    # The example of OpenID Connect Core, Appendix A.3.
    example = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    assert half_hash(example, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert half_hash(example, "ES256") == "77QmUPtjPfzWtF2AnpK9RQ"
    whole = hashlib.sha512(example.encode()).digest()
    assert urlsafe_b64decode(half_hash(example, "EdDSA") + "=") == whole[:32]


def test_neither_kind_of_token_is_taken_for_the_other() -> None:
    id_token = render_id_token(SAID, issuer=ISSUER, key=KEY)
    access_token = render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY)

    assert parse_access_token(id_token, keyring=RING, issuer=ISSUER) is None
    assert read(access_token) is None


CLAIMS: dict[str, Json] = {"iss": ISSUER, "sub": "ada", "aud": "app"}
PUBLIC = json.dumps(KEY.public_jwk())


@pytest.mark.requirement("E-10", "F-02")
@pytest.mark.parametrize(
    "text",
    [
        # No signature, and signatures with what everybody knows.
        f"{segment({'typ': 'JWT', 'alg': 'none', 'kid': KEY.kid})}.{segment(CLAIMS)}.",
        f"{segment({'typ': 'JWT', 'alg': 'none', 'kid': KEY.kid})}.{segment(CLAIMS)}.AA",
        signer("HS256", kid=KEY.kid).sign(CLAIMS, typ="JWT"),
        signer("EdDSA", kid=KEY.kid).sign(CLAIMS, typ="JWT"),
        # Our own key, under the name of another algorithm or another key.
        sign_jwt(CLAIMS, typ="JWT", key=replace(KEY, kid=a_signing_key("ES256").kid)),
        sign_jwt(CLAIMS, typ="JWT", key=a_signing_key("EdDSA", nth=9)),
        # Our own signature under something else.
        sign_jwt(CLAIMS, typ="logout+jwt", key=KEY),
        sign_jwt({**CLAIMS, "iss": "https://evil.example"}, typ="JWT", key=KEY),
        sign_jwt({**CLAIMS, "sub": None}, typ="JWT", key=KEY),
        sign_jwt({**CLAIMS, "aud": ["app"]}, typ="JWT", key=KEY),
        "a.b.c",
        "",
    ],
)
def test_what_we_did_not_sign_as_an_id_token_is_no_hint(text: str) -> None:
    assert read(text) is None


@given(st.text())
def test_reading_a_hint_never_raises(text: str) -> None:
    assert read(text) is None
