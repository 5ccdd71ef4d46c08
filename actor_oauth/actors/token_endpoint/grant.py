"""What the handlers of all grants have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device_authorizations import DeviceAuthorizations
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.token_exchange import TokenExchange
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import Token, TokenKind, TokenResponse, parse_token

Answer: TypeAlias = TokenResponse | Refused

GrantHandler: TypeAlias = Callable[
    [Client, Parameters, Proof | None], Awaitable[Answer]
]
"""Answers a token request of an authenticated client that may use the grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantParts:
    """What handlers are made of.

    Attributes:
        effects: What to act through.
        clients: The registered clients.
        exchange_callback: Runs `on_token_exchange`; None if there is none.
        callbacks: Runs the other callbacks; None if there are none.
        devices: Device authorizations.
        exchange: Exchanges access tokens.
        issuers: Whose assertions are taken.
    """

    effects: Effects
    clients: Clients
    exchange_callback: CallbackRunner | None
    callbacks: CallbackRunner | None
    devices: DeviceAuthorizations
    exchange: TokenExchange
    issuers: Issuers


def presented(text: str, kind: TokenKind) -> Token | None:
    """Give the code or token that a client presents, if it can be one of this kind."""
    token = parse_token(text)
    return token if token is not None and token.kind is kind else None


def requested_scope(form: Parameters) -> Scope | Refused | None:
    """Give the scope that a client asks for; None if it names none."""
    text = form.get("scope")
    scope = None if text is None else parse_scope(text)
    return Refused(Reason.SCOPE_MALFORMED) if scope is None and text else scope
