"""How an authorization request is answered: where the browser is sent, if anywhere.

Rule 1: a browser is sent to a redirect URI only after that was found to be the client's.
Rule 2: a browser in which nobody is signed in is not sent to a client that registered
itself, not even with an error, or anybody could use this server as an open redirector.
It is shown a link, which a person may follow (C-03).
"""

from dataclasses import dataclass, field

from actor_oauth.oauth.authorization_response import error_redirect
from actor_oauth.oauth.reasons import Reason


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser to the client.

    Attributes:
        url: Complete. May hold a code: never log it. In answer to a form, status 303.
    """

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationError:
    """A request that is not answered with a code.

    Attributes:
        reason: Why: its name is stable, for logs and for deciding what to show.
        redirect_uri: The client's, as the request named it; None if it names none that
            is known to be the client's.
        redirect_to: Where to send the browser at once, which informs the client. None
            if nobody can be informed, or if redirecting is not safe: then show a page
            of your own.
        link_to: The same URL, which may always be shown as a link, together with the
            host it leads to. None if nobody can be informed.
    """

    reason: Reason
    redirect_uri: str | None = None
    redirect_to: str | None = None
    link_to: str | None = None

    @property
    def category(self) -> str:
        """The kind of error, which several reasons share: a stable name."""
        return self.reason.category.name.lower()

    @property
    def error(self) -> str:
        """The error code of RFC 6749 §4.1.2.1, as sent to the client."""
        return self.reason.category.error

    @property
    def description(self) -> str:
        """What happened, in English, for the client; safe to show to anybody."""
        return self.reason.description


def error_for_client(
    reason: Reason,
    *,
    redirect_uri: str,
    state: str | None,
    issuer: str,
    trusted: bool,
    in_fragment: bool = False,
) -> AuthorizationError:
    """Refuse a request and let the client know.

    Args:
        reason: Why.
        redirect_uri: Known to be the client's.
        state: To be returned, or None.
        issuer: Ours.
        trusted: Whether a user is signed in, or the operator vetted the client (Rule
            2).
        in_fragment: Whether the client expects the response in the fragment.
    """
    url = error_redirect(
        redirect_uri,
        error=reason.category.error,
        description=reason.description,
        state=state,
        issuer=issuer,
        in_fragment=in_fragment,
    )
    return AuthorizationError(
        reason=reason,
        redirect_uri=redirect_uri,
        redirect_to=url if trusted else None,
        link_to=url,
    )
