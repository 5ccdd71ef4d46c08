"""`AuthorizationServer`: the role that issues tokens, and the helper API for applications.

Each method asks the one actor that owns the answer. The server's own endpoints and pages
are built on the same methods that an application with pages of its own uses. The methods
stand in one module for each concern; to add some, write a module and name its class in
`server.py`.

Every method may raise `ActorError` (see `actor_oauth.runtime`) when the answer cannot be
had at the moment: nothing is wrong with what was asked, and nothing is half-done.
"""

from actor_oauth.actors.accounts import LoginRefused, Session
from actor_oauth.actors.authorization_server.server import (
    ACTOR_KINDS,
    AuthorizationServer,
)
from actor_oauth.actors.authorizations import ConsentScope, ConsentView, Gone, Redirect
from actor_oauth.actors.clients import NewClient
from actor_oauth.actors.user import GrantPage, GrantSummary

__all__ = [
    "ACTOR_KINDS",
    "AuthorizationServer",
    "ConsentScope",
    "ConsentView",
    "Gone",
    "GrantPage",
    "GrantSummary",
    "LoginRefused",
    "NewClient",
    "Redirect",
    "Session",
]
