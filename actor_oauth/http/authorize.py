"""The authorization endpoint: which client, is the request valid, which user to ask."""

from actor_oauth.http.browser import Next
from actor_oauth.http.consent import go_on
from actor_oauth.http.departure import refused_here, tell
from actor_oauth.http.following import left_at
from actor_oauth.http.login import new_ticket, sign_in_page
from actor_oauth.http.page import Answer, Move, Page, message
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.authorization_answer import AuthorizationError
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.interaction import Interaction
from actor_oauth.oauth.reasons import Reason, Refused

MAX_QUERY_LENGTH = 16384
"""Characters of a request that is sent as a form: it becomes a URL."""


async def show_authorize(site: Site, visit: Visit) -> Answer:
    """`GET /authorize`: refuse, ask to sign in, or ask for consent."""
    auto_approved = site.options.auto_approve_user
    who = await signed_in(site, visit)
    seconds = 0 if auto_approved is not None else _wait(site, visit, who)
    if seconds:
        site.server.refusals.note(
            Refused(Reason.RATE_LIMITED), "authorize", caller=visit.caller
        )
        return _throttled(seconds, at_address=who is None)
    # Back from the application's own sign-in, it is still the same request.
    presented_at = None if site.own_identity is None else left_at(site, visit)
    request = await site.server.parse_auth_request(
        visit.parameters,
        signed_in=who is not None or auto_approved is not None,
        presented_at=presented_at,
    )
    if isinstance(request, AuthorizationError):
        return tell(request)
    if auto_approved is not None:
        return await _approve_at_once(site, request, auto_approved)
    sign_in = None if who is None else who.sign_in
    needed = await site.server.required_interaction(
        request, sign_in, presented_at=presented_at
    )
    if isinstance(needed, AuthorizationError):
        return tell(needed)
    if who is None or needed is Interaction.SIGN_IN:
        return await _ask_to_sign_in(site, visit, request)
    return await go_on(site, who, request, needed)


async def resend_authorize(site: Site, visit: Visit) -> Answer:
    """`POST /authorize`: the same request as a GET.

    A form of a client's page comes without our session, whose cookie is `SameSite=Lax`;
    the navigation that a 303 causes brings it.
    """
    query = visit.query.decode("ascii")
    if len(query) > MAX_QUERY_LENGTH:
        return refused_here(Reason.FORM_TOO_LARGE, noted=False)
    location = f"{site.addresses.base}/authorize?{query}"
    return Move(location=location, after_form=True)


def _wait(site: Site, visit: Visit, who: SignedIn | None) -> int:
    """Seconds until this browser may ask again; usually 0.

    By address only where nobody is signed in: behind one address may be a whole office,
    which one program must not shut out.
    """
    now = site.clock.now()
    if who is None:
        return site.strangers.take(visit.caller, now=now)
    return site.askers.take(who.session.user_id, now=now)


def _throttled(seconds: int, *, at_address: bool) -> Page:
    """Say what to do, since nothing is wrong with the request."""
    source = "from your network" if at_address else "in your name"
    return message(
        "Please wait a moment",
        f"Very many requests to connect an application came {source} just now.",
        status=429,
        symbol="",
        picture="clock",
        hint=f"Reload this page in {seconds} seconds. Nothing is wrong with your request.",
        code=str(Reason.RATE_LIMITED),
        retry_after=seconds,
    )


async def _ask_to_sign_in(
    site: Site, visit: Visit, request: AuthorizationRequest
) -> Answer:
    """The sign-in form, with the whole request sealed into it."""
    client = await site.server.lookup_client(request.client_id)
    return sign_in_page(
        site,
        visit,
        new_ticket(site, then=Next.AUTHORIZE, query=visit.query),
        client_name=request.client_id
        if client is None
        else client.client_name or client.client_id,
        username=request.login_hint or "",
    )


async def _approve_at_once(
    site: Site, request: AuthorizationRequest, user_id: str
) -> Answer:
    """Tests and demonstrations: nobody is asked."""
    answer = await site.server.complete_authorization(
        request, user_id=user_id, auth_time=site.clock.now()
    )
    if isinstance(answer, AuthorizationError):
        return tell(answer)
    return Move(location=answer.url)
