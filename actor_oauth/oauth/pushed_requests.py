"""Pushed authorization requests: sent by the client itself, named by a random URI.

Rule 1: what the browser brings is a name and nothing more. The parameters are those that
were pushed, whatever else the browser brings along (RFC 9101 §5).
Rule 2: a name is spent when an authorization completes, not when a page is shown, so
that a reload, a prefetching browser or a mail scanner uses nothing up (FAPI 2.0).
Rule 3: one completion gets it. The same completion may come again, for its answer may
have been lost; any other finds the name spent (C-27).
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    decide_authorization_request,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused

REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
SECRET_LENGTH: Final = 32

MAX_RECORD_LENGTH: Final = 16384
"""Maximum length of a stored request: as much as fits into a URL elsewhere."""

KEPT_AFTER_EXPIRY: Final = 1800
"""Seconds that a user who arrived in time may take to sign in and to answer."""

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedResponse:
    """What a client gets for a request that it pushed (RFC 9126 §2.2).

    Attributes:
        request_uri: To be sent to the authorization endpoint, with the client id.
        expires_in: Seconds in which the browser must bring it.
    """

    request_uri: str = field(repr=False)
    expires_in: int

    def to_json(self) -> dict[str, Json]:
        """Give the members of the answer's JSON object."""
        return {"request_uri": self.request_uri, "expires_in": self.expires_in}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A pushed request as its client's actor keeps it.

    Attributes:
        request: As it was decided when it was pushed.
        expires_at: Until when a browser may come with its name, in Unix seconds.
        completion: The one completion that spent the name, or None.
    """

    request: AuthorizationRequest
    expires_at: int
    completion: bytes | None = field(repr=False)


def render_request_uri(secret: bytes) -> str:
    """Give the name of a request, from 32 random bytes."""
    return REQUEST_URI_PREFIX + urlsafe_b64encode(secret).decode().rstrip("=")


def is_pushed(request_uri: str) -> bool:
    """Tell whether a `request_uri` is of our kind, and not one to be fetched."""
    return request_uri.startswith(REQUEST_URI_PREFIX)


def request_uri_hash(request_uri: str) -> bytes | None:
    """Give the stored form of a name; None for a text that is no name of ours."""
    text = request_uri.removeprefix(REQUEST_URI_PREFIX)
    if not is_pushed(request_uri) or _SECRET(text) is None:
        return None
    secret = urlsafe_b64decode(text + "=")
    return hashlib.sha256(b"actor_oauth request_uri\0" + secret).digest()


def decide_push(
    params: Parameters, client: Client, policy: Policy, proof: Proof | None = None
) -> AuthorizationRequest | Refused:
    """Decide whether an authenticated client's request may be stored.

    It is checked as at the authorization endpoint, but without any redirect: the client
    itself is asking (RFC 9126 §2.1, §2.3).

    Args:
        params: The form.
        client: Who authenticated.
        policy: What the operator decided.
        proof: Of the key that must redeem the code, if one was sent (RFC 9449 §10.1).
    """
    if params.get("request_uri") is not None:
        return Refused(Reason.REQUEST_URI_PUSHED)
    # Who authenticates by header need not name itself a second time.
    named = params.with_value("client_id", client.client_id)
    decision = decide_authorization_request(named, client, policy, pushed=True)
    if not isinstance(decision, AuthorizationRequest):
        return Refused(decision.reason)
    if proof is not None:
        if not same_key(decision.dpop_jkt, proof):
            return Refused(Reason.DPOP_KEY_MALFORMED)
        decision = replace(decision, dpop_jkt=proof.jkt)
    if len(decision.to_record()) > MAX_RECORD_LENGTH:
        return Refused(Reason.FORM_TOO_LARGE)
    return decision


def decide_presentation(
    stored: StoredRequest | None, request_uri: str, *, presented_at: int
) -> AuthorizationRequest | Refused:
    """Decide whether a name that a browser brings may be put to a user (C-26).

    Args:
        stored: What the client of that name pushed under it, or None.
        request_uri: The name.
        presented_at: When the browser first brought it: signing in may take longer
            than the name lives.
    """
    if stored is None:
        return Refused(Reason.REQUEST_URI_UNKNOWN)
    if presented_at >= stored.expires_at:
        return Refused(Reason.REQUEST_URI_EXPIRED)
    if stored.completion is not None:
        return Refused(Reason.REQUEST_URI_SPENT)
    return replace(stored.request, request_uri=request_uri)


def decide_completion(
    stored: StoredRequest | None, completion: bytes
) -> StoredRequest | Refused:
    """Decide whether an authorization may complete under a name (C-27).

    Args:
        stored: What is known of the name, or None.
        completion: Random bytes that identify this one completion.

    Returns:
        What to store from now on.
    """
    if stored is None:
        return Refused(Reason.REQUEST_URI_UNKNOWN)
    earlier = stored.completion
    if earlier is not None and not hmac.compare_digest(earlier, completion):
        return Refused(Reason.REQUEST_URI_SPENT)
    return replace(stored, completion=completion)
