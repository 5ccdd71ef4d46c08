"""The URL that carries the answer to an authorization request back to its client.

An access token is returned in the fragment, which no server and no `Referer` header
ever sees; so is an error in its place (RFC 6749 §4.2.2). Codes and their errors are for
the client's server, and are returned in the query.
"""

import re
from typing import Final
from urllib.parse import quote, urlencode

from actor_oauth.oauth.tokens import TokenResponse

_NOT_IN_DESCRIPTION: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def success_redirect(
    redirect_uri: str, *, code: str, state: str | None, issuer: str
) -> str:
    """Give the URL that carries a code to the client (RFC 6749 §4.1.2, RFC 9207 §2)."""
    query = _encode(code=code, state=state, iss=issuer)
    return _with_query(redirect_uri, query)


def token_redirect(
    redirect_uri: str, response: TokenResponse, *, state: str | None, issuer: str
) -> str:
    """Give the URL that carries an access token to the client.

    Source: RFC 6749 §4.2.2, RFC 9207 §2.
    """
    fragment = _encode(
        access_token=response.access_token,
        token_type=response.token_type,
        expires_in=str(response.expires_in),
        scope=str(response.scope),
        state=state,
        iss=issuer,
    )
    return f"{redirect_uri}#{fragment}"


def error_redirect(
    redirect_uri: str,
    *,
    error: str,
    description: str | None,
    state: str | None,
    issuer: str,
    in_fragment: bool = False,
) -> str:
    """Give the URL that carries an error to the client.

    Characters that no `error_description` may have are left out of it.

    Args:
        redirect_uri: The client's, without a fragment.
        error: The code.
        description: For the client's developer, or None.
        state: To be returned, or None.
        issuer: Ours.
        in_fragment: Whether the client waits for an access token.

    Source: OAuth 2.1 §4.1.2.1, RFC 6749 §4.2.2.1, RFC 9207 §2.
    """
    if description is not None:
        description = _NOT_IN_DESCRIPTION.sub("", description)
    parameters = _encode(
        error=error, error_description=description, state=state, iss=issuer
    )
    if in_fragment:
        return f"{redirect_uri}#{parameters}"
    return _with_query(redirect_uri, parameters)


def _encode(**parameters: str | None) -> str:
    present = {name: value for name, value in parameters.items() if value is not None}
    # `%20` and not `+`: some clients decode the query as a URI and not as a form.
    return urlencode(present, quote_via=quote, errors="replace")


def _with_query(uri: str, query: str) -> str:
    separator = "&" if "?" in uri else "?"
    if uri.endswith(("?", "&")):
        separator = ""
    return uri + separator + query
