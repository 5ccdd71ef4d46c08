"""Props at rest: who can read them, and who cannot."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.props import (
    MAX_METADATA_BYTES,
    MAX_PROPS_BYTES,
    encode_metadata,
    encode_props,
    props_context,
    seal_props,
    unseal_props,
    unwrap_data_key,
    wrap_data_key,
)
from actor_oauth.oauth.tokens import Token, TokenKind

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)
KEY = b"d" * 32
TOKEN = Token(TokenKind.ACCESS, "ab" * 16, bytes(8), b"t" * 32)


def context(
    *,
    actor_key: str = "ab" * 16,
    number: int = 1,
    client_id: str = "c1",
    version: int = 1,
) -> bytes:
    return props_context(
        actor_key=actor_key,
        number=number,
        client_id=client_id,
        version=version,
    )


@pytest.mark.requirement("K-05")
@given(JSON)
def test_props_come_back_as_they_were(props: Json) -> None:
    sealed = seal_props(encode_props(props), data_key=KEY, context=context())
    assert unseal_props(sealed, data_key=KEY, context=context()) == props


@pytest.mark.requirement("K-06")
@pytest.mark.parametrize(
    "elsewhere",
    [
        context(actor_key="cd" * 16),
        context(number=2),
        context(client_id="c2"),
        context(version=2),
    ],
)
def test_props_cannot_be_moved_to_another_grant(elsewhere: bytes) -> None:
    sealed = seal_props(b"1", data_key=KEY, context=context())
    with pytest.raises(ValueError, match="grant"):
        unseal_props(sealed, data_key=KEY, context=elsewhere)


@pytest.mark.requirement("K-05")
def test_a_wrapped_key_opens_with_its_token() -> None:
    assert unwrap_data_key(wrap_data_key(KEY, TOKEN), TOKEN) == KEY


@pytest.mark.requirement("K-05")
@pytest.mark.parametrize(
    "other",
    [
        replace(TOKEN, secret=b"u" * 32),
        replace(TOKEN, kind=TokenKind.REFRESH),
        replace(TOKEN, record=(1).to_bytes(8)),
        replace(TOKEN, actor_key="cd" * 16),
    ],
)
def test_a_wrapped_key_opens_with_no_other_token(other: Token) -> None:
    with pytest.raises(ValueError, match="another token"):
        unwrap_data_key(wrap_data_key(KEY, TOKEN), other)


def test_props_have_a_limit_counted_in_bytes() -> None:
    assert len(encode_props("x" * (MAX_PROPS_BYTES - 2))) == MAX_PROPS_BYTES
    with pytest.raises(ValueError, match="long"):
        encode_props("x" * (MAX_PROPS_BYTES - 1))
    with pytest.raises(ValueError, match="long"):
        encode_props("é" * (MAX_PROPS_BYTES // 2))


def test_metadata_have_a_limit_of_their_own() -> None:
    assert encode_metadata({"label": "é"}) == '{"label":"é"}'
    with pytest.raises(ValueError, match="long"):
        encode_metadata("x" * MAX_METADATA_BYTES)


@pytest.mark.parametrize("props", [float("nan"), float("inf"), "\ud800"])
def test_what_is_no_json_value_is_refused(props: Json) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the codec chooses the words
        encode_props(props)
