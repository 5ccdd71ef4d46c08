"""Sign-out at a client's request (OpenID Connect RP-Initiated Logout 1.0).

The client sends the browser here, with an ID token that identifies the session. A
session ends at once if the ID token is from that very session; otherwise the user is
asked, since anybody can make a link. Grants are not affected.
"""

from actor_oauth.http.authorize import MAX_QUERY_LENGTH
from actor_oauth.http.browser import csrf_matches, csrf_token
from actor_oauth.http.departure import departure, refused_here
from actor_oauth.http.display import destination
from actor_oauth.http.login import session_cookie
from actor_oauth.http.page import (
    Answer,
    Cookie,
    Move,
    Page,
    PageKind,
    message,
    not_from_here,
)
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.logout import LogoutRequest, ends_at_once
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.wire import Reason, Refused

_PURPOSE = "end session"


async def show_end_session(site: Site, visit: Visit) -> Answer:
    """`GET /end_session`: end the session, or ask, or go where the client wants."""
    request = await site.server.parse_logout_request(visit.parameters)
    if isinstance(request, Refused):
        return refused_here(request.reason)
    who = await signed_in(site, visit)
    if who is None:
        return _gone(site, request)
    if ends_at_once(request, session=who.session.name):
        await site.server.log_out(who.cookie)
        return _gone(site, request, cookies=(session_cookie(site, ""),), asked=True)
    return _question(who, visit.query, request)


async def resend_end_session(site: Site, visit: Visit) -> Answer:
    """`POST /end_session`: the same request as a GET, which brings our session.

    The ID token gets into a URL by that, of ours: it opens nothing, and is not logged.
    """
    query = visit.query.decode("ascii")
    if len(query) > MAX_QUERY_LENGTH:
        return refused_here(Reason.FORM_TOO_LARGE)
    location = f"{site.addresses.base}/end_session?{query}"
    return Move(location=location, after_form=True)


async def submit_end_session(site: Site, visit: Visit) -> Answer:
    """`POST /end_session/confirm`: the person's answer."""
    who = await signed_in(site, visit)
    query = visit.parameters.get("request") or ""
    parameters = parse_form(query.encode())
    if not isinstance(parameters, Parameters):
        return refused_here(Reason.FORM_MALFORMED)
    request = await site.server.parse_logout_request(parameters)
    if isinstance(request, Refused):
        return refused_here(request.reason)
    if who is None:
        return _gone(site, request, after_form=True)
    if not csrf_matches(visit.parameters.get("csrf"), who.cookie, _PURPOSE, query):
        return not_from_here()
    cookies: tuple[Cookie, ...] = ()
    if visit.parameters.get("decision") == "sign-out":
        await site.server.log_out(who.cookie)
        cookies = (session_cookie(site, ""),)
    return _gone(site, request, cookies=cookies, asked=True, after_form=True)


def _gone(
    site: Site,
    request: LogoutRequest,
    *,
    cookies: tuple[Cookie, ...] = (),
    asked: bool = False,
    after_form: bool = False,
) -> Answer:
    """Where the browser goes when there is no session, or none that ended.

    Args:
        site: Ours.
        request: Says where the client wants it.
        cookies: To set with the response.
        asked: Whether the client's part in this was shown, by a session or a person.
            Else only an operator's client has the browser sent on (C-03).
        after_form: Whether a form is answered.
    """
    url = request.return_url()
    if url is None or request.redirect_uri is None:
        text = "Applications that you connected stay connected."
        login = site.addresses.base + "/login"
        return _signed_out(text, login, "Sign in again", cookies)
    if not (asked or request.is_vetted):
        label = f"Go back to {destination(request.redirect_uri).label}"
        return _signed_out("Nobody is signed in here.", url, label)
    if after_form:
        heading = "Returning to the application"
        return departure(url, request.redirect_uri, heading=heading, cookies=cookies)
    return Move(location=url, cookies=cookies)


def _question(who: SignedIn, query: bytes, request: LogoutRequest) -> Page:
    text = query.decode("ascii")
    client = request.client
    values = {
        "user_id": who.session.user_id,
        "client_name": None
        if client is None
        else client.client_name or client.client_id,
        "unverified": not request.is_vetted,
        "destination": None
        if request.redirect_uri is None
        else destination(request.redirect_uri),
        "request": text,
        "csrf": csrf_token(who.cookie, _PURPOSE, text),
    }
    return Page(template="end_session", values=values, kind=PageKind.FORM)


def _signed_out(
    text: str, url: str, label: str, cookies: tuple[Cookie, ...] = ()
) -> Page:
    return message(
        "You are signed out",
        text,
        status=200,
        symbol="good",
        picture="check",
        link={"url": url, "label": label},
        cookies=cookies,
    )
