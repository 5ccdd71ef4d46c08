"""The connections page: what is connected elsewhere, and how to renew or end it."""

from typing import Final

from actor_oauth.http.browser import Next, csrf_token
from actor_oauth.http.display import tone, web_host
from actor_oauth.http.form_sender import form_sender
from actor_oauth.http.login import new_ticket, sign_in_page
from actor_oauth.http.page import Answer, Move, Page, PageKind
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.http.vault.connect import CONNECT, refused, vault_of
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.upstream.vault import ProviderInfo

_REFRESH: Final = "refresh connection"
_REMOVE: Final = "remove connection"
_DONE: Final = {
    "connected": "The service is connected.",
    "public": "This service needs no sign-in. It is on your list.",
    "refreshed": "The connection is renewed.",
    "removed": "The service is disconnected.",
}


async def show_connections(site: Site, visit: Visit) -> Answer:
    """`GET {prefix}/connections`: the services that this user has connected."""
    vault = vault_of(site)
    who = await signed_in(site, visit)
    if who is None:
        return sign_in_page(site, visit, new_ticket(site, then=Next.CONNECT))
    user_id = who.session.user_id
    providers = await vault.list_providers(user_id)
    values = {
        "user_id": who.session.label,
        "tone": tone(user_id),
        "prefix": vault.policy.base_url,
        "services": [_service(who, provider) for provider in providers],
        "now": site.clock.now(),
        "done": _DONE.get(visit.parameters.get("done") or ""),
        "csrf_connect": csrf_token(who.cookie, CONNECT),
    }
    return Page(template="connections", values=values, kind=PageKind.FORM)


async def submit_refresh(site: Site, visit: Visit) -> Answer:
    """`POST {prefix}/refresh`: get a new token, whether the present one ends or not."""
    vault = vault_of(site)
    resource = visit.parameters.get("resource") or ""
    who = await form_sender(site, visit, _REFRESH, resource)
    if not isinstance(who, SignedIn):
        return who
    answers = await vault.refresh(who.session.user_id, [resource], force=True)
    answer = answers[resource]
    if isinstance(answer, UpstreamFailed):
        return refused(vault, answer)
    return _back(site, "refreshed")


async def submit_remove(site: Site, visit: Visit) -> Answer:
    """`POST {prefix}/remove`: forget a connection, and revoke its tokens there."""
    vault = vault_of(site)
    resource = visit.parameters.get("resource") or ""
    who = await form_sender(site, visit, _REMOVE, resource)
    if not isinstance(who, SignedIn):
        return who
    await vault.remove(who.session.user_id, resource)
    return _back(site, "removed")


def _service(who: SignedIn, provider: ProviderInfo) -> dict[str, object]:
    return {
        "name": provider.name,
        "tone": tone(provider.resource),
        "resource": provider.resource,
        "issuer": None if provider.issuer is None else web_host(provider.issuer),
        "scopes": provider.scope.names,
        "created": provider.created_at,
        "needs_authorization": provider.needs_authorization,
        "is_public": provider.is_public,
        "csrf_refresh": csrf_token(who.cookie, _REFRESH, provider.resource),
        "csrf_remove": csrf_token(who.cookie, _REMOVE, provider.resource),
    }


def _back(site: Site, done: str) -> Move:
    location = f"{vault_of(site).policy.base_url}/connections?done={done}"
    return Move(location=location, after_form=True)
