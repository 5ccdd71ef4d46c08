"""A remembered consent (C-12, J-07).

It is remembered per user, client, redirect URI and resource, with the scopes that were
allowed, at the user's actor: never in the browser.

Rule 1: the page is skipped only if the client is certainly the one that was asked
about: it must authenticate with a secret or key to get tokens, or its redirect URI
leads to one place on the web. Any program on a device can use a public client's id and
receive what is sent to a loopback or private-use redirect URI, so for these the
operator must opt in.
Rule 2: it is remembered of the client as it was. Another name, logo, redirect URI or key,
and the user is asked again (B-19).
Rule 3: the latest answer counts. What a user is asked about again and does not allow is
forgotten.
Rule 4: it ends with the grant, if the user or the operator ends that, or if something of
it was stolen. Else disconnecting an application would let it connect again by itself.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.client_fingerprint import client_fingerprint
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reauthorization import is_hosted
from actor_oauth.oauth.scopes import Scope

FORGETTING: Final = frozenset(
    (
        GrantEvent.CODE_REPLAYED,
        GrantEvent.REFRESH_REPLAYED,
        GrantEvent.REVOKED_BY_USER,
        GrantEvent.REVOKED_BY_OPERATOR,
        GrantEvent.CLIENT_ENDED,
        GrantEvent.CREDENTIALS_CHANGED,
        GrantEvent.ENDED_BY_APPLICATION,
    )
)
"""What ends a grant and makes its user forget the client (Rule 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedConsent:
    """A remembered consent.

    Attributes:
        consent_id: Its name among those of the user.
        client_id: Whom the user allowed something.
        redirect_uri: Where the code went.
        resource: For which resource.
        scope: What.
        fingerprint: Of the client as it was.
        remembered_at: When the user said so, in Unix seconds.
        expires_at: When it is forgotten, in Unix seconds.
    """

    consent_id: str
    client_id: str
    redirect_uri: str
    resource: str
    scope: Scope
    fingerprint: bytes = field(repr=False)
    remembered_at: int
    expires_at: int


def may_be_remembered(client: Client, redirect_uri: str, policy: Policy) -> bool:
    """Tell whether an answer to this client may be remembered (Rule 1)."""
    if policy.consent.remembers == "assured":
        return client.is_confidential or is_hosted(redirect_uri)
    return policy.consent.remembers == "always"


def holds_for(
    remembered: RememberedConsent | None,
    request: AuthorizationRequest,
    client: Client,
    policy: Policy,
    *,
    now: int,
) -> bool:
    """Tell whether a request need not be put to the user again.

    Args:
        remembered: What is remembered of this client, redirect URI and resource.
        request: What is asked.
        client: The requesting client, as it is now.
        policy: What the operator decides today.
        now: The time.
    """
    if remembered is None or now >= remembered.expires_at:
        return False
    # A token in the fragment is for any recipient: no secret is required any more. And
    # details describe one specific action, which the user has not yet seen.
    if request.wants_token or request.details is not None:
        return False
    if not may_be_remembered(client, request.redirect_uri, policy):
        return False
    if remembered.fingerprint != client_fingerprint(client):
        return False
    return request.scope.issubset(remembered.scope)


def after_answer(
    earlier: RememberedConsent | None,
    consent: Consent,
    allowed: Scope,
    *,
    remember: bool,
    consent_id: str,
    policy: Policy,
    now: int,
) -> RememberedConsent | None:
    """Decide what is remembered after a question was answered.

    Args:
        earlier: What was remembered of this client, redirect URI and resource.
        consent: The question.
        allowed: What of it was allowed; nothing if it was denied.
        remember: Whether the user asked not to be asked again.
        consent_id: For what is remembered.
        policy: What the operator decided.
        now: The time of the turn.

    Returns:
        What to remember from now on, if anything.
    """
    fingerprint = client_fingerprint(consent.client)
    if earlier is not None and earlier.fingerprint != fingerprint:
        earlier = None
    refused = consent.offered.difference(allowed)
    kept = Scope() if earlier is None else earlier.scope.difference(refused)
    request = consent.request
    if remember and may_be_remembered(consent.client, request.redirect_uri, policy):
        return RememberedConsent(
            consent_id=consent_id,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            resource=request.resource,
            scope=kept.union(allowed),
            fingerprint=fingerprint,
            remembered_at=now,
            expires_at=now + policy.consent.remembered_seconds,
        )
    return replace(earlier, scope=kept) if earlier is not None and kept else None
