"""What an operator does to a client, in the client's actor."""

from dataclasses import replace

from actor_oauth.actors.client.registration import load_registration, save_registration
from actor_oauth.oauth.client_update import ClientChanges, decide_update
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Actor, turn


class OperatedClient(Actor, kind="client"):
    """The part of a client's actor that an operator uses."""

    @turn
    def update(self, changes: ClientChanges, *, policy: Policy) -> Client | Refused:
        """Change the registration; gives it as it is now.

        Existing grants stay as they are. An open consent that is affected by the change
        has to be asked for again.
        """
        registration = load_registration(self.db)
        client = registration.client
        if client is None:
            return Refused(Reason.CLIENT_UNKNOWN)
        decided = decide_update(client, changes, policy)
        if isinstance(decided, Client):
            save_registration(
                self.db, replace(registration, record=decided.to_record())
            )
        return decided

    @turn
    def rotate_secret(self, secret_hash: bytes) -> bool:
        """Give the client another secret; the one before is good until it is used.

        So a secret that got lost, or that is not deployed everywhere yet, locks nobody
        out (B-35). Rotated again before that, the client keeps the one that it uses.

        Returns:
            False unless there is an active client with a secret.
        """
        registration = load_registration(self.db)
        if registration.client is None or registration.secret_hash is None:
            return False
        previous = registration.previous_secret_hash or registration.secret_hash
        save_registration(
            self.db,
            replace(
                registration, secret_hash=secret_hash, previous_secret_hash=previous
            ),
        )
        return True

    @turn
    def retire_secret(self, secret_hash: bytes) -> None:
        """End the secret before this one, which was used."""
        registration = load_registration(self.db)
        if registration.secret_hash == secret_hash:
            save_registration(self.db, replace(registration, previous_secret_hash=None))
