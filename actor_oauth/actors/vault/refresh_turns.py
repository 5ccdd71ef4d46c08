"""The turns around a refresh: begin, await, finish (I-27 to I-32)."""

from dataclasses import dataclass, field

from actor_oauth.actors.vault import connections, owed
from actor_oauth.actors.vault.looking import LookUp, Version, look
from actor_oauth.actors.vault.storing import save_tokens
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.credentials import (
    Use,
    may_claim,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.oauth.upstream.refreshing import (
    RefreshTicket,
    Settlement,
    begin_refresh,
    settle_refresh,
)
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.runtime import turn


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshDue:
    """A refresh that this caller is to make, and nobody else.

    Attributes:
        ticket: To finish it with.
        server: Whom to ask.
        client: This server's registration; None if the key that it was sealed with is
            gone.
        refresh_token: To be traded.
        resource: To be named, or None.
        scope: What the token was good for.
        may_repeat: Whether a lost answer may be asked for once more: not if one was
            lost already (I-30).
    """

    ticket: RefreshTicket
    server: UpstreamServer
    client: UpstreamClient | None
    refresh_token: str | None = field(repr=False)
    resource: str | None
    scope: Scope
    may_repeat: bool


@dataclass(frozen=True, slots=True)
class RefreshRunning:
    """Another caller is making it.

    Attributes:
        until: When that one's claim lapses.
        look: What there is meanwhile.
    """

    until: int
    look: LookUp


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshFinished:
    """What the answer of a refresh did.

    Attributes:
        settlement: What it did.
        look: What there is now; None if the connection was removed.
        owed: The number under which tokens that came too late are to be revoked, or None.
    """

    settlement: Settlement
    look: LookUp | None
    owed: int | None = None


class RefreshTurns(VaultTurns, kind="vault"):
    """Trading refresh tokens."""

    @turn
    def begin_refresh(
        self,
        number: int,
        claim: bytes,
        *,
        lease: int,
        keyring: Keyring,
        now: int,
        newer_than: Version | None = None,
    ) -> RefreshDue | RefreshRunning | LookUp | None:
        """Claim a refresh, and write down that it begins, before anything is sent.

        Args:
            number: Of the connection.
            claim: 16 random bytes.
            lease: Seconds until another caller may take over.
            keyring: Ours.
            now: The time of the turn.
            newer_than: A token that is not good enough, or None.

        Returns:
            What there is, if none is due any more: another caller has done it (I-28).
        """
        seals = self._seals(keyring)
        found = look(self.db, number, seals, now=now, newer_than=newer_than)
        if found is None or found.use is not Use.REFRESH:
            return found
        connection = found.connection
        credential = connection.credential
        if not may_claim(credential, now=now):
            return RefreshRunning(credential.claimed_until, found)
        begun = begin_refresh(credential, claim, until=now + lease)
        connections.save_credential(self.db, number, begun)
        assert connection.terms.server is not None
        sends_resource = connection.terms.sends_resource
        return RefreshDue(
            ticket=RefreshTicket(
                number=number,
                epoch=credential.epoch,
                generation=credential.generation,
                claim=claim,
            ),
            server=connection.terms.server,
            client=connections.load_client(self.db, number, seals),
            refresh_token=connections.load_secret(self.db, number, "refresh", seals),
            resource=connection.resource if sends_resource else None,
            scope=connection.terms.scope,
            may_repeat=credential.unanswered == 0,
        )

    @turn
    def finish_refresh(
        self,
        ticket: RefreshTicket,
        answer: UpstreamTokens | UpstreamFailed,
        *,
        server: UpstreamServer,
        client: UpstreamClient | None,
        client_ended: bool,
        keyring: Keyring,
        fresh: bytes,
        now: int,
    ) -> RefreshFinished:
        """Store what a refresh brought, before anybody gets to see it (I-29).

        Args:
            ticket: From `begin_refresh`.
            answer: The other server's, or why there is none.
            server: Which one that is.
            client: As whom it was asked; None if nobody was.
            client_ended: Whether the registration that the token is bound to is gone.
            keyring: Ours.
            fresh: 32 random bytes.
            now: The time of the turn.
        """
        number = ticket.number
        found = connections.load_numbered(self.db, number)
        settled = settle_refresh(
            None if found is None else found.credential,
            ticket,
            answer,
            client_ended=client_ended,
            now=now,
        )
        seals = self._seals(keyring, fresh)
        if settled.credential is not None:
            connections.save_credential(self.db, number, settled.credential)
        if settled.settlement is Settlement.RENEWED:
            assert isinstance(answer, UpstreamTokens)
            save_tokens(self.db, number, answer, seals)
        if settled.settlement is Settlement.ENDED:
            connections.erase_secrets(self.db, number, *connections.COLUMNS)
            assert found is not None
            self._note_end(found, now=now)
        late = None
        if found is None and client is not None and isinstance(answer, UpstreamTokens):
            self._list(now=now)
            place = ticket.claim.hex()
            late = owed.owe_tokens(self.db, place, server, client, answer, seals)
        self._watch(number)
        return RefreshFinished(
            settlement=settled.settlement,
            look=look(self.db, number, seals, now=now),
            owed=self._owe(late),
        )
