"""Parameters: one value each, or none."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.parameters import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    Parameters,
    parameters_of,
    parse_form,
)
from actor_oauth.oauth.wire import Reason, Refused

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def parsed(body: bytes) -> Parameters:
    params = parse_form(body)
    assert isinstance(params, Parameters)
    return params


@given(st.binary(max_size=400))
def test_reading_a_form_never_raises(body: bytes) -> None:
    params = parse_form(body)
    assert isinstance(params, (Parameters, Refused))


@given(st.dictionaries(TEXT, TEXT.filter(bool), max_size=8))
def test_a_form_survives_being_written_and_read(fields: dict[str, str]) -> None:
    params = parsed(urlencode(fields).encode())
    assert {name: params.get(name) for name in fields} == fields
    assert params.repeated == frozenset()


@pytest.mark.requirement("D-02", "C-04")
def test_an_empty_parameter_is_an_absent_one() -> None:
    params = parsed(b"a=&b&c=1&resource=")
    assert params.get("a") is None
    assert params.get("b") is None
    assert params.get("c") == "1"
    assert params.get("d") is None
    assert params.getlist("resource") == ()


@pytest.mark.requirement("D-02", "C-04")
def test_a_repeated_parameter_has_no_value_and_is_told_about() -> None:
    params = parsed(b"client_id=good&scope=x&client_id=evil")
    assert params.get("client_id") is None
    assert params.repeated == {"client_id"}
    assert "client_id" in params


@pytest.mark.requirement("D-02")
@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=&a=1", b"a&a", b"%61=1&a=1"])
def test_a_repeat_is_a_repeat_whatever_its_values_and_spelling(body: bytes) -> None:
    assert parsed(body).repeated == {"a"}


@pytest.mark.requirement("C-04")
def test_a_resource_may_be_repeated_and_equal_ones_count_once() -> None:
    params = parsed(b"resource=https%3A%2F%2Fa&resource=https://a&resource=https://b")
    assert params.getlist("resource") == ("https://a", "https://b")
    assert params.repeated == frozenset()


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"a=x+y", "x y"),
        (b"a=x%20y", "x y"),
        (b"a=x%2By", "x+y"),
        (b"a=b=c", "b=c"),
        (b"a=%C3%A9", "é"),
        ("a=é".encode(), "é"),
        (b"a=100%", "100%"),
        (b"a=%zz", "%zz"),
        (b"&&a=1&&", "1"),
        (b"a=1;b=2", "1;b=2"),
        (b"a=%0d%0aX", "\r\nX"),
        (b"a=%00", "\0"),
    ],
)
def test_fields_are_decoded_as_browsers_encode_them(body: bytes, value: str) -> None:
    assert parsed(body).get("a") == value


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize("body", [b"a=\xff", b"a=%ff", b"%ff=a", b"a=%ed%a0%80"])
def test_what_is_not_utf_8_is_malformed(body: bytes) -> None:
    assert parse_form(body) == Refused(Reason.FORM_MALFORMED)


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * MAX_FORM_BYTES, b"&".join([b"a=1"] * (MAX_FORM_FIELDS + 1))]
)
def test_a_form_has_limits(body: bytes) -> None:
    assert parse_form(body) == Refused(Reason.FORM_TOO_LARGE)


def test_a_form_may_fill_its_limits() -> None:
    names = [f"a{i}=1" for i in range(MAX_FORM_FIELDS)]
    assert parsed("&".join(names).encode()).get("a99") == "1"
    assert parsed(b"a=" + b"x" * (MAX_FORM_BYTES - 2)).get("a") is not None


@pytest.mark.requirement("K-12")
def test_the_values_do_not_show_in_a_log() -> None:
    assert repr(parsed(b"code=secret&b=1")) == "Parameters(b, code)"


def test_decoded_pairs_follow_the_same_rules() -> None:
    params = parameters_of([("a", "1"), ("b", "2"), ("b", "3")])
    assert (params.get("a"), params.get("b")) == ("1", None)
    assert params.repeated == {"b"}
