"""JSON, read without surprises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.json_values import (
    MAX_DEPTH,
    RecordError,
    get_integer,
    get_object,
    get_text,
    get_texts,
    need_text,
    parse_json_object,
    parse_record,
    render_record,
)


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


@given(st.binary(max_size=200))
def test_reading_json_never_raises(body: bytes) -> None:
    parse_json_object(body)


@given(st.text(st.sampled_from('{}[]":,\\u0d8e1-.aN \n'), max_size=60))
def test_reading_something_like_json_never_raises(text: str) -> None:
    parse_json_object(text.encode())


@pytest.mark.requirement("B-24")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ud800"]}',
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' + b"1" * 5000 + b"}",
        nested(MAX_DEPTH),
        nested(30_000),
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ],
)
def test_what_could_surprise_is_no_json(body: bytes) -> None:
    assert parse_json_object(body) is None


def test_an_ordinary_object_is_read() -> None:
    body = b'{"a":"\\ud83d\\ude00","b":[1,2.5,true,null,{}],"c":{"d":"e"}}'
    assert parse_json_object(body) == json.loads(body)
    assert parse_json_object(nested(MAX_DEPTH - 1)) is not None


def test_a_record_leaves_out_what_is_none() -> None:
    text = render_record({"a": None, "b": 1, "c": ["x"], "d": ""})
    assert text == '{"b":1,"c":["x"],"d":""}'
    assert parse_record(text) == {"b": 1, "c": ["x"], "d": ""}


@pytest.mark.parametrize("text", ["", "[]", "null", "{"])
def test_a_damaged_record_is_a_fault(text: str) -> None:
    with pytest.raises(RecordError):
        parse_record(text)


def test_a_text_that_a_record_must_have_is_a_fault_without_it() -> None:
    assert need_text({"a": "x"}, "a") == "x"
    with pytest.raises(RecordError, match="a stored record lacks a text: b"):
        need_text({"b": 1}, "b")


def test_members_of_another_type_count_as_absent() -> None:
    record = parse_record('{"text":"x","number":3,"list":["a",1],"object":{"k":"v"}}')
    assert [get_text(record, name) for name in ("text", "number", "no")] == [
        "x",
        None,
        None,
    ]
    assert [get_integer(record, name) for name in ("number", "text")] == [3, 0]
    assert [get_texts(record, name) for name in ("list", "text")] == [("a",), ()]
    assert [get_object(record, name) for name in ("object", "list")] == [{"k": "v"}, {}]
