"""Who somebody is elsewhere, and what that makes of them here.

Rule 1: a person is an issuer and a subject, and nothing else. Names and e-mail addresses
change hands: whoever has one today is not who had it yesterday (G-15).
Rule 2: an account is made for each such pair, and connected to another account only by
somebody who is signed in there. Equal e-mail addresses connect nothing.
Rule 3: an e-mail address counts only if the service says that it is verified.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.providers import Admission
from actor_oauth.oauth.json_values import Json, get_text, parse_json_object

MAX_SUBJECT_LENGTH: Final = 200
MAX_ORGANISATIONS: Final = 256
_MAX_TEXT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody at another service.

    Attributes:
        issuer: Of the service.
        subject: Never used again for another person.
        username: What they are called there, or None.
        name: For people, or None.
        email: Verified by the service, in lower case; None if there is no such one.
        organisations: Of which they are a member.
    """

    issuer: str
    subject: str
    username: str | None = None
    name: str | None = None
    email: str | None = None
    organisations: frozenset[str] = frozenset()


def decide_admission(identity: Identity, admission: Admission) -> SignInRefused | None:
    """Decide whether somebody may sign in; None if so."""
    admitted = (
        admission.everyone
        or not admission.users.isdisjoint(_names(identity))
        or _domain(identity.email) in admission.domains
        or not admission.organisations.isdisjoint(identity.organisations)
    )
    if admitted:
        return None
    return SignInRefused(fault=SignInFault.NOT_ADMITTED, detail=identity.subject)


def identity_from_claims(
    issuer: str, claims: Mapping[str, Json], *, organisation_claim: str
) -> Identity | SignInRefused:
    """Read who somebody is from the claims of an ID token or of userinfo.

    Args:
        issuer: Whose claims they are; they have been verified.
        claims: OpenID Connect Core §5.1.
        organisation_claim: The claim that lists organisations, or names one.
    """
    subject = get_text(claims, "sub") or ""
    if not is_subject(subject):
        return SignInRefused(fault=SignInFault.IDENTITY_MALFORMED, detail="sub")
    return _identity(issuer, subject, claims, organisation_claim)


def with_userinfo(
    identity: Identity, body: bytes, *, organisation_claim: str
) -> Identity | SignInRefused:
    """Add what the userinfo endpoint says, if it is about the same person.

    Source: OpenID Connect Core §5.3.4.
    """
    claims = parse_json_object(body)
    if claims is None or claims.get("sub") != identity.subject:
        return SignInRefused(fault=SignInFault.IDENTITY_MALFORMED, detail="userinfo")
    more = _identity(identity.issuer, identity.subject, claims, organisation_claim)
    return Identity(
        issuer=identity.issuer,
        subject=identity.subject,
        username=identity.username or more.username,
        name=identity.name or more.name,
        email=identity.email or more.email,
        organisations=identity.organisations | more.organisations,
    )


def is_subject(text: str) -> bool:
    """Tell whether a text can be a subject: printable, and not too long for a name."""
    return 0 < len(text) <= MAX_SUBJECT_LENGTH and text.isascii() and text.isprintable()


def _identity(
    issuer: str, subject: str, claims: Mapping[str, Json], organisation_claim: str
) -> Identity:
    email = get_text(claims, "email") if claims.get("email_verified") is True else None
    return Identity(
        issuer=issuer,
        subject=subject,
        username=_short(get_text(claims, "preferred_username")),
        name=_short(get_text(claims, "name")),
        email=_email(email),
        organisations=frozenset(_organisations(claims.get(organisation_claim))),
    )


def _names(identity: Identity) -> Iterator[str]:
    yield identity.subject
    if identity.username is not None:
        yield identity.username
    if identity.email is not None:
        yield identity.email


def _domain(email: str | None) -> str | None:
    return None if email is None else email.rpartition("@")[2]


def _email(text: str | None) -> str | None:
    text = (text or "").strip().lower()
    local, at, domain = text.rpartition("@")
    fits = len(text) <= _MAX_TEXT and text.isascii() and text.isprintable()
    return text if fits and at and local and domain and "@" not in local else None


def _short(text: str | None) -> str | None:
    return text[:_MAX_TEXT] if text else None


def _organisations(value: Json) -> Iterator[str]:
    listed = value if isinstance(value, list) else [value]
    for item in listed[:MAX_ORGANISATIONS]:
        if isinstance(item, str) and item:
            yield item[:_MAX_TEXT]
