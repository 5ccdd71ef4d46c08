"""Consent: what is asked, and the one answer to it.

The form carries a handle, the ticked scopes and a CSRF token. Everything else (client,
redirect URI, resource, challenge) is read from the transaction that the user's actor
keeps under the handle; the actor lets one answer through (C-14, C-15).
"""

from dataclasses import replace
from urllib.parse import urlencode

from actor_oauth.actors.authorization_server import (
    AuthorizationError,
    AuthorizationRequest,
    ConsentScope,
    ConsentView,
    Interaction,
    Redirect,
)
from actor_oauth.actors.faults import reason_of
from actor_oauth.http.browser import csrf_matches, csrf_token
from actor_oauth.http.departure import departure, tell
from actor_oauth.http.display import destination, tone, web_host
from actor_oauth.http.page import (
    Answer,
    Cookie,
    Image,
    Move,
    Page,
    PageKind,
    already_answered,
    message,
    not_from_here,
)
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.runtime.errors import ActorError

_PURPOSE = "consent"
_OFFLINE_WORDS = "Stay connected while you are away"
_ANSWERED = frozenset(
    (
        Reason.CONSENT_UNKNOWN,
        Reason.CONSENT_ANSWERED,
        Reason.SESSION_ENDED,
        Reason.REQUEST_URI_SPENT,
    )
)
_NOTHING_TICKED = "Choose at least one thing to allow, or deny the request."


async def go_on(
    site: Site,
    who: SignedIn,
    request: AuthorizationRequest,
    needed: Interaction,
    *,
    cookies: tuple[Cookie, ...] = (),
    after_form: bool = False,
) -> Answer:
    """Ask for consent, or grant at once what is remembered.

    Args:
        site: Ours.
        who: Who is asked.
        request: What is asked for, validated.
        needed: Consent, or nothing.
        cookies: To set with the response.
        after_form: Whether a form is answered.
    """
    if needed is not Interaction.NOTHING:
        return await _ask(site, who, request, cookies=cookies, after_form=after_form)
    granted = await site.server.approve_remembered(
        request,
        user_id=who.session.user_id,
        browser=who.cookie,
        auth_time=who.session.auth_time,
    )
    if isinstance(granted, AuthorizationError):
        return tell(granted, cookies=cookies, after_form=after_form)
    if after_form:
        return departure(
            granted.url,
            request.redirect_uri,
            heading="Access allowed",
            approved=True,
            cookies=cookies,
        )
    return Move(location=granted.url, cookies=cookies)


async def _ask(
    site: Site,
    who: SignedIn,
    request: AuthorizationRequest,
    *,
    cookies: tuple[Cookie, ...],
    after_form: bool,
) -> Answer:
    """Open a consent transaction and send the browser to its page.

    Faults on our side are reported to the client, which is waiting (C-24): the request
    is valid and a user is signed in.
    """
    try:
        handle = await site.server.begin_consent(
            request,
            user_id=who.session.user_id,
            browser=who.cookie,
            auth_time=who.session.auth_time,
        )
    except ActorError as fault:
        handle = await site.server.refuse_authorization(
            request, reason_of(fault), signed_in=True
        )
    if isinstance(handle, AuthorizationError):
        return tell(handle, cookies=cookies, after_form=after_form)
    location = f"{site.addresses.base}/consent?{urlencode({'txn': handle})}"
    return Move(location=location, after_form=after_form, cookies=cookies)


async def show_consent(site: Site, visit: Visit) -> Answer:
    """`GET /consent`: what is asked for. Deciding takes a form (J-08)."""
    who = await signed_in(site, visit)
    if who is None:
        return _signed_out()
    handle = visit.parameters.get("txn") or ""
    view = await _describe(site, who, handle)
    if view is None:
        return already_answered()
    return _consent_page(site, who, handle, view)


async def show_logo(site: Site, visit: Visit) -> Answer:
    """`GET /consent/logo`: the logo of the client in this transaction."""
    who = await signed_in(site, visit)
    picture = None
    if who is not None:
        picture = await site.server.consent_logo(
            visit.parameters.get("txn") or "",
            user_id=who.session.user_id,
            browser=who.cookie,
        )
    if picture is None:
        return message("No picture", "There is nothing to be shown.", status=404)
    return Image(picture)


async def submit_consent(site: Site, visit: Visit) -> Answer:
    """`POST /consent`: approve or deny, once."""
    who = await signed_in(site, visit)
    if who is None:
        return _signed_out()
    form = visit.parameters
    handle = form.get("txn") or ""
    if not csrf_matches(form.get("csrf"), who.cookie, _PURPOSE, handle):
        return not_from_here()
    view = await _describe(site, who, handle)
    if view is None:
        return already_answered()
    match form.get("decision"):
        case "approve":
            return await _approve(site, who, handle, view, form)
        case "deny":
            return await _deny(site, who, handle, view)
        case _:
            return message("Nothing was decided", "The form came without a decision.")


async def _approve(
    site: Site, who: SignedIn, handle: str, view: ConsentView, form: Parameters
) -> Answer:
    scope = _ticked(view, form)
    if scope is None:
        return _consent_page(site, who, handle, view, problem=_NOTHING_TICKED)
    decided = await site.server.approve_consent(
        handle,
        user_id=who.session.user_id,
        browser=who.cookie,
        scope=scope,
        remember=form.get("remember") is not None,
    )
    return _decided(decided, view, heading="Access allowed", approved=True)


async def _deny(site: Site, who: SignedIn, handle: str, view: ConsentView) -> Answer:
    decided = await site.server.deny_consent(
        handle, user_id=who.session.user_id, browser=who.cookie
    )
    return _decided(decided, view, heading="Access denied")


async def _describe(site: Site, who: SignedIn, handle: str) -> ConsentView | None:
    return await site.server.describe_consent(
        handle, user_id=who.session.user_id, browser=who.cookie
    )


def _decided(
    decided: Redirect | AuthorizationError,
    view: ConsentView,
    *,
    heading: str,
    approved: bool = False,
) -> Answer:
    """What the person sees of an answer."""
    if isinstance(decided, Redirect):
        return departure(
            decided.url, view.request.redirect_uri, heading=heading, approved=approved
        )
    if decided.reason in _ANSWERED:
        # The server has noted it.
        return replace(already_answered(), refused=None)
    return tell(decided, after_form=True)


def _ticked(view: ConsentView, form: Parameters) -> Scope | None:
    """What was asked for and is ticked; None if that allows nothing.

    `offline_access` says how long, not what for: alone it is nothing.
    """
    names = tuple(
        scope.name
        for scope in view.scopes
        if form.get(f"scope:{scope.name}") is not None
    )
    return Scope(names) if any(name != OFFLINE_ACCESS for name in names) else None


def _consent_page(
    site: Site,
    who: SignedIn,
    handle: str,
    view: ConsentView,
    *,
    problem: str | None = None,
) -> Page:
    client, request = view.client, view.request
    base = site.addresses.base
    values = {
        "client_name": view.client_name,
        "client_host": view.client_host,
        "unverified": not view.is_vetted,
        "tone": tone(client.client_id),
        "logo": f"{base}/consent/logo?{urlencode({'txn': handle})}"
        if view.has_logo
        else None,
        "user_id": who.session.label,
        "resource": request.resource,
        "resource_name": view.resource_name or request.resource.partition("://")[2],
        "scopes": [_scope_words(scope) for scope in view.scopes],
        "details": view.details,
        "extends": any(scope.granted for scope in view.scopes),
        "may_be_remembered": view.may_be_remembered,
        "destination": destination(request.redirect_uri),
        "only_loopback": view.only_on_device,
        "links": _links(client),
        "handle": handle,
        "csrf": csrf_token(who.cookie, _PURPOSE, handle),
        "problem": problem,
    }
    return Page(
        template="consent",
        values=values,
        kind=PageKind.FORM,
        status=200 if problem is None else 400,
    )


def _scope_words(scope: ConsentScope) -> dict[str, str | bool | None]:
    """A scope's description, the operator's or ours for the scope common to all."""
    description = scope.description
    if description is None and scope.name == OFFLINE_ACCESS:
        description = _OFFLINE_WORDS
    return {
        "name": scope.name,
        "description": description,
        "granted": scope.granted,
    }


def _links(client: Client) -> list[dict[str, str]]:
    """The client's own pages: http(s) only, named by us and not by the client (J-09)."""
    found = (
        ("Website", client.client_uri),
        ("Terms", client.tos_uri),
        ("Privacy", client.policy_uri),
    )
    return [
        {"label": label, "url": url}
        for label, url in found
        if url is not None and web_host(url) is not None
    ]


def _signed_out() -> Page:
    return message(
        "You are signed out",
        "Your session ended before you answered.",
        status=403,
        symbol="",
        picture="clock",
        hint="Start again from the application.",
        refused=Reason.SESSION_ENDED,
    )
