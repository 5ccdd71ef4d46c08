"""Parsing JSON strictly, both untrusted and from our own records."""

import json
from collections.abc import Mapping
from typing import Final, TypeAlias, cast

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""Any JSON value."""

MAX_DEPTH: Final = 16
"""Objects and lists within one another."""


# There is no space around what this program has written.
_decode: Final = json.JSONDecoder().raw_decode


class RecordError(ValueError):
    """A record that this program stored cannot be read back: the store is damaged."""


def parse_json_object(body: bytes) -> dict[str, Json] | None:
    """Read a JSON object from a stranger. The caller has limited its size.

    Returns:
        None if the body is not UTF-8, not JSON, not an object, has a number that JSON
        does not have (NaN, Infinity), repeats a member, nests too deeply, or has a
        text that no encoding can carry (half of a surrogate pair).

    Source: RFC 8259, RFC 7493 §2.
    """
    try:
        value: Json = json.loads(
            body.decode(),
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_members,
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _is_plain(value):
        return None
    return value


def parse_record(text: str) -> dict[str, Json]:
    """Read back a record that this program wrote.

    Raises:
        RecordError: It is not a JSON object.
    """
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise RecordError("a stored record is not JSON") from error
    if not isinstance(value, dict):
        raise RecordError("a stored record is not a JSON object")
    return value


def render_record(values: Mapping[str, Json]) -> str:
    """Write a record, leaving out what is None."""
    present = {name: value for name, value in values.items() if value is not None}
    return json.dumps(present, separators=(",", ":"))


def render_attached(value: Json) -> str | None:
    """Write what an application attached to something; None for nothing.

    Kept as text, it is the same for everybody, and each reader has values of their own.
    """
    return None if value is None else json.dumps(value, separators=(",", ":"))


def parse_attached(text: str | None) -> Json:
    """Give what an application attached, which this program has written."""
    return None if text is None else cast("Json", _decode(text)[0])


def get_text(record: Mapping[str, Json], name: str) -> str | None:
    """Give a member that is a string, or None."""
    value = record.get(name)
    return value if isinstance(value, str) else None


def need_text(record: Mapping[str, Json], name: str) -> str:
    """Give a member that must be a string.

    Raises:
        RecordError: It is not.
    """
    value = record.get(name)
    if not isinstance(value, str):
        raise RecordError("a stored record lacks a text: " + name)
    return value


def get_texts(record: Mapping[str, Json], name: str) -> tuple[str, ...]:
    """Give the strings of a member that is a list; none if it is something else."""
    value = record.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def get_integer(record: Mapping[str, Json], name: str) -> int:
    """Give a member that is an integer, or 0."""
    value = record.get(name)
    return value if isinstance(value, int) else 0


def get_optional_integer(record: Mapping[str, Json], name: str) -> int | None:
    """Give a member that is an integer, or None."""
    value = record.get(name)
    return value if isinstance(value, int) else None


def get_object(record: Mapping[str, Json], name: str) -> dict[str, Json]:
    """Give a member that is an object, or an empty one."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _refuse_constant(name: str) -> Json:
    raise ValueError(name + " is not JSON")


def _unique_members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _is_plain(value: Json, depth: int = MAX_DEPTH) -> bool:
    if isinstance(value, str):
        return _is_encodable(value)
    if not isinstance(value, (dict, list)):
        return True
    if depth == 0:
        return False
    inner = value.values() if isinstance(value, dict) else value
    names = map(_is_encodable, value) if isinstance(value, dict) else ()
    return all(names) and all(_is_plain(item, depth - 1) for item in inner)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
