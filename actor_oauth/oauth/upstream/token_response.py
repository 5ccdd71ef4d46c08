"""The answer of another server's token endpoint (RFC 6749 §5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.upstream.failures import (
    UpstreamFailed,
    UpstreamFault,
    is_unavailable,
)

MAX_TOKEN_LENGTH: Final = 16384
MAX_LIFE: Final = 366 * 86400
"""Seconds: what a server says beyond that is no lifetime of an access token."""

CLIENT_ERRORS: Final = ("invalid_client", "unauthorized_client")
"""What says that a server does not accept this one, whatever was asked."""

_OK: Final = 200
_BAD_REQUEST: Final = 400
# What a header line may contain, without a space that could end the credentials.
_ACCESS_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_OTHER_TOKEN: Final = re.compile(r"[\x20-\x7e]+")
_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_WORD: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
# GitHub reports with status 200, in its own words, what RFC 6749 reports with 400 or
# 401.
_GITHUB_ERRORS: Final[Mapping[str, UpstreamFault]] = {
    "bad_refresh_token": UpstreamFault.GRANT_REJECTED,
    "bad_verification_code": UpstreamFault.GRANT_REJECTED,
    "incorrect_client_credentials": UpstreamFault.CLIENT_REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTokens:
    """What another server gave.

    Attributes:
        access_token: To be presented.
        refresh_token: For the next one; None if none came.
        expires_at: Of the access token, in Unix seconds; None if it is not known.
        scope: What it may be used for.
        obtained_at: When the answer arrived, in Unix seconds (I-25).
        id_token: Of OpenID Connect, not verified; None if none came.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: int | None
    scope: Scope
    obtained_at: int
    id_token: str | None = field(default=None, repr=False)


def decide_token_response(
    status: int,
    body: bytes,
    *,
    requested: Scope,
    now: int,
    retry_after: int | None = None,
) -> UpstreamTokens | UpstreamFailed:
    """Decide what an answer gives.

    A lifetime that is missing, absurd or no number is not known: then the token is used
    until it is refused. Everything else that is wrong refuses the answer.

    Args:
        status: Of the answer.
        body: Of the answer.
        requested: The scope that was asked for, which counts if none is named.
        now: When the answer arrived, in Unix seconds.
        retry_after: What the answer says about asking again, in seconds.

    Source: OAuth 2.1 §3.2.3, §3.2.4 (I-22, I-31).
    """
    if is_unavailable(status):
        fault = UpstreamFault.UNREACHABLE
        return UpstreamFailed(fault=fault, detail=str(status), retry_after=retry_after)
    members = parse_json_object(body)
    if status != _OK or members is None:
        return _refusal(status, members or {})
    access_token = _text(members, "access_token", _ACCESS_TOKEN)
    kind = get_text(members, "token_type")
    if access_token is None or kind is None:
        return _refusal(status, members)
    if kind.lower() != "bearer":
        fault = UpstreamFault.TOKEN_TYPE_UNSUPPORTED
        return UpstreamFailed(fault=fault, detail=error_word(kind))
    life = _life(members.get("expires_in"))
    return UpstreamTokens(
        access_token=access_token,
        refresh_token=_text(members, "refresh_token", _OTHER_TOKEN),
        expires_at=None if life is None else now + life,
        scope=_scope(get_text(members, "scope") or "", requested),
        obtained_at=now,
        id_token=_text(members, "id_token", _ACCESS_TOKEN),
    )


def _scope(text: str, requested: Scope) -> Scope:
    """Read what was granted; what was asked for, if that is not said."""
    names: list[str] = []
    for word in text.split(" "):
        # GitHub separates by commas. Elsewhere a name may have one, and was asked for.
        names += [word] if word in requested else word.split(",")
    return parse_scope(" ".join(filter(None, names))) or requested


def _refusal(status: int, members: Mapping[str, Json]) -> UpstreamFailed:
    error = get_text(members, "error") or ""
    fault = UpstreamFault.TOKEN_REFUSED
    if status == _OK:
        malformed = UpstreamFault.TOKEN_RESPONSE_MALFORMED
        fault = _GITHUB_ERRORS.get(error, malformed)
    elif status == _BAD_REQUEST and error == "invalid_grant":
        fault = UpstreamFault.GRANT_REJECTED
    elif error in CLIENT_ERRORS:
        fault = UpstreamFault.CLIENT_REJECTED
    return UpstreamFailed(fault=fault, detail=f"{status} {error_word(error)}")


def error_word(text: str) -> str:
    """Give an error code for the log; nothing that is none, which may be anything."""
    return text if _WORD.fullmatch(text) else ""


def _text(
    members: Mapping[str, Json], name: str, grammar: re.Pattern[str]
) -> str | None:
    text = get_text(members, name) or ""
    fits = len(text) <= MAX_TOKEN_LENGTH and grammar.fullmatch(text)
    return text if fits else None


def _life(value: Json) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A number too large for a float, such as 1e400, is infinite.
    return int(value) if 0 < value <= MAX_LIFE else None
