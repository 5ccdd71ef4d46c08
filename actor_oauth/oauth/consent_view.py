"""What a consent page must show, and may rely on (C-13)."""

from dataclasses import dataclass

from actor_oauth.oauth.authorization_details import DetailView, views_of
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.openid import resource_names, scope_descriptions
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.remembered_consent import may_be_remembered
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.uris import parse_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentScope:
    """A scope as shown to the user.

    Attributes:
        name: As in the protocol.
        description: The operator's words for it, if there are any.
        requested: Whether the client asks for it now.
        granted: Whether an earlier grant has it that a yes replaces: not new.
    """

    name: str
    description: str | None
    requested: bool
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What a consent page shows.

    Everything that a client says about itself is unverified, and must be escaped.

    Attributes:
        client: The requesting client.
        client_name: What to call it: its name, or else its id.
        client_host: The host that vouches for it, if its id is a document's URL.
        is_vetted: Whether the operator registered it. Of any other, the page says that
            its name is not verified.
        request: What for.
        redirect_host: Where a yes leads: a host, or the scheme of a private-use URI
            with its colon. The page always shows it.
        only_on_device: Whether every redirect URI of a client that nobody vetted is a
            loopback one, so that any program on the user's device may use its name. The
            page warns.
        user_id: Who is asked. The page shows it.
        resource_name: The operator's name of the resource, if it has one.
        scopes: What would be granted: what is asked, in that order, then what an
            earlier grant has.
        details: What exactly is asked for beside the scopes.
        may_be_remembered: Whether the page may offer not to ask again.
        has_logo: Whether to try `consent_logo`, which may still find no logo.
    """

    client: Client
    client_name: str
    client_host: str | None
    is_vetted: bool
    request: AuthorizationRequest
    redirect_host: str
    only_on_device: bool
    user_id: str
    resource_name: str | None
    scopes: tuple[ConsentScope, ...]
    details: tuple[DetailView, ...]
    may_be_remembered: bool
    has_logo: bool


def view_of(consent: Consent, user_id: str, policy: Policy) -> ConsentView:
    """Give what the page shows about a transaction."""
    return view_of_request(
        consent.request,
        consent.client,
        user_id=user_id,
        granted=consent.granted,
        policy=policy,
    )


def view_of_request(
    request: AuthorizationRequest,
    client: Client,
    *,
    user_id: str,
    granted: Scope,
    policy: Policy,
) -> ConsentView:
    """Give what the page shows about a request.

    Args:
        request: What is asked.
        client: The requesting client.
        user_id: Who is asked; empty if nobody knows yet.
        granted: What grants have that a yes will replace.
        policy: The operator's.
    """
    descriptions, names = scope_descriptions(policy), resource_names(policy)
    types = {item.identifier: item.detail_types for item in policy.resources}
    is_vetted = client.origin == "pre-registered"
    return ConsentView(
        client=client,
        client_name=client.client_name or client.client_id,
        client_host=(
            _host(client.client_id) if client.origin == "metadata-document" else None
        ),
        is_vetted=is_vetted,
        request=request,
        redirect_host=_host(request.redirect_uri),
        only_on_device=not is_vetted and all(map(_is_loopback, client.redirect_uris)),
        user_id=user_id,
        resource_name=names.get(request.resource),
        scopes=tuple(
            ConsentScope(
                name=name,
                description=descriptions.get(name),
                requested=name in request.scope,
                granted=name in granted,
            )
            for name in request.scope.union(granted)
        ),
        details=views_of(request.details, types.get(request.resource, ())),
        may_be_remembered=request.details is None
        and may_be_remembered(client, request.redirect_uri, policy),
        has_logo=policy.consent.shows_logos and client.logo_uri is not None,
    )


def _host(url: str) -> str:
    uri = parse_uri(url)
    assert uri is not None, "checked when it was registered"
    if uri.scheme in ("http", "https") and uri.host is not None:
        return uri.host.lower()
    return f"{uri.scheme}:"


def _is_loopback(url: str) -> bool:
    uri = parse_uri(url)
    return uri is not None and uri.is_loopback
