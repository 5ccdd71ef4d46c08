"""Actors of signing in with other services: pending attempts, and linked identities."""

from actor_oauth.actors.federation.identities import IdentityActor
from actor_oauth.actors.federation.sign_ins import BegunSignIn, SignInsActor

FEDERATION_KINDS = (SignInsActor, IdentityActor)

__all__ = ["FEDERATION_KINDS", "BegunSignIn", "IdentityActor", "SignInsActor"]
