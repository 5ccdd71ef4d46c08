"""Access tokens as JWTs: what they say, and which of them are ours."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwt_access_tokens import (
    is_jwt,
    parse_access_token,
    render_access_token,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, SigningAlgorithm
from actor_oauth.oauth.tokens import AccessTokenInfo, Token, TokenKind
from tests.support.grants import ACTOR_KEY, KEYRING, RESOURCE, START
from tests.support.signing import segment
from tests.support.signing_keys import SIGNING_KEYS, a_signing_key

ISSUER = "https://as.example"
RING = KEYRING.with_signing_keys(SIGNING_KEYS)
KEY = a_signing_key("EdDSA")
TOKEN = Token(TokenKind.ACCESS, ACTOR_KEY, b"recordno", bytes(range(32)))
INFO = AccessTokenInfo(
    grant_id="00000007",
    client_id="app",
    user_id="ada",
    scope=Scope(("read", "write")),
    resource=RESOURCE,
    issued_at=START,
    expires_at=START + 3600,
    props_text='{"secret":"props"}',
)


def parts(text: str) -> tuple[dict[str, Json], dict[str, Json]]:
    header, claims = (
        cast("dict[str, Json]", json.loads(urlsafe_b64decode(part + "==")))
        for part in text.split(".")[:2]
    )
    return header, claims


def forged(claims: dict[str, Json] | None = None, **header: Json) -> str:
    """Our JWT with other words, signed by our key all the same."""
    ours_header, ours = parts(render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY))
    head = segment({**ours_header, **header})
    signed = f"{head}.{segment({**ours, **(claims or {})})}"
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - for this one line

    signature = urlsafe_b64encode(KEY.sign(signed.encode())).decode().rstrip("=")
    return f"{signed}.{signature}"


def read(text: str) -> Token | None:
    return parse_access_token(text, keyring=RING, issuer=ISSUER)


@pytest.mark.requirement("D-11")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_a_token_says_what_rfc_9068_asks_for(algorithm: SigningAlgorithm) -> None:
    key = a_signing_key(algorithm)

    text = render_access_token(TOKEN, INFO, issuer=ISSUER, key=key)

    header, claims = parts(text)
    assert header == {"typ": "at+jwt", "alg": algorithm, "kid": key.kid}
    assert claims == {
        "iss": ISSUER,
        "sub": "ada",
        "aud": RESOURCE,
        "client_id": "app",
        "iat": START,
        "exp": START + 3600,
        "jti": claims["jti"],
        "scope": "read write",
    }
    assert read(text) == TOKEN


@pytest.mark.requirement("D-26")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_the_same_token_gives_the_same_text(algorithm: SigningAlgorithm) -> None:
    key = a_signing_key(algorithm)

    texts = {render_access_token(TOKEN, INFO, issuer=ISSUER, key=key) for _ in range(8)}

    assert len(texts) == 1


@pytest.mark.requirement("K-04", "K-12")
def test_nobody_can_read_or_use_the_token_behind_it() -> None:
    text = render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY)

    _, claims = parts(text)
    jti = cast("str", claims["jti"])
    assert TOKEN.secret not in urlsafe_b64decode(jti + "==")
    assert ACTOR_KEY not in text
    assert "props" not in text
    assert read(jti) is None
    other = replace(TOKEN, secret=bytes(32))
    _, others = parts(render_access_token(other, INFO, issuer=ISSUER, key=KEY))
    assert others["jti"] != jti


@pytest.mark.requirement("G-12", "G-11")
@pytest.mark.parametrize(
    "text",
    [
        forged(typ="JWT"),
        forged(typ=None),
        forged(typ="dpop+jwt"),
        forged(alg="none"),
        forged(alg="ES256"),
        forged(kid="another"),
        forged(kid=None),
        forged(kid=a_signing_key("ES256").kid),
        forged(crit=["exp"]),
        forged({"iss": "https://evil.example"}),
        forged({"iss": None}),
        forged({"jti": None}),
        forged({"jti": "AAAA"}),
        forged({"jti": "é"}),
        forged({"jti": "A" * 135}),
        render_access_token(
            TOKEN, INFO, issuer=ISSUER, key=a_signing_key("EdDSA", nth=9)
        ),
        "a.b.c",
        "..",
        "",
    ],
)
def test_what_is_not_signed_by_us_as_an_access_token_is_nothing(text: str) -> None:
    assert read(text) is None


@pytest.mark.requirement("G-12")
@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    text = render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY)
    place = data.draw(st.integers(0, len(text) - 2))
    letter = data.draw(st.sampled_from("AZaz09-_."))
    changed = text[:place] + letter + text[place + 1 :]

    assert changed == text or read(changed) is None


def test_the_two_forms_can_be_told_apart() -> None:
    assert is_jwt(render_access_token(TOKEN, INFO, issuer=ISSUER, key=KEY))
    assert not is_jwt(TOKEN.render())
