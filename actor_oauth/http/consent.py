"""Consent: what is asked, and the one answer to it.

The form carries a handle, the ticked scopes and a CSRF token. Everything else (client,
redirect URI, resource, challenge) is read from the transaction that the user's actor
keeps under the handle; the actor lets one answer through (C-14, C-15).
"""

from urllib.parse import urlencode

from actor_oauth.actors.authorization_server import ConsentScope, ConsentView, Gone
from actor_oauth.http.browser import csrf_matches, csrf_token
from actor_oauth.http.departure import departure, refused_here, tell_client
from actor_oauth.http.display import destination, tone, web_host
from actor_oauth.http.page import (
    Answer,
    Cookie,
    Move,
    Page,
    PageKind,
    already_answered,
    message,
    not_from_here,
)
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.authorization_request import AuthorizationRequest, LocalRefusal
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.wire import Reason, to_wire
from actor_oauth.runtime.errors import ActorError

_PURPOSE = "consent"
_OFFLINE_WORDS = "Stay connected while you are away"
_NOTHING_TICKED = "Choose at least one thing to allow, or deny the request."


async def ask(
    site: Site,
    who: SignedIn,
    request: AuthorizationRequest,
    *,
    cookies: tuple[Cookie, ...] = (),
    after_form: bool = False,
) -> Answer:
    """Open a consent transaction and send the browser to its page.

    Trouble on our side is told to the client, which waits (C-24): the request is valid
    and somebody is signed in.

    Args:
        site: Ours.
        who: Who is asked.
        request: What is asked for, validated.
        cookies: To set on the way.
        after_form: Whether a form is answered.
    """
    try:
        client = await site.server.lookup_client(request.client_id)
        if client is None:
            gone = LocalRefusal(Reason.AUTHORIZE_CLIENT_UNKNOWN)
            return refused_here(gone, noted=False)
        handle = await site.server.begin_consent(who.session, request, client)
    except ActorError:
        return await tell_client(
            site,
            to_wire(Reason.OVERLOADED),
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            state=request.state,
            trusted=True,
            cookies=cookies,
            after_form=after_form,
        )
    location = f"{site.addresses.base}/consent?{urlencode({'txn': handle})}"
    return Move(location=location, after_form=after_form, cookies=cookies)


async def show_consent(site: Site, visit: Visit) -> Answer:
    """`GET /consent`: what is asked for. Deciding takes a form (J-08)."""
    who = await signed_in(site, visit)
    if who is None:
        return _signed_out()
    handle = visit.parameters.get("txn") or ""
    view = await site.server.describe_consent(who.session, handle)
    if view is None:
        return already_answered()
    return _consent_page(who, handle, view)


async def submit_consent(site: Site, visit: Visit) -> Answer:
    """`POST /consent`: approve or deny, once."""
    who = await signed_in(site, visit)
    if who is None:
        return _signed_out()
    form = visit.parameters
    handle = form.get("txn") or ""
    if not csrf_matches(form.get("csrf"), who.cookie, _PURPOSE, handle):
        return not_from_here()
    view = await site.server.describe_consent(who.session, handle)
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
        return _consent_page(who, handle, view, problem=_NOTHING_TICKED)
    decided = await site.server.approve_consent(who.session, handle, scope=scope)
    if isinstance(decided, Gone):
        return already_answered()
    if isinstance(decided, LocalRefusal):
        return refused_here(decided)
    return departure(
        decided.url, view.request.redirect_uri, heading="Access allowed", approved=True
    )


async def _deny(site: Site, who: SignedIn, handle: str, view: ConsentView) -> Answer:
    decided = await site.server.deny_consent(who.session, handle)
    if isinstance(decided, Gone):
        return already_answered()
    return departure(decided.url, view.request.redirect_uri, heading="Access denied")


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
    who: SignedIn, handle: str, view: ConsentView, *, problem: str | None = None
) -> Page:
    client, request = view.client, view.request
    from_document = client.origin == "metadata-document"
    values = {
        "client_name": client.client_name or client.client_id,
        "client_host": web_host(client.client_id) if from_document else None,
        "unverified": client.origin != "pre-registered",
        "tone": tone(client.client_id),
        "user_id": view.user_id,
        "resource": request.resource,
        "resource_name": view.resource_name or request.resource.partition("://")[2],
        "scopes": [_scope_words(scope) for scope in view.scopes],
        "destination": destination(request.redirect_uri),
        "only_loopback": _only_loopback(client),
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


def _scope_words(scope: ConsentScope) -> dict[str, str | None]:
    """A scope in the operator's words, or in ours for the one that is everybody's."""
    description = scope.description
    if description is None and scope.name == OFFLINE_ACCESS:
        description = _OFFLINE_WORDS
    return {"name": scope.name, "description": description}


def _only_loopback(client: Client) -> bool:
    """Whether any local program could be behind this client's name (C-13)."""
    return client.origin != "pre-registered" and all(
        destination(uri).loopback for uri in client.redirect_uris
    )


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
