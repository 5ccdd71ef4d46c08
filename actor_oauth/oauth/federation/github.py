"""Identifying a user at GitHub, which has no ID tokens: three API documents."""

from typing import Final

from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.identity import MAX_ORGANISATIONS, Identity
from actor_oauth.oauth.json_values import Json, get_text, parse_json_object

_MAX_LISTED: Final = 256


def decide_github_identity(
    issuer: str, *, user: bytes, emails: bytes | None, organisations: bytes | None
) -> Identity | SignInRefused:
    """Parse who the user is.

    The subject is the number of the account: logins can be changed, and taken by others.

    Args:
        issuer: The web address of GitHub.
        user: Of `/user`.
        emails: Of `/user/emails`; None if it was not fetched.
        organisations: The body of `/user/orgs`; None if it was not fetched.
    """
    members = parse_json_object(user) or {}
    number, login = members.get("id"), get_text(members, "login")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number or login is None:
        return SignInRefused(fault=SignInFault.IDENTITY_MALFORMED, detail="/user")
    return Identity(
        issuer=issuer,
        subject=str(number),
        username=login,
        name=get_text(members, "name"),
        email=_primary_email(emails),
        organisations=frozenset(_logins(organisations)),
    )


def _primary_email(body: bytes | None) -> str | None:
    for entry in _list(body):
        if entry.get("primary") is True and entry.get("verified") is True:
            email = get_text(entry, "email") or ""
            return email.lower() if "@" in email else None
    return None


def _logins(body: bytes | None) -> list[str]:
    logins = (get_text(entry, "login") for entry in _list(body)[:MAX_ORGANISATIONS])
    return [login for login in logins if login]


def _list(body: bytes | None) -> list[dict[str, Json]]:
    """Give the objects of a JSON array; none if it is something else."""
    # The parser of this project reads objects, with its limits on depth and size.
    wrapped = parse_json_object(b'{"list":' + (body or b"[]") + b"}")
    listed = (wrapped or {}).get("list")
    if not isinstance(listed, list):
        return []
    return [entry for entry in listed[:_MAX_LISTED] if isinstance(entry, dict)]
