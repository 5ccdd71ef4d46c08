"""Signing in with another service: the button, the callback, and the linked accounts."""

from collections.abc import Sequence

from actor_oauth.http.browser import (
    TICKET_LIFETIME,
    Misplaced,
    Next,
    Ticket,
    csrf_token,
    new_browser_mark,
    open_ticket,
    seal_ticket,
)
from actor_oauth.http.departure import departure
from actor_oauth.http.display import tone
from actor_oauth.http.form_sender import form_sender
from actor_oauth.http.login import expired, new_ticket, resume, sign_in_page
from actor_oauth.http.page import Answer, Cookie, Move, Page, PageKind, message
from actor_oauth.http.page_route import PageRoute
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.authorization_answer import AuthorizationError
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.wishes import NO_WISHES, Wishes, wishes_of
from actor_oauth.upstream.federation import Federation, FinishedSignIn

_BUSY = frozenset((SignInFault.UPSTREAM_BUSY, SignInFault.TOO_MANY))
_LINK = "link-identity"
_UNLINK = "unlink-identity"


def federation_pages(site: Site) -> Sequence[PageRoute]:
    """Give the pages; none if no service is configured."""
    if site.federation is None:
        return ()
    return (
        PageRoute("/login/with/<name>", "POST", submit_with),
        PageRoute("/login/callback/<name>", "GET", show_callback),
        PageRoute("/account/sign-ins", "GET", show_sign_ins),
        PageRoute("/account/sign-ins", "POST", submit_unlink),
        PageRoute("/account/sign-ins/<name>", "POST", submit_link),
    )


async def submit_with(site: Site, visit: Visit) -> Answer:
    """`POST /login/with/…`: go to a service, to come back as who one is there."""
    browser = visit.cookies.get(site.browser_cookie)
    now = site.clock.now()
    text = visit.parameters.get("ticket") or ""
    ticket = open_ticket(text, browser=browser, sealer=site.server, now=now)
    if ticket is None:
        return expired(site)
    if isinstance(ticket, Misplaced):
        return sign_in_page(site, visit, ticket.ticket, status=403)
    return await _leave(site, visit, ticket, browser=browser or "")


async def show_callback(site: Site, visit: Visit) -> Answer:
    """`GET /login/callback/…`: the browser is back from a service."""
    federation = _federation(site)
    browser = visit.cookies.get(site.browser_cookie) or ""
    finished = await federation.finish(
        visit.segments["name"], visit.parameters, browser=browser
    )
    # It was alive when the sign-in began, which has a limit of its own.
    ticket = open_ticket(
        finished.data or "", browser=browser, sealer=site.server, now=0
    )
    if isinstance(finished, SignInRefused):
        cancelled = finished.fault is SignInFault.DENIED
        if cancelled and isinstance(ticket, Ticket) and ticket.then is not Next.LINK:
            # There are other ways to sign in, and the request continues after any of
            # them.
            return sign_in_page(
                site, visit, ticket, problem=finished.fault.text, status=403
            )
        return _refused(site, finished)
    if not isinstance(ticket, Ticket):
        return expired(site)
    if ticket.then is Next.LINK:
        return await _link(site, visit, finished)
    entered = await federation.sign_in(finished)
    if isinstance(entered, SignInRefused):
        return _refused(site, entered)
    earlier = visit.cookies.get(site.session_cookie)
    if earlier is not None:
        await site.server.log_out(earlier)
    return await resume(site, ticket, cookie=entered)


async def show_sign_ins(site: Site, visit: Visit) -> Answer:
    """`GET /account/sign-ins`: which services lead to this account."""
    who = await signed_in(site, visit)
    if who is None:
        return sign_in_page(site, visit, new_ticket(site, then=Next.ACCOUNT))
    return await _sign_ins_page(site, who)


async def submit_link(site: Site, visit: Visit) -> Answer:
    """`POST /account/sign-ins/…`: connect an account at a service to this one."""
    who = await form_sender(site, visit, _LINK)
    if not isinstance(who, SignedIn):
        return who
    browser, cookies = visit.cookies.get(site.browser_cookie), ()
    ticket = new_ticket(site, then=Next.LINK)
    if browser is None:
        browser = new_browser_mark(site.entropy.token_bytes(32))
        mark = Cookie(name=site.browser_cookie, value=browser)
        return await _leave(site, visit, ticket, browser=browser, cookies=(mark,))
    return await _leave(site, visit, ticket, browser=browser, cookies=cookies)


async def submit_unlink(site: Site, visit: Visit) -> Answer:
    """`POST /account/sign-ins`: end a connection, so that it leads here no more."""
    issuer = visit.parameters.get("issuer") or ""
    subject = visit.parameters.get("subject") or ""
    who = await form_sender(site, visit, _UNLINK, issuer, subject)
    if not isinstance(who, SignedIn):
        return who
    user_id = who.session.user_id
    await _federation(site).unlink(user_id, issuer, subject)
    return Move(location=site.addresses.base + "/account/sign-ins", after_form=True)


async def _leave(
    site: Site,
    visit: Visit,
    ticket: Ticket,
    *,
    browser: str,
    cookies: tuple[Cookie, ...] = (),
) -> Answer:
    seconds = site.logins.take(visit.caller, now=site.clock.now())
    if seconds:
        return message(
            "Too many attempts",
            f"Please wait {seconds} seconds and try again.",
            status=429,
            picture="clock",
            retry_after=seconds,
        )
    data = seal_ticket(ticket, browser=browser, sealer=site.server)
    outward = await _federation(site).begin(
        visit.segments["name"],
        browser=browser,
        data=data,
        wishes=await _wishes(site, ticket),
    )
    if isinstance(outward, SignInRefused):
        return _refused(site, outward)
    heading = f"Continuing to {outward.label}"
    return departure(outward.url, outward.url, heading=heading, cookies=cookies)


async def _wishes(site: Site, ticket: Ticket) -> Wishes:
    if ticket.then is not Next.AUTHORIZE:
        return NO_WISHES
    request = await site.server.parse_auth_request(
        ticket.query.decode(), presented_at=ticket.expires_at - TICKET_LIFETIME
    )
    # Errors in it are reported when the user has returned, as for any sign-in.
    return NO_WISHES if isinstance(request, AuthorizationError) else wishes_of(request)


async def _link(site: Site, visit: Visit, finished: FinishedSignIn) -> Answer:
    who = await signed_in(site, visit)
    if who is None:
        return sign_in_page(site, visit, new_ticket(site, then=Next.ACCOUNT))
    refused = await _federation(site).link(finished, who.session.user_id)
    if refused is not None:
        return _refused(site, refused)
    return Move(location=site.addresses.base + "/account/sign-ins")


async def _sign_ins_page(site: Site, who: SignedIn) -> Page:
    federation, user_id = _federation(site), who.session.user_id
    known = await federation.identities(user_id)
    connected = [
        {
            "service": _label(federation, identity.provider),
            "tone": tone(identity.provider),
            "label": identity.label,
            "linked_at": identity.linked_at,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "csrf": csrf_token(who.cookie, _UNLINK, identity.issuer, identity.subject)
            if federation.own_user_id(identity.issuer, identity.subject) != user_id
            else None,
        }
        for identity in known
    ]
    values = {
        "user_id": who.session.label,
        "connected": connected,
        "services": [
            {
                "name": provider.name,
                "label": provider.label,
                "again": any(one.provider == provider.name for one in known),
            }
            for provider in federation.policy.providers
        ],
        "csrf_link": csrf_token(who.cookie, _LINK),
    }
    return Page(template="sign_ins", values=values, kind=PageKind.FORM)


def _label(federation: Federation, name: str) -> str:
    provider = federation.policy.provider(name)
    return name if provider is None else provider.label


def _federation(site: Site) -> Federation:
    # These pages are not there without it.
    assert site.federation is not None
    return site.federation


def _refused(site: Site, refused: SignInRefused) -> Page:
    busy = refused.fault in _BUSY
    return message(
        "You are not signed in",
        refused.fault.text,
        status=503 if busy else 403,
        code=str(refused.fault),
        hint="Try again in a moment."
        if busy
        else "Start again, or sign in in another way.",
        link={"url": site.addresses.base + "/login", "label": "Sign in"},
        retry_after=5 if busy else None,
    )
