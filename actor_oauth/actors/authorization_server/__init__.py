"""`AuthorizationServer`: the role that issues tokens, and the helper API for applications.

Each method calls the one actor that owns the answer. The server's own endpoints and
pages use the same methods as an application with pages of its own. There is one module
of methods for each concern; to add some, write a module and name its class in
`server.py`.

Every method may raise `ActorError` (see `actor_oauth.runtime`) when the answer cannot be
had at the moment: nothing is wrong with what was asked, and nothing is half-done.
"""

from actor_oauth.actors.accounts import LoginRefused, Session
from actor_oauth.actors.authorization_server.server import (
    ACTOR_KINDS,
    AuthorizationServer,
)
from actor_oauth.actors.clients import NewClient
from actor_oauth.actors.device_questions import DeviceView, TooManyAttempts
from actor_oauth.actors.user import GrantPage, GrantSummary
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.consent_view import ConsentScope, ConsentView
from actor_oauth.oauth.interaction import Interaction, SignIn

__all__ = [
    "ACTOR_KINDS",
    "AuthorizationError",
    "AuthorizationRequest",
    "AuthorizationServer",
    "ConsentScope",
    "ConsentView",
    "DeviceView",
    "GrantPage",
    "GrantSummary",
    "Interaction",
    "LoginRefused",
    "NewClient",
    "Redirect",
    "Session",
    "SignIn",
    "TooManyAttempts",
]
