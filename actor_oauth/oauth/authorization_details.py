"""Rich authorization requests (RFC 9396): details beside scopes.

Rule 1: only types that the operator has described for the resource, with the members that
are described and no others: what nobody has described can neither be shown nor enforced.
Rule 2: details are granted as they were asked for and shown, all or nothing.
Rule 3: a client may have less of them in one access token: some of the details, and of
each the members that it has, with some of the actions, datatypes or privileges.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.json_values import Json, parse_attached, parse_json_object

MAX_LENGTH: Final = 4096
"""Characters of the parameter."""

MAX_DETAILS: Final = 16

# Lists of which each value allows something more (RFC 9396 §2.2).
_ALLOWING: Final = frozenset(("actions", "datatypes", "privileges"))
_LISTS: Final = _ALLOWING | {"locations"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailType:
    """A kind of authorization detail that a resource understands.

    Attributes:
        name: The value of `type`.
        description: What it allows, described for the consent page.
        required: Members that each detail must have.
        optional: Members that it may have.
    """

    name: str
    description: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailView:
    """A detail as shown to the user.

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
    details = _parse_list(text)
    known = {kind.name: kind for kind in types}
    if not details or not all(_is_good(detail, known, resource) for detail in details):
        return None
    return _render(details)


def narrow_details(text: str, granted: str | None) -> str | None:
    """Read the parameter in a token request, which can only ask for less.

    Args:
        text: As it was sent.
        granted: The grant's details, as they are stored; None if it has none.

    Returns:
        What was asked for, in the order of the grant; None if that is not all granted.

    Source: RFC 9396 §6.
    """
    held = parse_attached(granted)
    if not isinstance(held, list):
        return None
    picked: dict[int, Json] = {}
    # A detail requested as a whole covers itself, and leaves the parts to the others.
    for wanted in sorted(_parse_list(text), key=lambda detail: detail not in held):
        free = [place for place in range(len(held)) if place not in picked]
        for place in sorted(free, key=lambda place: held[place] != wanted):
            part = _part(wanted, held[place])
            if part is not None:
                picked[place] = part
                break
        else:
            return None
    return _render([picked[place] for place in sorted(picked)]) if picked else None


def views_of(text: str | None, types: Sequence[DetailType]) -> tuple[DetailView, ...]:
    """Give stored details as they are shown."""
    details = parse_attached(text)
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


def _parse_list(text: str) -> list[Json]:
    """Read a list of details; an empty one if there is none to be read."""
    if len(text) > MAX_LENGTH:
        return []
    # The object parser enforces all the limits, so the list is wrapped in an object.
    found = parse_json_object(f'{{"details":{text}}}'.encode(errors="replace"))
    details = None if found is None or len(found) != 1 else found["details"]
    if not isinstance(details, list) or len(details) > MAX_DETAILS:
        return []
    return details


def _render(details: Sequence[Json]) -> str:
    return json.dumps(details, separators=(",", ":"), ensure_ascii=False)


def _part(wanted: Json, whole: Json) -> Json:
    """Give the part of one detail that was requested; None if it is not a part."""
    if not isinstance(wanted, dict) or not isinstance(whole, dict):
        return None
    # A member that is missing may mean everything.
    if wanted.keys() != whole.keys():
        return None
    part = {name: _less(name, wanted[name], value) for name, value in whole.items()}
    return None if None in part.values() else part


def _less(name: str, wanted: Json, value: Json) -> Json:
    if wanted == value:
        return value
    if name not in _ALLOWING or not isinstance(value, list):
        return None
    if not isinstance(wanted, list) or any(each not in value for each in wanted):
        return None
    return [each for each in value if each in wanted] or None


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
