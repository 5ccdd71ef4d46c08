"""Forms of signed-in users: who sent one, and that a page of ours showed it."""

from actor_oauth.http.browser import csrf_matches
from actor_oauth.http.page import Answer, Move, not_from_here
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in


async def form_sender(
    site: Site, visit: Visit, *purpose: str, otherwise: str = "/login"
) -> SignedIn | Answer:
    """Find the signed-in user who sent a form that this browser was shown (J-04).

    Args:
        site: The site.
        visit: The form, with its CSRF token as `csrf`.
        purpose: What the form is for: the arguments with which `csrf_token` made it.
        otherwise: The path, below the issuer's, to go to if nobody is signed in.

    Returns:
        The user, or the answer to a form that must not be acted on.
    """
    who = await signed_in(site, visit)
    if who is None:
        return Move(location=site.addresses.base + otherwise, after_form=True)
    if not csrf_matches(visit.parameters.get("csrf"), who.cookie, *purpose):
        return not_from_here()
    return who
