"""One sign-in at another service: what is asked, and what may be answered.

Rule 1: everything that the response is compared with, and everything that is used to
exchange the code, was recorded when the attempt began (I-15, I-21). Nothing comes from
a cookie.
Rule 2: an answer is believed only after `decide_callback`. Before that nothing of it is
shown, and no code is sent anywhere (I-19).
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from actor_oauth.oauth.json_values import (
    get_integer,
    get_object,
    get_text,
    get_texts,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.pkce import challenge_of
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

LIFETIME: Final = 600
"""Seconds in which the user must return (I-15)."""

FRESH_BYTES: Final = 64

_SECRET: Final = 32
_ONCE: Final = ("code", "state", "iss", "error", "error_description", "error_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in that was begun.

    Attributes:
        resource: What the token is for: the key that it will be stored under.
        server: Who was asked.
        client: As whom.
        scope: What was asked for; empty for whatever the server gives.
        verifier: The PKCE secret.
        expires_at: In Unix seconds.
        sends_resource: Whether the resource is named in requests (RFC 8707).
        name: What the resource calls itself, or None.
    """

    resource: str
    server: UpstreamServer
    client: UpstreamClient
    scope: Scope
    verifier: str = field(repr=False)
    expires_at: int
    sends_resource: bool = True
    name: str | None = None

    def to_record(self) -> str:
        """Give what is stored of it. It is secret."""
        return render_record(
            {
                "resource": self.resource,
                "server": self.server.to_record(),
                "client": self.client.to_record(),
                "scope": [*self.scope],
                "verifier": self.verifier,
                "expires_at": self.expires_at,
                "sends_resource": self.sends_resource,
                "name": self.name,
            }
        )

    @classmethod
    def from_record(cls, text: str) -> "Attempt":
        """Read what `to_record` gave.

        Raises:
            RecordError: It is damaged.
        """
        record = parse_record(text)
        return cls(
            resource=need_text(record, "resource"),
            server=UpstreamServer.from_record(get_object(record, "server")),
            client=UpstreamClient.from_record(get_object(record, "client")),
            scope=Scope(get_texts(record, "scope")),
            verifier=need_text(record, "verifier"),
            expires_at=get_integer(record, "expires_at"),
            sends_resource=record.get("sends_resource") is True,
            name=get_text(record, "name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser about to be sent away.

    Attributes:
        parameters: What is asked.
        state: The secret that it comes back with.
        attempt: To be recorded under `state_hash(state)` before it leaves.
    """

    parameters: Mapping[str, str] = field(repr=False)
    state: str = field(repr=False)
    attempt: Attempt

    @property
    def url(self) -> str:
        """Where to, if the browser itself carries what is asked."""
        return with_query(self.attempt.server.authorization_endpoint, self.parameters)


def begin_attempt(
    *,
    resource: str,
    server: UpstreamServer,
    client: UpstreamClient,
    scope: Scope,
    fresh: bytes,
    now: int,
    sends_resource: bool = True,
    further: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Departure:
    """Make an authorization request.

    Args:
        resource: What the token is for.
        server: Whom to ask.
        client: As whom.
        scope: What to ask for.
        fresh: 64 random bytes.
        now: The time, in Unix seconds.
        sends_resource: Whether to name the resource. Some servers that were configured
            by hand refuse the parameter.
        further: More parameters that such a server needs.
        name: What the resource calls itself.

    Source: OAuth 2.1 §4.1.1, RFC 8707 §2.1 (I-15, I-16).
    """
    verifier, state = _text(fresh[:_SECRET]), _text(fresh[_SECRET:FRESH_BYTES])
    parameters = {
        **(further or {}),
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "state": state,
    }
    if scope:
        parameters["scope"] = str(scope)
    if sends_resource:
        parameters["resource"] = resource
    attempt = Attempt(
        resource=resource,
        server=server,
        client=client,
        scope=scope,
        verifier=verifier,
        expires_at=now + LIFETIME,
        sends_resource=sends_resource,
        name=name,
    )
    return Departure(parameters=parameters, state=state, attempt=attempt)


def choose_scope(
    *,
    wanted: Scope,
    challenged: Scope,
    listed: Scope,
    earlier: Scope,
    server: UpstreamServer,
) -> Scope:
    """Choose what to ask for.

    Args:
        wanted: What the caller named, or a request lacked; counts before all else.
        challenged: What the resource's challenge asked for.
        listed: What the resource's metadata lists.
        earlier: What was asked for before, which a step-up must not lose.
        server: Gives refresh tokens for `offline_access` if it lists that.

    Source: MCP authorization, scope selection strategy (I-17, I-36).
    """
    chosen = wanted or challenged or listed
    if not chosen:
        return chosen
    if wanted or challenged:
        chosen = earlier.union(chosen)
    offline = OFFLINE_ACCESS in server.scopes_supported
    return chosen.union(Scope((OFFLINE_ACCESS,))) if offline else chosen


def state_hash(state: str) -> bytes:
    """Give the key that an attempt is stored under: its state is nowhere (I-15)."""
    return sha256(b"upstream state\0" + state.encode()).digest()[:16]


def decide_callback(
    answer: Parameters, attempt: Attempt, *, redirect_uri: str
) -> str | UpstreamFailed:
    """Decide whether a response is from the asked server, and give its code.

    The caller has already decided whose attempt it is, and that it has not expired.

    Args:
        answer: The callback's parameters.
        attempt: The one that `state` names.
        redirect_uri: Where the answer arrived.

    Source: RFC 9207 §2.4, RFC 9700 §4.4 (I-18, I-19).
    """
    if (
        answer.repeated.intersection(_ONCE)
        or redirect_uri != attempt.client.redirect_uri
    ):
        return UpstreamFailed(fault=UpstreamFault.CALLBACK_MALFORMED)
    issuer, server = answer.get("iss"), attempt.server
    promised = server.authorization_response_iss_parameter_supported
    # Compared exactly: normalising could make two different issuers look the same.
    if (promised or "iss" in answer) and issuer != server.issuer:
        fault = UpstreamFault.CALLBACK_ISSUER_WRONG
        return UpstreamFailed(fault=fault, detail=issuer or "no iss")
    code, error = answer.get("code"), answer.get("error")
    if (code is None) == (error is None):
        return UpstreamFailed(fault=UpstreamFault.CALLBACK_MALFORMED)
    if code is not None:
        return code
    denied = error == "access_denied"
    fault = UpstreamFault.DENIED if denied else UpstreamFault.AUTHORIZATION_FAILED
    return UpstreamFailed(fault=fault, detail=(error or "")[:80])


def with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to an endpoint's URL, whose own stay (RFC 6749 §3.1)."""
    joint = "&" if "?" in endpoint else "?"
    return f"{endpoint}{joint}{urlencode(parameters)}"


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
