"""Ways out of the authorization server: to the client, or to a page of our own."""

from actor_oauth.http.display import destination
from actor_oauth.http.page import Answer, Cookie, Move, Page, message
from actor_oauth.http.site import Site
from actor_oauth.oauth.authorization_request import LocalRefusal
from actor_oauth.oauth.authorization_response import error_redirect
from actor_oauth.oauth.wire import WireError, to_wire


def refused_here(
    refusal: LocalRefusal,
    *,
    cookies: tuple[Cookie, ...] = (),
    noted: bool = True,
) -> Page:
    """Tell the person, since there is no client that could be told (C-02).

    Args:
        refusal: Why.
        cookies: To set.
        noted: Whether the server that decided it has noted it.
    """
    return message(
        "This link does not work",
        to_wire(refusal.reason).description,
        hint="The application sent you here with a request that cannot be answered. "
        "Only its developer can fix that.",
        code=str(refusal.reason),
        cookies=cookies,
        refused=None if noted else refusal.reason,
    )


async def tell_client(
    site: Site,
    error: WireError,
    *,
    client_id: str,
    redirect_uri: str,
    state: str | None,
    trusted: bool,
    cookies: tuple[Cookie, ...] = (),
    after_form: bool = False,
) -> Answer:
    """Send the browser back to the client with an error.

    A browser in which nobody is signed in is not sent to the redirect URI of a client
    that registered itself, or anybody could use this server as an open redirector: the
    person must press a link that says where it leads (C-03).

    Args:
        site: Ours.
        error: What the client is told.
        client_id: Whose redirect URI it is.
        redirect_uri: Known to be that client's.
        state: To be returned, or None.
        trusted: Whether to redirect whatever the client is.
        cookies: To set on the way.
        after_form: Whether a form is answered, which no redirect to another origin
            may do.
    """
    url = error_redirect(
        redirect_uri,
        error=error.error,
        description=error.description,
        state=state,
        issuer=site.addresses.issuer,
    )
    if not trusted:
        client = await site.server.lookup_client(client_id)
        trusted = client is not None and client.origin == "pre-registered"
    if after_form:
        heading = "Returning to the application"
        return departure(url, redirect_uri, heading=heading, cookies=cookies)
    if trusted:
        return Move(location=url, cookies=cookies)
    return message(
        "This request cannot be granted",
        error.description,
        code=error.error,
        link={"url": url, "label": f"Go back to {destination(redirect_uri).label}"},
    )


def departure(
    url: str,
    redirect_uri: str,
    *,
    heading: str,
    approved: bool = False,
    cookies: tuple[Cookie, ...] = (),
) -> Page:
    """A page that leads to the client by itself, in answer to a form (J-02, J-03).

    Args:
        url: The complete URL, made from a validated redirect URI.
        redirect_uri: That URI, to say where it leads.
        heading: What was decided.
        approved: Whether access was given.
        cookies: To set.
    """
    values = {
        "url": url,
        "destination": destination(redirect_uri),
        "heading": heading,
        "approved": approved,
    }
    return Page(template="departure", values=values, cookies=cookies)
