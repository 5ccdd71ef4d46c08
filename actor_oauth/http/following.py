"""An application's own sessions in place of this server's sign-in.

The application says who a browser belongs to, by one function. A session of this server
follows that from page to page: it begins when the function names a user, and ends when
it names nobody, or another user.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, urlencode

from actor_oauth.actors.callbacks.parts import ask_application
from actor_oauth.http.browser import TICKET_LIFETIME, Next, Ticket
from actor_oauth.http.own_identity import BrowserRequest, OwnIdentity
from actor_oauth.http.page import Cookie, Move
from actor_oauth.http.site import Site, Visit, signed_in
from actor_oauth.oauth.prompts import Prompt, known_prompts
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.upstream.attempts import with_query
from actor_oauth.runtime import OverloadedError

_PURPOSE: Final = "own sign-in"
_SINCE: Final = "since"


async def follow_application(
    site: Site, own: OwnIdentity, visit: Visit, request: BrowserRequest
) -> tuple[Visit, Cookie | None]:
    """Make this the visit of the user whom the application names.

    Returns:
        The visit, with the session's cookie as it is now, and that cookie if it changed.

    Raises:
        OverloadedError: The application does not say in time, or fails.
    """
    user_id = await _ask(own, request)
    who = await signed_in(site, visit)
    since = left_at(site, visit) or 0
    stands = who is not None and who.session.auth_time >= since
    if who is not None and stands and who.session.user_id == user_id:
        return visit, None
    if who is not None:
        await site.server.log_out(who.cookie)
    entered = None if user_id is None else await site.server.enter(user_id)
    cookies = {k: v for k, v in visit.cookies.items() if k != site.session_cookie}
    if entered is None:
        return replace(visit, cookies=cookies), None
    max_age = site.server.policy.lifetimes.session_absolute
    cookie = Cookie(name=site.session_cookie, value=entered, max_age=max_age)
    return replace(visit, cookies={**cookies, cookie.name: entered}), cookie


def left_at(site: Site, visit: Visit) -> int | None:
    """Give when a visit left for the application's sign-in, from which it comes back.

    Once there, this server cannot tell whether the user signed in again: a user who
    returns is assumed to have done so. Asking at each return would never end.

    Returns:
        None if it did not, or too long ago.
    """
    plain = site.server.unseal(_PURPOSE, visit.parameters.get(_SINCE) or "")
    if plain is None or site.clock.now() >= int(plain) + TICKET_LIFETIME:
        return None
    return int(plain)


def to_own_sign_in(site: Site, own: OwnIdentity, visit: Visit, ticket: Ticket) -> Move:
    """Send a browser to the application's sign-in, and from there to what it wanted."""
    query = parse_qsl(ticket.query.decode(), keep_blank_values=True)
    prompt = None
    kept = [one for one in query if one[0] != _SINCE]
    if ticket.then is Next.AUTHORIZE:
        now = str(site.clock.now()).encode()
        kept.append((_SINCE, site.server.seal(_PURPOSE, now)))
        prompt = _prompt(dict(query), known=site.session_cookie in visit.cookies)
    base = site.addresses.issuer.removesuffix("/")
    places = {
        Next.AUTHORIZE: base + "/authorize",
        Next.DEVICE: base + "/device",
        Next.CONNECT: ""
        if site.vault is None
        else site.vault.policy.base_url + "/login",
    }
    place = places.get(ticket.then, base + "/account")
    parameters = {"return_to": f"{place}?{urlencode(kept)}" if kept else place}
    if prompt is not None:
        parameters["prompt"] = prompt
    return Move(location=with_query(own.sign_in_url, parameters))


def _prompt(query: Mapping[str, str], *, known: bool) -> Prompt | None:
    """Say what the application is to do with a person whom it may know already.

    A signed-in user who is sent away anyway has to sign in again, even if the client's
    requirement is not visible here, as in a pushed request.
    """
    wished = known_prompts(query.get("prompt"))
    if Prompt.SELECT_ACCOUNT in wished and Prompt.LOGIN not in wished:
        return Prompt.SELECT_ACCOUNT
    return Prompt.LOGIN if known or Prompt.LOGIN in wished else None


async def _ask(own: OwnIdentity, request: BrowserRequest) -> str | None:
    said = await ask_application(
        "authenticate", partial(own.authenticate, request), seconds=own.seconds
    )
    if isinstance(said, Refused):
        raise OverloadedError("the application does not say who this is")
    return said
