"""The account page: what is connected, and how to take it back."""

from urllib.parse import urlencode

from actor_oauth.actors.authorization_server import GrantSummary
from actor_oauth.http.browser import csrf_token
from actor_oauth.http.display import destination, tone
from actor_oauth.http.form_sender import form_sender
from actor_oauth.http.login import session_cookie
from actor_oauth.http.page import Answer, Move, Page, PageKind, message
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in

GRANTS_SHOWN = 50
"""Connected applications on one page."""

_REVOKE = "revoke"
_LOGOUT = "logout"
_EVERYWHERE = "everywhere"
_FORGET = "forget"
_DONE = {
    "disconnected": "The application is disconnected.",
    "forgotten": "You will be asked again.",
}


async def show_account(site: Site, visit: Visit) -> Answer:
    """`GET /account`: the connected applications."""
    who = await signed_in(site, visit)
    if who is None:
        return Move(location=site.addresses.base + "/login")
    user_id = who.session.user_id
    cursor = visit.parameters.get("cursor")
    page = await site.server.list_user_grants(user_id, cursor, GRANTS_SHOWN)
    next_page = None
    if page.next_cursor is not None:
        query = urlencode({"cursor": page.next_cursor})
        next_page = f"{site.addresses.base}/account?{query}"
    values = {
        "user_id": who.session.label,
        "tone": tone(user_id),
        "has_services": site.federation is not None,
        "apps": [await _app(site, who, grant) for grant in page.grants],
        "remembered": [] if cursor else await _remembered(site, who),
        "now": site.clock.now(),
        "next_page": next_page,
        "done": _DONE.get(visit.parameters.get("done") or ""),
        "connections": _connections_url(site),
        "ended": await _ended(site, who),
        "csrf_logout": csrf_token(who.cookie, _LOGOUT),
        "csrf_everywhere": csrf_token(who.cookie, _EVERYWHERE),
    }
    return Page(template="account", values=values, kind=PageKind.FORM)


async def submit_revoke(site: Site, visit: Visit) -> Answer:
    """`POST /account/revoke`: end one grant, and all its tokens."""
    grant_id = visit.parameters.get("grant") or ""
    who = await form_sender(site, visit, _REVOKE, grant_id)
    if not isinstance(who, SignedIn):
        return who
    await site.server.revoke_grant(who.session.user_id, grant_id)
    location = site.addresses.base + "/account?done=disconnected"
    return Move(location=location, after_form=True)


async def submit_forget(site: Site, visit: Visit) -> Answer:
    """`POST /account/forget`: ask again what was not to be asked again."""
    consent_id = visit.parameters.get("consent") or ""
    who = await form_sender(site, visit, _FORGET, consent_id)
    if not isinstance(who, SignedIn):
        return who
    await site.server.forget_consent(who.session.user_id, consent_id)
    location = site.addresses.base + "/account?done=forgotten"
    return Move(location=location, after_form=True)


async def submit_everywhere(site: Site, visit: Visit) -> Answer:
    """`POST /account/sign-out-everywhere`: end all sessions and grants (H-08)."""
    who = await form_sender(site, visit, _EVERYWHERE)
    if not isinstance(who, SignedIn):
        return who
    await site.server.log_out_everywhere(who.session)
    return _signed_out(
        site, "All sessions are ended, and all applications are disconnected."
    )


async def show_logout(site: Site, visit: Visit) -> Answer:
    """`GET /logout`: ask. Only the form signs out: a link or image must not."""
    who = await signed_in(site, visit)
    if who is None:
        return _to_login(site)
    values = {
        "user_id": who.session.label,
        "csrf": csrf_token(who.cookie, _LOGOUT),
    }
    return Page(template="logout", values=values, kind=PageKind.FORM)


async def submit_logout(site: Site, visit: Visit) -> Answer:
    """`POST /logout`: end this session."""
    who = await form_sender(site, visit, _LOGOUT)
    if not isinstance(who, SignedIn):
        return who
    await site.server.log_out(who.cookie)
    return _signed_out(site, "Applications that you connected stay connected.")


async def _remembered(site: Site, who: SignedIn) -> list[dict[str, object]]:
    """What the user wants not to be asked again."""
    found = await site.server.list_remembered_consents(who.session.user_id)
    return [
        {
            "name": await _client_name(site, consent.client_id),
            "tone": tone(consent.client_id),
            "destination": destination(consent.redirect_uri),
            "resource": consent.resource,
            "scopes": consent.scope.names,
            "since": consent.remembered_at,
            "until": consent.expires_at,
            "consent_id": consent.consent_id,
            "csrf": csrf_token(who.cookie, _FORGET, consent.consent_id),
        }
        for consent in found
    ]


async def _client_name(site: Site, client_id: str) -> str:
    client = await site.server.lookup_client(client_id)
    return client_id if client is None else client.client_name or client_id


async def _app(site: Site, who: SignedIn, grant: GrantSummary) -> dict[str, object]:
    return {
        "name": await _client_name(site, grant.client_id),
        "tone": tone(grant.client_id),
        "resource": grant.resource,
        "scopes": grant.scope.names,
        "created": grant.created_at,
        "used": grant.last_used_at,
        "contested": grant.contested_at,
        "issuer": None if grant.origin is None else grant.origin.issuer,
        "grant_id": grant.grant_id,
        "csrf": csrf_token(who.cookie, _REVOKE, grant.grant_id),
    }


def _connections_url(site: Site) -> str | None:
    """Where the services that the person has connected are listed, if anywhere."""
    return None if site.vault is None else site.vault.policy.base_url + "/connections"


async def _ended(site: Site, who: SignedIn) -> int:
    """How many services wait for the person to connect them again."""
    if site.vault is None:
        return 0
    found = await site.vault.list_providers(who.session.user_id)
    return sum(provider.needs_authorization for provider in found)


def _to_login(site: Site) -> Move:
    return Move(location=site.addresses.base + "/login", after_form=True)


def _signed_out(site: Site, text: str) -> Page:
    return message(
        "You are signed out",
        text,
        status=200,
        symbol="good",
        picture="check",
        link={"url": site.addresses.base + "/login", "label": "Sign in again"},
        cookies=(session_cookie(site, ""),),
    )
