"""The actor of one user: account, sessions, consents, grants, codes and tokens."""

from actor_oauth.actors.user.account import Account
from actor_oauth.actors.user.actor import UserActor
from actor_oauth.actors.user.audit import AccountEvent, AuditEvent
from actor_oauth.actors.user.authorization import Approved, Denied
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.grants import GrantPage, GrantSummary
from actor_oauth.actors.user.refreshing import Refreshed
from actor_oauth.actors.user.sessions import Session

__all__ = [
    "Account",
    "AccountEvent",
    "Approved",
    "AuditEvent",
    "Denied",
    "GrantPage",
    "GrantSummary",
    "Redeemed",
    "Refreshed",
    "Session",
    "UserActor",
]
