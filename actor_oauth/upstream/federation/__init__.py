"""Signing in with an account that a person has elsewhere: the network side."""

from actor_oauth.upstream.federation.federation import (
    Federation,
    FinishedSignIn,
    Outward,
    open_federation,
)

__all__ = ["Federation", "FinishedSignIn", "Outward", "open_federation"]
