"""Which authorization details can be granted, and how they are shown."""

import json

import pytest

from actor_oauth.oauth.authorization_details import (
    MAX_DETAILS,
    MAX_LENGTH,
    DetailType,
    parse_details,
    stored_details,
    views_of,
)

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
    assert stored_details(text) == details


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
