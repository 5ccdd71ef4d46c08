"""The turns after a resource refused a token, or required more scopes."""

from dataclasses import replace
from typing import Final

from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.looking import LookUp, Version, look, version_of
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.credentials import CredentialEvent, advance
from actor_oauth.oauth.upstream.step_up import count_step_up
from actor_oauth.runtime import turn

DOUBT: Final = 300
"""Seconds in which a new token that is refused as well means that none will do."""


class ComplaintTurns(VaultTurns, kind="vault"):
    """What callers report."""

    @turn
    def reject(
        self, number: int, version: Version, *, keyring: Keyring, now: int
    ) -> LookUp | None:
        """Note that a resource refused a token (I-35).

        The first time, the token is to be replaced. If the replacement is refused too,
        only the user can help.

        Args:
            number: Of the connection.
            version: Which token was refused; an older one than the present says nothing.
            keyring: Ours.
            now: The time of the turn.

        Returns:
            What there is; None if the connection does not exist any more.
        """
        found = connections.load_numbered(self.db, number)
        if found is not None and version_of(found.credential) == version:
            self._doubt(found, now=now)
        return look(self.db, number, self._seals(keyring), now=now, newer_than=version)

    @turn
    def want_scope(self, number: int, scope: Scope, *, now: int) -> bool:
        """Note what a request lacked, to be asked for the next time (I-36).

        Returns:
            False if it was requested often enough, or the connection does not exist.
        """
        found = connections.load_numbered(self.db, number)
        if found is None:
            return False
        counted = count_step_up(found.terms.step_ups, scope, now=now)
        if counted is None:
            return False
        terms = replace(found.terms, step_ups=counted, wanted=scope)
        connections.save_terms(self.db, number, terms)
        return True

    def _doubt(self, found: Connection, *, now: int) -> None:
        credential = found.credential
        again = (
            found.terms.doubted == version_of(credential)
            and now < credential.obtained_at + DOUBT
        )
        if credential.can_refresh and not again:
            following = (credential.epoch, credential.generation + 1)
            terms = replace(found.terms, doubted=following)
            connections.save_terms(self.db, found.number, terms)
            return
        state = advance(credential.state, CredentialEvent.CHALLENGED)
        if state is not None:
            connections.save_credential(
                self.db, found.number, replace(credential, state=state)
            )
            self._note_end(found, now=now)
