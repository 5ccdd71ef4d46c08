"""Untrusted text, made safe to read for a user who has to decide.

Escaping for HTML is the template's; here goes what escaping leaves: characters that
draw nothing, turn the direction of writing, or push the rest out of sight (J-09).
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from actor_oauth.oauth.uris import parse_uri, parse_web_url

_TONES = 6
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# After this a date says more than a number of days.
_RECENT_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a redirect URI leads, described for people.

    Attributes:
        label: The host, or the scheme of a private-use URI.
        note: An explanation, or None.
        loopback: Whether it is a program on the person's own machine.
    """

    label: str
    note: str | None
    loopback: bool


def display_text(text: str, limit: int = 80) -> str:
    """Strip what cannot be seen, fold white space, and shorten.

    Control, format (bidi overrides and isolates, zero-width), private and unassigned
    characters go; so do all but three combining marks in a row.
    """
    seen: list[str] = []
    marks = 0
    for character in text[: limit * 8]:
        category = unicodedata.category(character)
        if category[0] == "Z" or character in "\t\r\n":
            character = " "  # noqa: PLW2901 - folded below
        elif category in _UNSEEN:
            continue
        marks = marks + 1 if category[0] == "M" else 0
        if marks <= 3:
            seen.append(character)
    folded = " ".join("".join(seen).split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def initial(name: str) -> str:
    """The letter or digit shown in the avatar of `name`."""
    letters = (letter for letter in display_text(name) if letter.isalnum())
    return next(letters, "?").upper()[:1]


def tone(identifier: str) -> int:
    """A colour number that stays the same for the same identifier."""
    return crc32(identifier.encode()) % _TONES


def destination(redirect_uri: str) -> Destination:
    """Say where a (validated) redirect URI leads (C-13)."""
    uri = parse_uri(redirect_uri)
    if uri is not None and uri.is_loopback:
        return Destination(
            label=uri.host or "", note="a program on this device", loopback=True
        )
    if uri is not None and uri.scheme in {"https", "http"} and uri.host:
        return Destination(label=uri.host.lower(), note=None, loopback=False)
    scheme = "?" if uri is None else uri.scheme
    return Destination(
        label=f"{scheme}:", note="an application on this device", loopback=False
    )


def web_host(url: str) -> str | None:
    """The host of an http(s) URL; None for anything else."""
    uri = parse_web_url(url)
    return None if uri is None or uri.host is None else uri.host.lower()


def day(seconds: int) -> str:
    """A date as text, in UTC: `3 November 2026`."""
    date = datetime.fromtimestamp(seconds, UTC)
    return f"{date.day} {date:%B %Y}"


def since(then: int, now: int) -> str:
    """How long ago something was: `5 minutes ago`, and the date once it is long."""
    age = max(0, now - then)
    if age > _RECENT_DAYS * _DAY:
        return f"on {day(then)}"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count = age // unit
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
