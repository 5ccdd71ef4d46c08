"""The application's callbacks: called outside of turns, within a time, once for all.

Rule 1: no callback runs in a turn, or holds up an answer for longer than
`Callbacks.seconds`.
Rule 2: what a callback raises is ours to answer for: it is logged, and becomes a refusal
that costs no client its tokens.
"""

from actor_oauth.actors.callbacks.interface import (
    Callbacks,
    ExternalToken,
    ObservedError,
)
from actor_oauth.actors.callbacks.questions import ResolverUnavailableError
from actor_oauth.actors.callbacks.runner import CallbackRunner, open_callbacks

__all__ = [
    "CallbackRunner",
    "Callbacks",
    "ExternalToken",
    "ObservedError",
    "ResolverUnavailableError",
    "open_callbacks",
]
