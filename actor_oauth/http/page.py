"""What a page's code answers with, and the headers that each kind of page carries.

Two traps are settled here once for all pages:

* `form-action 'self'` also stops redirects that follow a form (Chromium checks every
  hop), so a form is never answered with a redirect to another origin, but with a page
  that goes there by itself (J-02).
* `Referrer-Policy: no-referrer` makes browsers send `Origin: null` with a form, so pages
  with forms say `same-origin` (J-05).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from actor_oauth.oauth.pictures import Picture
from actor_oauth.oauth.wire import Reason

_CONTENT_SECURITY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; "
)
_EVERYWHERE = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class PageKind(Enum):
    """What a page may do. No kind sets an opener policy: popups are used (J-11)."""

    FORM = (
        _CONTENT_SECURITY + "script-src 'self'; form-action 'self'",
        "same-origin",
    )
    NOTICE = (_CONTENT_SECURITY + "form-action 'none'", "no-referrer")
    PICTURE = ("default-src 'none'; sandbox; frame-ancestors 'none'", "no-referrer")

    def __init__(self, content_security: str, referrer: str) -> None:
        self.headers: Mapping[str, str] = {
            **_EVERYWHERE,
            "Content-Security-Policy": content_security,
            "Referrer-Policy": referrer,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie to set.

    Attributes:
        name: See `Addresses.cookie_name`.
        value: Empty to remove the cookie.
        max_age: Seconds; None until the browser closes.
    """

    name: str
    value: str = field(repr=False)
    max_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page to render.

    Attributes:
        template: The name of the template, without its suffix.
        values: What the template shows.
        kind: Decides the security headers.
        status: The HTTP status.
        cookies: To set.
        retry_after: Seconds for `Retry-After`, or None for no header.
        refused: Why something was refused, unless the server that decided it has noted
            it already.
    """

    template: str
    values: Mapping[str, object]
    kind: PageKind = PageKind.NOTICE
    status: int = 200
    cookies: tuple[Cookie, ...] = ()
    retry_after: int | None = None
    refused: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A redirect.

    Attributes:
        location: Where to. May hold a code: it is never logged.
        after_form: Whether a form is answered: then 303, so that no method or body is
            repeated, and only to our own origin; else 302 (C-19).
        cookies: To set.
    """

    location: str = field(repr=False)
    after_form: bool = False
    cookies: tuple[Cookie, ...] = ()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 303 if self.after_form else 302


@dataclass(frozen=True, slots=True)
class Image:
    """An image from elsewhere, to be shown on a page of ours (B-15).

    Attributes:
        picture: Known to be one.
    """

    picture: Picture


Answer = Page | Move | Image


def message(
    heading: str,
    text: str,
    *,
    status: int = 400,
    symbol: str = "bad",
    picture: str = "alert",
    hint: str | None = None,
    code: str | None = None,
    link: Mapping[str, str] | None = None,
    retry_after: int | None = None,
    cookies: tuple[Cookie, ...] = (),
    refused: Reason | None = None,
) -> Page:
    """A page that only says something.

    Args:
        heading: In three words or so.
        text: What happened.
        status: The HTTP status.
        symbol: `bad`, `good`, or empty for neither.
        picture: An icon of `parts.html`.
        hint: What to do now.
        code: An error code for the developer of the client.
        link: `url` and `label` of a way out.
        retry_after: Seconds for `Retry-After`.
        cookies: To set.
        refused: See `Page`.
    """
    values = {
        "heading": heading,
        "text": text,
        "symbol": symbol,
        "picture": picture,
        "hint": hint,
        "code": code,
        "link": link,
    }
    return Page(
        template="message",
        values=values,
        status=status,
        retry_after=retry_after,
        cookies=cookies,
        refused=refused,
    )


def already_answered() -> Page:
    """Say that a consent was given, denied, or waited for too long (C-15)."""
    return message(
        "Already answered",
        "This request was answered before, or it waited too long.",
        status=410,
        symbol="",
        picture="clock",
        hint="If the application still waits, start again from there.",
        refused=Reason.CONSENT_ANSWERED,
    )


def unavailable(retry_after: int | None) -> Page:
    """Say that the server is busy, and that nothing is wrong with the request."""
    return message(
        "Please try again",
        "The server is busy right now. Nothing is wrong with your request.",
        status=503,
        symbol="",
        picture="clock",
        hint="Reload this page in a moment.",
        retry_after=retry_after,
    )


def not_from_here() -> Page:
    """Refuse a form that was not shown by us to this browser (J-04)."""
    return message(
        "This form is not valid",
        "It was not opened here, or you signed in again since.",
        status=403,
        hint="Go back, reload the page, and try once more.",
        refused=Reason.FORM_FOREIGN,
    )


def broken() -> Page:
    """Say that the fault is ours."""
    return message(
        "Something went wrong",
        "The fault is on our side. It has been noted.",
        status=500,
        code="server_error",
    )
