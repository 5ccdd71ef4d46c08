"""Connecting a service: from a link to the other server, and back."""

from typing import Final

from actor_oauth.http.browser import Next, csrf_token
from actor_oauth.http.departure import departure
from actor_oauth.http.display import web_host
from actor_oauth.http.form_sender import form_sender
from actor_oauth.http.login import new_ticket, sign_in_page
from actor_oauth.http.page import (
    Answer,
    Move,
    Page,
    PageKind,
    message,
    unavailable,
)
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault import Connected, LoginRedirect, Vault

CONNECT: Final = "connect"
"""Purpose of the CSRF token in forms that connect something."""

_GATEWAY: Final = 502
_BAD_REQUEST: Final = 400


async def show_connect(site: Site, visit: Visit) -> Answer:
    """`GET {prefix}/login?url=…`: ask whether to connect, then `submit_connect`.

    A link alone leads nowhere: it could be anybody's, who would so have the browser sent
    to any address, or an account connected that is not its user's (I-24).
    """
    vault = vault_of(site)
    who = await signed_in(site, visit)
    if who is None:
        ticket = new_ticket(site, then=Next.CONNECT, query=visit.query)
        return sign_in_page(site, visit, ticket)
    url = visit.parameters.get("url") or ""
    host = web_host(url)
    if host is None:
        return refused(vault, UpstreamFailed(fault=UpstreamFault.URL_REFUSED))
    if not site.options.confirms_connections:
        return await _begin(site, visit, who, after_form=False)
    values = {
        "host": host,
        "url": url,
        "scope": visit.parameters.get("scope") or "",
        "prefix": vault.policy.base_url,
        "csrf": csrf_token(who.cookie, CONNECT),
    }
    return Page(template="connect", values=values, kind=PageKind.FORM)


async def submit_connect(site: Site, visit: Visit) -> Answer:
    """`POST {prefix}/login`: find out what it is, and lead there."""
    who = await form_sender(site, visit, CONNECT)
    if not isinstance(who, SignedIn):
        return who
    return await _begin(site, visit, who, after_form=True)


async def show_callback(site: Site, visit: Visit) -> Answer:
    """`GET {prefix}/callback/{label}`: take the other server's answer (I-18 to I-23)."""
    vault = vault_of(site)
    who = await signed_in(site, visit)
    if who is None:
        return refused(vault, UpstreamFailed(fault=UpstreamFault.ATTEMPT_UNKNOWN))
    finished = await vault.finish_login(
        who.session.user_id,
        visit.parameters,
        browser=who.cookie,
        redirect_uri=vault.policy.redirect_uri(visit.segments["label"]),
    )
    if isinstance(finished, UpstreamFailed):
        return refused(vault, finished)
    # To a page whose URL holds neither code nor state.
    return _done(vault, finished)


def vault_of(site: Site) -> Vault:
    """Give the vault, which is on where these pages are."""
    assert site.vault is not None
    return site.vault


def refused(vault: Vault, failed: UpstreamFailed) -> Page:
    """Say what did not work; never what the other server said."""
    return message(
        "This did not work",
        failed.fault.text,
        status=_GATEWAY if failed.is_passing else _BAD_REQUEST,
        hint="Please try again in a moment." if failed.is_passing else None,
        code=str(failed.fault),
        link={
            "url": vault.policy.base_url + "/connections",
            "label": "Connected services",
        },
    )


async def _begin(
    site: Site, visit: Visit, who: SignedIn, *, after_form: bool
) -> Answer:
    vault, user_id = vault_of(site), who.session.user_id
    seconds = site.connects.take(user_id, now=site.clock.now())
    if seconds:
        return unavailable(seconds)
    url = visit.parameters.get("url") or ""
    begun = await vault.begin_login(
        user_id,
        url,
        browser=who.cookie,
        scope=parse_scope(visit.parameters.get("scope") or "") or Scope(),
    )
    match begun:
        case UpstreamFailed():
            return refused(vault, begun)
        case Connected():
            return _done(vault, begun)
        case LoginRedirect(url=location) if after_form:
            return departure(location, location, heading="Continue there")
        case LoginRedirect(url=location):
            return Move(location=location)


def _done(vault: Vault, connected: Connected) -> Move:
    what = "public" if connected.provider.is_public else "connected"
    location = f"{vault.policy.base_url}/connections?done={what}"
    return Move(location=location, after_form=True)
