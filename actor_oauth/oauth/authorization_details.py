"""Rich authorization requests (RFC 9396): what exactly is asked for, beside scopes.

Rule 1: only types that the operator has described for the resource, with the members that
are described and no others: what nobody has described can neither be shown nor enforced.
Rule 2: details are granted as they were asked for and shown, all or nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from actor_oauth.oauth.json_values import Json, parse_json_object

MAX_LENGTH: Final = 4096
"""Characters of the parameter."""

MAX_DETAILS: Final = 16

_LISTS: Final = frozenset(("locations", "actions", "datatypes", "privileges"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailType:
    """A kind of authorization detail that a resource understands.

    Attributes:
        name: The value of `type`.
        description: What it allows, in words, for the consent page.
        required: Members that each detail must have.
        optional: Members that it may have.
    """

    name: str
    description: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailView:
    """A detail as it is shown to a user.

    Attributes:
        title: Its description, or the name of its type.
        facts: Its other members, by name, as text.
    """

    title: str
    facts: tuple[tuple[str, str], ...]


def parse_details(text: str, types: Sequence[DetailType], resource: str) -> str | None:
    """Read the parameter `authorization_details`.

    Args:
        text: As it was sent.
        types: Those of the resource.
        resource: Its identifier, the only location that may be named.

    Returns:
        The details as JSON text in one spelling; None if they cannot be granted.

    Source: RFC 9396 §2, §5.
    """
    if len(text) > MAX_LENGTH:
        return None
    # The reader of objects knows all the limits; a list is put into one for it.
    found = parse_json_object(f'{{"details":{text}}}'.encode(errors="replace"))
    details = None if found is None or len(found) != 1 else found["details"]
    if not isinstance(details, list) or not 1 <= len(details) <= MAX_DETAILS:
        return None
    known = {kind.name: kind for kind in types}
    if not all(_is_good(detail, known, resource) for detail in details):
        return None
    return json.dumps(details, separators=(",", ":"), ensure_ascii=False)


def stored_details(text: str | None) -> Json:
    """Give details that this program stored; None if there are none."""
    return None if text is None else cast("Json", json.loads(text))


def views_of(text: str | None, types: Sequence[DetailType]) -> tuple[DetailView, ...]:
    """Give stored details as they are shown."""
    details = stored_details(text)
    words = {kind.name: kind.description for kind in types}
    return tuple(
        DetailView(
            title=words.get(str(detail["type"])) or str(detail["type"]),
            facts=tuple(
                (name, _words(value))
                for name, value in detail.items()
                if name != "type"
            ),
        )
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict)
    )


def _is_good(detail: Json, known: dict[str, DetailType], resource: str) -> bool:
    if not isinstance(detail, dict):
        return False
    kind = known.get(str(detail.get("type")))
    if kind is None:
        return False
    members = detail.keys() - {"type"}
    if not members.issuperset(kind.required):
        return False
    if not members.issubset((*kind.required, *kind.optional)):
        return False
    if any(not _is_list_of_text(detail[name]) for name in members & _LISTS):
        return False
    if not isinstance(detail.get("identifier", ""), str):
        return False
    return detail.get("locations", [resource]) == [resource]


def _is_list_of_text(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _words(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)
