"""Which authorization details can be granted, and how they are shown."""

import json

import pytest

from actor_oauth.oauth.authorization_details import (
    MAX_DETAILS,
    MAX_LENGTH,
    DetailType,
    narrow_details,
    parse_details,
    views_of,
)
from actor_oauth.oauth.json_values import parse_attached

RESOURCE = "https://api.example/mcp"
TYPES = (
    DetailType(
        name="payment",
        description="Pay somebody",
        required=("amount",),
        optional=("locations", "actions", "identifier", "note"),
    ),
    DetailType(name="bare"),
)


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize(
    "details",
    [
        [{"type": "bare"}],
        [{"type": "payment", "amount": 5}, {"type": "bare"}],
        [{"type": "payment", "amount": {"value": 5}, "locations": [RESOURCE]}],
        [{"type": "payment", "amount": 5, "actions": ["once"], "identifier": "a"}],
        [{"type": "bare"}] * MAX_DETAILS,
    ],
)
def test_what_is_described_can_be_granted(details: list[object]) -> None:
    text = parse_details(json.dumps(details, indent=1), TYPES, RESOURCE)
    assert parse_attached(text) == details


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[1]",
        '["payment"]',
        "[{}]",
        '[{"type": 1}]',
        '[{"type": "unknown"}]',
        '[{"type": "payment"}]',
        '[{"type": "bare", "more": 1}]',
        '[{"type": "bare", "type": "bare"}]',
        '[{"type": "payment", "amount": 5, "actions": "once"}]',
        '[{"type": "payment", "amount": 5, "actions": [1]}]',
        '[{"type": "payment", "amount": 5, "identifier": 1}]',
        '[{"type": "payment", "amount": 5, "locations": ["https://evil.example"]}]',
        '[{"type": "payment", "amount": 5, "locations": []}]',
        '[{"type": "payment", "amount": NaN}]',
        # Out of the list that the reader is given.
        '[{"type": "bare"}], "details": [{"type": "bare"}]',
        '[{"type": "bare"}], "more": 1',
        '[{"type": "bare"}]}',
        "[" * 1000,
        '[{"type": "payment", "amount": ' + "[" * 50 + "]" * 50 + "}]",
        json.dumps([{"type": "bare"}] * (MAX_DETAILS + 1)),
        json.dumps([{"type": "payment", "amount": "x" * MAX_LENGTH}]),
        '[{"type": "payment", "amount": "\\ud800"}]',
    ],
)
def test_anything_else_is_refused_as_a_whole(text: str) -> None:
    assert parse_details(text, TYPES, RESOURCE) is None


def test_a_resource_without_types_grants_none() -> None:
    assert parse_details('[{"type": "bare"}]', (), RESOURCE) is None


def test_details_are_shown_in_words() -> None:
    text = parse_details(
        '[{"type": "payment", "amount": {"EUR": 5}, "actions": ["a", "b"],'
        ' "note": "<b>"}, {"type": "bare"}]',
        TYPES,
        RESOURCE,
    )
    first, second = views_of(text, TYPES)
    assert first.title == "Pay somebody"
    assert first.facts == (
        ("amount", '{"EUR": 5}'),
        ("actions", "a, b"),
        ("note", "<b>"),
    )
    assert (second.title, second.facts) == ("bare", ())
    assert views_of(None, TYPES) == ()


def granted(*details: object) -> str:
    text = parse_details(json.dumps(details), TYPES, RESOURCE)
    assert text is not None
    return text


PAY = {"type": "payment", "amount": 5, "actions": ["a", "b", "c"], "note": "n"}
BARE = {"type": "bare"}


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([PAY, BARE], [PAY, BARE]),
        # In the order of the grant, so that each spelling gets the same token.
        ([BARE, PAY], [PAY, BARE]),
        ([BARE], [BARE]),
        ([{**PAY, "actions": ["c", "a"]}], [{**PAY, "actions": ["a", "c"]}]),
    ],
)
def test_a_token_request_may_ask_for_a_part_of_what_was_granted(
    wanted: object, expected: object
) -> None:
    text = narrow_details(json.dumps(wanted), granted(PAY, BARE))
    assert text is not None
    assert json.loads(text) == expected


@pytest.mark.requirement("C-29")
def test_of_two_details_that_are_much_alike_each_stands_for_one() -> None:
    less = {**PAY, "actions": ["a"]}
    both = granted(PAY, less)
    assert narrow_details(json.dumps([less, PAY]), both) == both
    assert narrow_details(json.dumps([less, less]), both) is not None
    assert narrow_details(json.dumps([PAY, PAY]), both) is None


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[",
        "{}",
        "[1]",
        '[{"type": "other"}]',
        json.dumps([BARE, BARE]),
        json.dumps([{**PAY, "amount": 4}]),
        json.dumps([{**PAY, "note": ["n"]}]),
        json.dumps([{**PAY, "actions": []}]),
        json.dumps([{**PAY, "actions": "a"}]),
        json.dumps([{**PAY, "actions": ["a", "d"]}]),
        json.dumps([{name: PAY[name] for name in ("type", "amount", "note")}]),
        json.dumps([{**BARE, "note": "more"}]),
        json.dumps([BARE] * (MAX_DETAILS + 1)),
        json.dumps([BARE]) + " " * MAX_LENGTH,
    ],
)
def test_nothing_that_was_not_granted_can_be_asked_for(text: str) -> None:
    assert narrow_details(text, granted(PAY, BARE)) is None
    assert narrow_details(text, None) is None
