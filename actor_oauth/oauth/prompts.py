"""A client's requirements about how its user is asked (OpenID Connect Core §3.1.2.1).

Clients of plain OAuth send these too, so they are parsed whether OpenID Connect is on
or not. They influence the pages, and are never evidence about the user.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.reasons import Reason

_MAX_AGE: Final = re.compile(r"[0-9]{1,10}")


class Prompt(StrEnum):
    """A page that a client requires, even if it would not be needed.

    `NONE` forbids every page instead.
    """

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


def known_prompts(text: str | None) -> frozenset[Prompt]:
    """Read those values of a `prompt` parameter that are known here."""
    words = (text or "").split(" ")
    return frozenset(prompt for prompt in Prompt if prompt in words)


def parse_prompts(text: str | None) -> frozenset[Prompt] | Reason:
    """Read a `prompt` parameter. Values that are not known here are left out.

    Returns:
        A reason if it both requires and forbids a page.
    """
    prompts = known_prompts(text)
    if Prompt.NONE in prompts and len(prompts) > 1:
        return Reason.PROMPT_CONTRADICTORY
    return prompts


def render_prompts(prompts: Iterable[Prompt]) -> str | None:
    """Give the text that `known_prompts` reads; None for no prompts."""
    return " ".join(sorted(prompts)) or None


def parse_max_age(text: str | None) -> int | Reason | None:
    """Read a `max_age` parameter: seconds since the user last signed in, at most.

    Returns:
        None if there is no limit; a reason if it is not a number of seconds.
    """
    if text is None:
        return None
    return int(text) if _MAX_AGE.fullmatch(text) else Reason.MAX_AGE_MALFORMED
