"""Keeps secrets out of the logs, whichever code logs them.

Two nets, because each has holes: what stands under a name that holds secrets is
dropped unseen, and what looks like a secret is cut out of any text. Both run last,
when exceptions and arguments are text already.
"""

import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from actor_oauth.oauth.tokens import TokenKind

REDACTED: Final = "[redacted]"

# Parameters of RFC 6749, 7009, 7523, 7591, 7636 and 9449, our own form fields, and the
# headers that carry credentials.
_SECRET_NAMES: Final = frozenset(
    {
        "access_token",
        "address_key",
        "assertion",
        "authorization",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "dpop",
        "handle",
        "id_token",
        "id_token_hint",
        "password",
        "password_hash",
        "props",
        "proxy_authorization",
        "refresh_token",
        "registration_access_token",
        "request_uri",
        "secret",
        "session",
        "set_cookie",
        "state",
        "subject_token",
        "token",
        "user_code",
        "device_code",
    }
)

# A token of ours, whole or cut short: `aort_…`.
_OUR_TOKEN: Final = re.compile(rf"(?:{'|'.join(TokenKind)})_[A-Za-z0-9_-]{{8,}}")
_CREDENTIALS: Final = re.compile(r"(?i)\b(basic|bearer|dpop)\s+[A-Za-z0-9._~+/=-]{8,}")
# `code=…` in a query or form, `"code": "…"` in JSON, `'code': '…'` in a repr.
_MEMBER: Final = re.compile(
    r"(?i)(?P<name>\b(?:" + "|".join(sorted(_SECRET_NAMES)) + r")\b)"
    r"(?P<between>['\"]?\s*(?:=|:)\s*b?['\"]?)"
    r"(?P<value>[^\s&'\",;}\]]{6,})"
)


def redact_text(text: str) -> str:
    """Cut what looks like a secret out of `text`."""
    text = _OUR_TOKEN.sub(lambda found: found[0][:5] + REDACTED, text)
    text = _CREDENTIALS.sub(lambda found: f"{found[1]} {REDACTED}", text)
    return _MEMBER.sub(lambda found: found["name"] + found["between"] + REDACTED, text)


def redact(value: object) -> object:
    """Give `value` without secrets, through mappings and sequences.

    What is neither text, number nor container is turned to text first: nobody knows
    what its `repr` shows.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact_text(value)
        case Mapping():
            return {
                redact_text(str(name)): _redact_member(str(name), member)
                for name, member in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [redact(member) for member in value]
        case _:
            return redact_text(repr(value))


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact a whole log record (a structlog processor)."""
    for name in list(event):
        event[name] = _redact_member(name, event[name])
    return event


def _redact_member(name: str, value: object) -> object:
    # A number or a flag under such a name (`code: 400`) is no secret.
    if name.lower().replace("-", "_") in _SECRET_NAMES and not isinstance(
        value, bool | int | float | None
    ):
        return REDACTED
    return redact(value)
