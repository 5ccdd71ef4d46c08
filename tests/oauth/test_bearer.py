"""Where tokens are read from a request, and where they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.bearer import (
    BearerToken,
    BoundToken,
    CredentialsFault,
    parse_credentials,
)


@pytest.mark.requirement("G-01")
@pytest.mark.parametrize(
    "line",
    [
        b"Bearer aoat_x",
        b"bearer aoat_x",
        b"BEARER   aoat_x",
        b"  Bearer aoat_x\t",
    ],
)
def test_a_token_is_read_whatever_the_case_of_the_scheme(line: bytes) -> None:
    assert parse_credentials([line], b"") == BearerToken("aoat_x")


@pytest.mark.requirement("F-11")
@pytest.mark.parametrize("scheme", [b"DPoP", b"dpop", b"DPOP"])
def test_a_token_may_come_with_a_proof_of_its_key(scheme: bytes) -> None:
    line = scheme + b" aoat_x"

    assert parse_credentials([line], b"") == BoundToken("aoat_x")
    several = parse_credentials([line, b"Bearer aoat_x"], b"")
    assert several is CredentialsFault.SEVERAL


@pytest.mark.requirement("G-03")
@pytest.mark.parametrize(
    "lines",
    [[], [b""], [b"Bearer"], [b"Bearer "], [b"Basic dXNlcg=="], [b"DPoP "]],
)
def test_other_schemes_and_empty_values_are_no_credentials(lines: list[bytes]) -> None:
    assert parse_credentials(lines, b"") is CredentialsFault.NO_CREDENTIALS


@pytest.mark.requirement("G-04")
@pytest.mark.parametrize(
    "value",
    [
        b"a b",
        b"a, Bearer b",
        b'token="a"',
        b"a\x00",
        b"a\nb",
        "ä".encode(),
        b"=",
        b"a=b",
        b"a" * 4097,
    ],
)
def test_a_value_outside_of_the_token_grammar_is_malformed(value: bytes) -> None:
    fault = parse_credentials([b"Bearer " + value], b"")
    assert fault is CredentialsFault.MALFORMED


@pytest.mark.requirement("G-04")
@pytest.mark.parametrize(
    ("lines", "query"),
    [
        ([b"Bearer a", b"Bearer a"], b""),
        ([b"Bearer a", b"Basic b"], b""),
        ([b"Bearer a"], b"access_token=b"),
        ([b"Bearer a"], b"x=1&access%5Ftoken=b"),
    ],
)
def test_more_than_one_credential_is_told_apart_from_a_bad_one(
    lines: list[bytes], query: bytes
) -> None:
    assert parse_credentials(lines, query) is CredentialsFault.SEVERAL


@pytest.mark.requirement("G-02")
def test_a_token_in_the_query_alone_does_not_count() -> None:
    fault = parse_credentials([], b"access_token=aoat_x")
    assert fault is CredentialsFault.NO_CREDENTIALS


def test_other_query_parameters_do_not_disturb() -> None:
    assert parse_credentials([b"Bearer a"], b"q=access_token&b") == BearerToken("a")


def test_a_token_does_not_show_in_its_representation() -> None:
    assert "aoat" not in repr(BearerToken("aoat_x"))


@given(st.lists(st.binary(max_size=60), max_size=3), st.binary(max_size=40))
def test_whatever_arrives_is_either_a_token_or_a_fault(
    lines: list[bytes], query: bytes
) -> None:
    found = parse_credentials(lines, query)
    assert isinstance(found, BearerToken | CredentialsFault)
