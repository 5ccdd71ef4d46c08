"""Signing in with accounts at other services: the network side."""

from actor_oauth.upstream.federation.federation import Federation, open_federation
from actor_oauth.upstream.federation.sign_ins import FinishedSignIn, Outward

__all__ = ["Federation", "FinishedSignIn", "Outward", "open_federation"]
