"""The actor of one registered client: registration, secrets, tokens and users."""

from actor_oauth.actors.client.actor import ClientActor, ClientStatus

__all__ = ["ClientActor", "ClientStatus"]
