"""Sign-out at a client's request (OpenID Connect RP-Initiated Logout 1.0).

Rule 1: nobody is sent anywhere but to a URI that the client registered for it.
Rule 2: a session ends at once only for a client that shows, by an ID token from that very
session, that it was part of it. Anybody else's link only asks.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.id_tokens import IdTokenHint, parse_id_token_hint
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A request to sign a user out.

    Attributes:
        client: The requesting client; None if it is not named.
        hint: What it showed, or None.
        redirect_uri: Where to go afterwards, known to be the client's; None for nowhere.
        state: To be returned there, or None.
    """

    client: Client | None
    hint: IdTokenHint | None
    redirect_uri: str | None
    state: str | None

    @property
    def is_vetted(self) -> bool:
        """Whether an operator vouches for the client.

        For other clients, a browser without a signed-in user is not redirected: anybody
        can register a client, get an ID token for it, and combine both into a link that
        leads away from here (C-03).
        """
        return self.client is not None and self.client.origin == "pre-registered"

    def return_url(self) -> str | None:
        """Give the URL to go to afterwards; None if the browser stays here."""
        if self.redirect_uri is None or self.state is None:
            return self.redirect_uri
        separator = "&" if "?" in self.redirect_uri else "?"
        query = urlencode({"state": self.state}, quote_via=quote, errors="replace")
        return f"{self.redirect_uri}{separator}{query}"


def read_hint(
    parameters: Parameters, *, issuer: str, keyring: Keyring
) -> IdTokenHint | Refused | None:
    """Read the `id_token_hint` of a request, which may have expired; None without one."""
    text = parameters.get("id_token_hint")
    if text is None:
        return None
    hint = parse_id_token_hint(text, issuer=issuer, keyring=keyring)
    return Refused(Reason.ID_TOKEN_HINT_INVALID) if hint is None else hint


def asking_client(parameters: Parameters, hint: IdTokenHint | None) -> str | None:
    """Give the id of the client that a request is from, if it says."""
    return parameters.get("client_id") or (None if hint is None else hint.client_id)


def decide_logout(
    parameters: Parameters, hint: IdTokenHint | None, client: Client | None
) -> LogoutRequest | Refused:
    """Decide where a request to sign out may lead.

    Args:
        parameters: Of the request.
        hint: From `read_hint`.
        client: The client that `asking_client` names, or None if there is none.

    Source: OpenID Connect RP-Initiated Logout 1.0 §2, §3.
    """
    if parameters.repeated:
        return Refused(Reason.PARAMETER_REPEATED)
    named = asking_client(parameters, hint)
    if named is not None and client is None:
        return Refused(Reason.AUTHORIZE_CLIENT_UNKNOWN)
    if hint is not None and hint.client_id != named:
        return Refused(Reason.ID_TOKEN_HINT_FOREIGN)
    redirect_uri = parameters.get("post_logout_redirect_uri")
    if redirect_uri is not None:
        openid = None if client is None else client.openid
        registered = () if openid is None else openid.post_logout_redirect_uris
        if not any(matches(uri, redirect_uri) for uri in registered):
            return Refused(Reason.LOGOUT_URI_UNREGISTERED)
    return LogoutRequest(
        client=client,
        hint=hint,
        redirect_uri=redirect_uri,
        state=parameters.get("state"),
    )


def ends_at_once(request: LogoutRequest, *, session: str | None) -> bool:
    """Tell whether a session ends without asking the person (Rule 2).

    Args:
        request: As decided.
        session: The name by which clients know the browser's session.
    """
    return (
        session is not None
        and request.hint is not None
        and request.hint.session == session
    )
