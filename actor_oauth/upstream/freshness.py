"""How long a response stays fresh by its headers (RFC 9111 §4.2, §5.2)."""

from collections.abc import Sequence
from typing import Final

_MAX_DIGITS: Final = 10
_NEVER: Final = frozenset(("no-store", "no-cache", "private"))


def fresh_for(cache_control: Sequence[str], age: str | None) -> int | None:
    """Give the seconds that an answer stays fresh from now.

    Args:
        cache_control: The lines of that header.
        age: The header's value: how long caches on the way have stored the response.

    Returns:
        None if the answer says nothing that can be understood; 0 for one that is not
        to be kept.
    """
    directives: dict[str, str] = {}
    for directive in ",".join(cache_control).split(","):
        name, _, value = directive.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    if not _NEVER.isdisjoint(directives):
        return 0
    # This server keeps the answer for everybody, as a shared cache does.
    stated = _seconds(directives.get("s-maxage"))
    if stated is None:
        stated = _seconds(directives.get("max-age"))
    return None if stated is None else max(0, stated - (_seconds(age) or 0))


def _seconds(text: str | None) -> int | None:
    text = (text or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        return None
    return int(text)
