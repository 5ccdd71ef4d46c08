"""A user's identity at another service, and the local account it leads to.

Rule 1: a user is identified by issuer and subject, and nothing else. Names and e-mail
addresses are reassigned: today's holder may not be yesterday's (G-15).
Rule 2: each such pair gets its own account, and is linked to another account only by a
user who is signed in there. Equal e-mail addresses link nothing.
Rule 3: an e-mail address counts only if the service says that it is verified.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.id_tokens import SKEW
from actor_oauth.oauth.federation.providers import (
    ENTRA,
    GOOGLE,
    Admission,
    ProviderKind,
)
from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.signed_jwt import claimed_moment

MAX_SUBJECT_LENGTH: Final = 200
MAX_ORGANISATIONS: Final = 256
_MAX_TEXT: Final = 256
_METHODS: Final = 8
_METHOD: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_GOOGLE_MAIL: Final = ("@gmail.com", "@googlemail.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user at another service.

    Attributes:
        issuer: Of the service.
        subject: Never used again for another person.
        username: What they are called there, or None.
        name: For people, or None.
        email: Verified by the service, in lower case; None if there is no verified one.
        organisations: Of which they are a member.
        authenticated_at: When they last proved there who they are, in Unix seconds; None
            if the service does not say.
        methods: How, in the words of RFC 8176.
    """

    issuer: str
    subject: str
    username: str | None = None
    name: str | None = None
    email: str | None = None
    organisations: frozenset[str] = frozenset()
    authenticated_at: int | None = None
    methods: tuple[str, ...] = ()


def decide_admission(
    identity: Identity, admission: Admission, *, kind: ProviderKind
) -> SignInRefused | None:
    """Decide whether a user may sign in; None if so."""
    admitted = (
        admission.everyone
        or not admission.users.isdisjoint(_names(identity, kind))
        or _domain(identity.email) in admission.domains
        or not admission.organisations.isdisjoint(identity.organisations)
    )
    if admitted:
        return None
    return SignInRefused(fault=SignInFault.NOT_ADMITTED, detail=identity.subject)


def identity_from_claims(
    issuer: str, claims: Mapping[str, Json], *, organisation_claim: str
) -> Identity | SignInRefused:
    """Parse a user's identity from the claims of an ID token or of userinfo.

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
    return replace(
        identity,
        username=identity.username or more.username,
        name=identity.name or more.name,
        email=identity.email or more.email,
        organisations=identity.organisations | more.organisations,
    )


def since(identity: Identity, begun_at: int) -> Identity:
    """Give an identity as of a sign-in: who proved it in its course has done so now.

    The service's clock may be off by as much as its tokens' times may.

    Args:
        identity: As the service says.
        begun_at: When the sign-in began, in Unix seconds here.
    """
    time = identity.authenticated_at
    lately = time is not None and time >= begun_at - SKEW
    return replace(identity, authenticated_at=None) if lately else identity


def is_subject(text: str) -> bool:
    """Tell whether a text can be a subject: printable, and not too long for a name."""
    return 0 < len(text) <= MAX_SUBJECT_LENGTH and text.isascii() and text.isprintable()


def _identity(
    issuer: str, subject: str, claims: Mapping[str, Json], organisation_claim: str
) -> Identity:
    email = get_text(claims, "email") if _vouches(issuer, claims) else None
    return Identity(
        issuer=issuer,
        subject=subject,
        username=_short(get_text(claims, "preferred_username")),
        name=_short(get_text(claims, "name")),
        email=_email(email),
        organisations=frozenset(_texts(claims.get(organisation_claim))),
        authenticated_at=_moment(claims),
        methods=tuple(filter(_METHOD.fullmatch, _texts(claims.get("amr"))))[:_METHODS],
    )


def _vouches(issuer: str, claims: Mapping[str, Json]) -> bool:
    """Tell whether a service says that an address is the person's, and can know it.

    Google once verified the address of an account elsewhere; the mailbox may have
    changed hands since. Of its own and of a Workspace it knows. Entra says it in a claim
    of its own, which has to be configured.
    """
    if issuer.startswith(ENTRA):
        return claims.get("xms_edov") in (True, "1", "true")
    if claims.get("email_verified") is not True:
        return False
    if issuer != GOOGLE:
        return True
    own = (get_text(claims, "email") or "").lower().endswith(_GOOGLE_MAIL)
    return own or bool(get_text(claims, "hd"))


def _moment(claims: Mapping[str, Json]) -> int | None:
    try:
        return claimed_moment(claims, "auth_time")
    except ValueError:
        return None


def _names(identity: Identity, kind: ProviderKind) -> Iterator[str]:
    yield identity.subject
    # A name that people choose may be anything elsewhere: an address, another's subject
    # (OpenID Connect Core §5.7). At GitHub it is theirs alone, and no number.
    login = identity.username
    if kind is ProviderKind.GITHUB and login is not None and not login.isdigit():
        yield login
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


def _texts(value: Json) -> Iterator[str]:
    listed = value if isinstance(value, list) else [value]
    for item in listed[:MAX_ORGANISATIONS]:
        if isinstance(item, str) and item:
            yield item[:_MAX_TEXT]
