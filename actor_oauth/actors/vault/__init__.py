"""The vault of one user: connections to other services, and sign-ins on their way."""

from actor_oauth.actors.vault.actor import VaultActor
from actor_oauth.actors.vault.attempt_turns import Answered, NotStored, Stored, Taken
from actor_oauth.actors.vault.connection_turns import Removed
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.looking import LookUp, Version
from actor_oauth.actors.vault.owed import Owed
from actor_oauth.actors.vault.refresh_turns import (
    RefreshDue,
    RefreshFinished,
    RefreshRunning,
)
from actor_oauth.actors.vault.terms import Terms

__all__ = [
    "Answered",
    "Connection",
    "LookUp",
    "NotStored",
    "Owed",
    "RefreshDue",
    "RefreshFinished",
    "RefreshRunning",
    "Removed",
    "Stored",
    "Taken",
    "Terms",
    "VaultActor",
    "Version",
]
