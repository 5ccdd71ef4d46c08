"""Ways out of the authorization server: to the client, or to a page of our own."""

from typing import Final

from actor_oauth.http.display import destination
from actor_oauth.http.page import Answer, Cookie, Move, Page, message
from actor_oauth.oauth.authorization_answer import AuthorizationError
from actor_oauth.oauth.reasons import Reason

# Nothing is wrong with the application: another attempt may well succeed.
_OVER: Final = frozenset(
    (
        Reason.REQUEST_URI_UNKNOWN,
        Reason.REQUEST_URI_EXPIRED,
        Reason.REQUEST_URI_SPENT,
        Reason.CLIENT_CHANGED,
    )
)


def refused_here(
    reason: Reason, *, cookies: tuple[Cookie, ...] = (), noted: bool = True
) -> Page:
    """Show an error to the user, since no client can be informed (C-02).

    Args:
        reason: Why.
        cookies: To set.
        noted: Whether the server that decided it has noted it.
    """
    over = reason in _OVER
    return message(
        "This link does not work",
        reason.description,
        hint="Start again from the application."
        if over
        else "The application sent you here with a request that cannot be answered. "
        "Only its developer can fix that.",
        code=str(reason.category.error if over else reason),
        cookies=cookies,
        refused=None if noted else reason,
    )


def tell(
    error: AuthorizationError,
    *,
    cookies: tuple[Cookie, ...] = (),
    after_form: bool = False,
) -> Answer:
    """Send the browser back to the client with an error, if that is safe.

    Otherwise the user sees the error: with a link that shows its destination, or
    without one if there is no client to inform (C-02, C-03).

    Args:
        error: Why, and where to.
        cookies: To set with the response.
        after_form: Whether a form is answered, which no redirect to another origin
            may do.
    """
    if error.redirect_uri is None or error.link_to is None:
        return refused_here(error.reason, cookies=cookies)
    if error.redirect_to is None:
        label = f"Go back to {destination(error.redirect_uri).label}"
        return message(
            "This request cannot be granted",
            error.description,
            code=error.error,
            link={"url": error.link_to, "label": label},
            cookies=cookies,
        )
    if after_form:
        heading = "Returning to the application"
        return departure(
            error.redirect_to, error.redirect_uri, heading=heading, cookies=cookies
        )
    return Move(location=error.redirect_to, cookies=cookies)


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
