"""Signing in: the form, and how the request that led there continues."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from actor_oauth.actors.authorization_server import LoginRefused
from actor_oauth.http.browser import (
    TICKET_LIFETIME,
    Misplaced,
    Next,
    Ticket,
    is_browser_mark,
    new_browser_mark,
    open_ticket,
    seal_ticket,
)
from actor_oauth.http.consent import go_on
from actor_oauth.http.departure import tell
from actor_oauth.http.display import display_text
from actor_oauth.http.following import to_own_sign_in
from actor_oauth.http.page import Answer, Cookie, Move, Page, PageKind, message
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.authorization_answer import AuthorizationError
from actor_oauth.oauth.interaction import Interaction
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.reasons import Reason

MAX_USERNAME_LENGTH = 256
MAX_PASSWORD_LENGTH = 1024

_MISPLACED = (
    "This page was opened twice at once. Please sign in once more. "
    "If that does not help, allow cookies for this site."
)
_WRONG = "That username and password do not match."
_PURPOSES: Final[Mapping[Next, str]] = {
    Next.AUTHORIZE: "to continue",
    Next.ACCOUNT: "to manage your connected applications",
    Next.DEVICE: "to connect a device",
    Next.CONNECT: "to connect a service",
    Next.LINK: "to manage your connected applications",
}


async def show_login(site: Site, visit: Visit) -> Answer:
    """`GET /login`: the form, on the way to the account page."""
    if await signed_in(site, visit) is not None:
        return Move(location=site.addresses.base + "/account")
    return sign_in_page(site, visit, new_ticket(site, then=Next.ACCOUNT))


async def submit_login(site: Site, visit: Visit) -> Answer:
    """`POST /login`: check the password, open a new session, continue as sealed.

    A session that the browser brought along is closed, and a new one opened: nobody
    can make a victim use a session that was known before (C-11).
    """
    text = visit.parameters.get("ticket") or ""
    browser = visit.cookies.get(site.browser_cookie)
    now = site.clock.now()
    ticket = open_ticket(text, browser=browser, sealer=site.server, now=now)
    if ticket is None:
        return expired(site)
    if isinstance(ticket, Misplaced):
        return await _again(site, visit, ticket.ticket, problem=_MISPLACED)
    seconds = site.logins.take(visit.caller, now=now)
    if seconds:
        return await _again(site, visit, ticket, problem=_WRONG, wait=seconds)
    username, password = _credentials(visit.parameters)
    entered = (
        LoginRefused(retry_after=None)
        if not username or not password or not site.options.has_passwords
        else await site.server.log_in(username, password)
    )
    if isinstance(entered, LoginRefused):
        wait = entered.retry_after
        return await _again(site, visit, ticket, problem=_WRONG, wait=wait)
    earlier = visit.cookies.get(site.session_cookie)
    if earlier is not None:
        await site.server.log_out(earlier)
    return await resume(site, ticket, cookie=entered)


def new_ticket(site: Site, *, then: Next, query: bytes = b"") -> Ticket:
    """A ticket that starts now."""
    return Ticket(then=then, query=query, expires_at=site.clock.now() + TICKET_LIFETIME)


def sign_in_page(
    site: Site,
    visit: Visit,
    ticket: Ticket,
    *,
    client_name: str | None = None,
    username: str = "",
    problem: str | None = None,
    status: int = 200,
    retry_after: int | None = None,
) -> Answer:
    """The sign-in form, bound to this browser, which is marked if it was not.

    Args:
        site: Ours.
        visit: Whose browser it is.
        ticket: What follows.
        client_name: Who wants the person to sign in, if it is not the person.
        username: Filled in already.
        problem: Why the form is shown again.
        status: The HTTP status.
        retry_after: Seconds for `Retry-After`.

    Returns:
        The form; or a redirect to the application's own, if it has one.
    """
    if site.own_identity is not None:
        return to_own_sign_in(site, site.own_identity, visit, ticket)
    browser = visit.cookies.get(site.browser_cookie)
    cookies: tuple[Cookie, ...] = ()
    if browser is None or not is_browser_mark(browser):
        browser = new_browser_mark(site.entropy.token_bytes(32))
        cookies = (Cookie(name=site.browser_cookie, value=browser),)
    values = {
        "ticket": seal_ticket(ticket, browser=browser, sealer=site.server),
        "client_name": client_name,
        "purpose": _PURPOSES[ticket.then],
        "username": display_text(username, MAX_USERNAME_LENGTH),
        "problem": problem,
        "has_passwords": site.options.has_passwords,
        "services": _services(site),
    }
    return Page(
        template="login",
        values=values,
        kind=PageKind.FORM,
        status=status,
        cookies=cookies,
        retry_after=retry_after,
    )


def session_cookie(site: Site, value: str) -> Cookie:
    """The cookie that holds a session, or that removes it when `value` is empty."""
    max_age = site.server.policy.lifetimes.session_absolute if value else 0
    return Cookie(name=site.session_cookie, value=value, max_age=max_age)


def _services(site: Site) -> list[dict[str, str]]:
    """The services that one can sign in with, for their buttons."""
    providers = () if site.federation is None else site.federation.policy.providers
    return [{"name": known.name, "label": known.label} for known in providers]


def _credentials(form: Parameters) -> tuple[str, str]:
    """Name and password, empty if absent or absurdly long (hashing costs)."""
    username = form.get("username") or ""
    password = form.get("password") or ""
    if len(username) > MAX_USERNAME_LENGTH or len(password) > MAX_PASSWORD_LENGTH:
        return "", ""
    return username.strip(), password


async def _again(
    site: Site, visit: Visit, ticket: Ticket, *, problem: str, wait: int | None = None
) -> Answer:
    """The form once more, saying only what an attacker may know."""
    if wait is not None:
        problem = f"Too many attempts. Please wait {wait} seconds and try again."
    page = sign_in_page(
        site,
        visit,
        ticket,
        client_name=await _client_name(site, ticket),
        username=visit.parameters.get("username") or "",
        problem=problem,
        status=403 if wait is None else 429,
        retry_after=wait,
    )
    reason = Reason.LOGIN_REFUSED if wait is None else Reason.RATE_LIMITED
    return replace(page, refused=reason) if isinstance(page, Page) else page


async def _client_name(site: Site, ticket: Ticket) -> str | None:
    parameters = parse_form(ticket.query)
    if ticket.then is not Next.AUTHORIZE or not isinstance(parameters, Parameters):
        return None
    client = await site.server.lookup_client(parameters.get("client_id") or "")
    return None if client is None else client.client_name or client.client_id


async def resume(site: Site, ticket: Ticket, *, cookie: str) -> Answer:
    """Do what the browser wanted, as the session that it now has."""
    cookies = (session_cookie(site, cookie),)
    session = await site.server.session(cookie)
    if session is None:
        return expired(site)
    if ticket.then is Next.ACCOUNT:
        location = site.addresses.base + "/account"
        return Move(location=location, after_form=True, cookies=cookies)
    if ticket.then is Next.DEVICE:
        location = f"{site.addresses.base}/device?{ticket.query.decode()}"
        return Move(location=location.rstrip("?"), after_form=True, cookies=cookies)
    if ticket.then is Next.CONNECT and site.vault is not None:
        wanted = f"login?{ticket.query.decode()}" if ticket.query else "connections"
        location = f"{site.vault.policy.base_url}/{wanted}"
        return Move(location=location, after_form=True, cookies=cookies)
    who = SignedIn(session=session, cookie=cookie)
    presented_at = ticket.expires_at - TICKET_LIFETIME
    # Validated again: the client may have been changed or deleted in between.
    request = await site.server.parse_auth_request(
        ticket.query.decode(), signed_in=True, presented_at=presented_at
    )
    if isinstance(request, AuthorizationError):
        return tell(request, cookies=cookies, after_form=True)
    needed = await site.server.required_interaction(
        request, who.sign_in, presented_at=presented_at
    )
    if isinstance(needed, AuthorizationError):
        return tell(needed, cookies=cookies, after_form=True)
    if needed is Interaction.SIGN_IN:
        return replace(_not_anew(), cookies=cookies)
    return await go_on(site, who, request, needed, cookies=cookies, after_form=True)


def _not_anew() -> Page:
    """Report that another service did not ask the user, though it was required to."""
    return message(
        "Please sign in there once more",
        "The application wants you to prove anew who you are, and the other service did "
        "not ask you to.",
        status=403,
        code="sign_in_too_old",
        hint="Sign out at the other service, then start again from the application.",
    )


def expired(site: Site) -> Page:
    """Tell that a form is too old, or was another browser's."""
    return message(
        "This page has expired",
        "It waited too long, or was opened in another browser.",
        symbol="",
        picture="clock",
        hint="Start again from the application, or sign in anew.",
        link={"url": site.addresses.base + "/login", "label": "Sign in"},
    )
