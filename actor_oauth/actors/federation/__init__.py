"""Actors of signing in with other services: attempts under way, and connected identities."""

from actor_oauth.actors.federation.identities import IdentityActor
from actor_oauth.actors.federation.sign_ins import BegunSignIn, SignInsActor

FEDERATION_KINDS = (SignInsActor, IdentityActor)

__all__ = ["FEDERATION_KINDS", "BegunSignIn", "IdentityActor", "SignInsActor"]
