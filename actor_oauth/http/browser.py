"""What ties a form to the browser it was shown in.

Two proofs, neither of which needs anything stored on the server:

* Before sign-in there is no session, so a random cookie marks the browser, and the
  sign-in form carries a *ticket*: what to do after sign-in, sealed under the server's
  key together with a hash of that cookie. Nobody can make a browser sign in with a
  ticket of another browser (login CSRF), and an authorization request waits in the
  browser, not on the server (C-22).
* After sign-in every form carries a MAC of what it is for, keyed by the session cookie,
  which scripts cannot read and no other site can guess (J-04).
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

TICKET_LIFETIME = 600
"""Seconds in which the user must have signed in."""

_PURPOSE = "sign-in ticket"
_BROWSER_BYTES = 32
_BROWSER_LENGTH = 43


class Next(StrEnum):
    """What follows a successful sign-in."""

    AUTHORIZE = "authorize"
    ACCOUNT = "account"
    DEVICE = "device"
    CONNECT = "connect"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a browser that is not signed in wanted.

    Attributes:
        then: What follows.
        query: The authorization request as it came, for `Next.AUTHORIZE`. It is
            validated again when it is used. For `Next.DEVICE` the code, if there was one,
            for `Next.CONNECT` what to connect, or nothing to see what is connected.
        expires_at: UnixSeconds.
    """

    then: Next
    query: bytes = b""
    expires_at: int


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A genuine ticket in a browser that it was not given to.

    Usually a browser that opened two tabs at once, before it had a mark. The ticket
    cannot be used to sign in, but its request can be made again.
    """

    ticket: Ticket


class Sealer(Protocol):
    """Authenticated encryption for state that a browser holds."""

    def seal(self, purpose: str, data: bytes) -> str:
        """Encrypt into url-safe text."""
        ...

    def unseal(self, purpose: str, text: str) -> bytes | None:
        """Decrypt; None if this server did not seal `text` for this purpose."""
        ...


def new_browser_mark(fresh: bytes) -> str:
    """The value of the cookie that marks a browser, from 32 random bytes."""
    return urlsafe_b64encode(fresh[:_BROWSER_BYTES]).rstrip(b"=").decode()


def is_browser_mark(value: str | None) -> bool:
    """Whether a cookie value has the form that `new_browser_mark` gives."""
    return value is not None and len(value) == _BROWSER_LENGTH and value.isascii()


def seal_ticket(ticket: Ticket, *, browser: str, sealer: Sealer) -> str:
    """Bind a ticket to the browser marked `browser`."""
    record = {
        "then": ticket.then,
        "query": urlsafe_b64encode(ticket.query).decode(),
        "until": ticket.expires_at,
        "browser": _browser_hash(browser),
    }
    return sealer.seal(_PURPOSE, json.dumps(record, separators=(",", ":")).encode())


def open_ticket(
    text: str, *, browser: str | None, sealer: Sealer, now: int
) -> Ticket | Misplaced | None:
    """Read a ticket.

    Returns:
        None if it is forged or expired; Misplaced if it is another browser's.
    """
    plain = sealer.unseal(_PURPOSE, text)
    if plain is None:
        return None
    record = json.loads(plain)
    ticket = Ticket(
        then=Next(record["then"]),
        query=urlsafe_b64decode(record["query"]),
        expires_at=record["until"],
    )
    if now >= ticket.expires_at:
        return None
    if not hmac.compare_digest(record["browser"], _browser_hash(browser or "")):
        return Misplaced(ticket)
    return ticket


def csrf_token(session_cookie: str, *purpose: str) -> str:
    """The token of a form: a MAC of what it is for, under the session's secret."""
    message = "\0".join(("csrf", *purpose)).encode()
    mac = hmac.digest(session_cookie.encode(), message, "sha256")
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def csrf_matches(presented: str | None, session_cookie: str, *purpose: str) -> bool:
    """Whether a form's token is the one we gave it, in constant time."""
    expected = csrf_token(session_cookie, *purpose)
    return hmac.compare_digest((presented or "").encode(), expected.encode())


def origin_acceptable(origin: str | None, *, ours: str) -> bool:
    """Whether a form may have come from one of our pages.

    A browser too old to send `Origin` is let through: the form's token decides.
    `null`, which sandboxed documents send, is foreign.
    """
    return origin is None or origin == ours


def _browser_hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
