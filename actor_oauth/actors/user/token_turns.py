"""The part of a user's actor that issues, checks and exchanges tokens."""

from actor_oauth.actors.proofs import note_proof, unless_used
from actor_oauth.actors.user import exchange, exchanged_tokens
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.refreshing import Refreshed, RefreshOutcome, refresh
from actor_oauth.actors.user.tokens import find_access_token
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.introspect import Access, access_of, decide_access
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest, ReuseDue
from actor_oauth.oauth.revoke import Revoked
from actor_oauth.oauth.tokens import (
    AccessTokenInfo,
    Token,
    TokenResponse,
    token_hash,
)
from actor_oauth.runtime import turn, view


class TokenTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn
    def redeem(
        self,
        token: Token,
        *,
        client: Client,
        redirect_uri: str | None,
        code_verifier: str | None,
        resources: tuple[str, ...] = (),
        proof: Proof | None = None,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused:
        """Redeem a code for an authenticated client (D-12 to D-20)."""
        request = CodeRequest(
            token, client, redirect_uri, code_verifier, resources, proof
        )
        return exchange.redeem(self.db, request, policy=policy, fresh=fresh, now=now)

    @turn
    def refresh(
        self,
        request: RefreshRequest,
        *,
        keyring: Keyring,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Refreshed | ReuseDue | Refused:
        """Refresh for an authenticated client (D-21 to D-32).

        Returns:
            ReuseDue if the application is to be asked first, by `refresh_step`.
        """
        outcome = refresh(
            self.db, request, keyring=keyring, policy=policy, fresh=fresh, now=now
        )
        if isinstance(outcome, RefreshOutcome):
            return self._refreshed(outcome)
        return outcome

    @view(remembered_by=token_hash)
    def access(self, token: Token) -> Access | None:
        """Give what an access token allows while it is valid, with its props."""
        return access_of(token, find_access_token(self.db, token))

    @view
    def introspect(self, token: Token, *, now: int) -> AccessTokenInfo | None:
        """Say the same without the props. Other kinds of token are inactive (H-10)."""
        stored = find_access_token(self.db, token)
        return decide_access(token, stored, now=now, with_props=False)

    @turn
    def exchange_token(
        self,
        request: ExchangeRequest,
        *,
        client_epoch: int | None = None,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> TokenResponse | Refused:
        """Exchange an access token for an authenticated client (D-35 to D-39).

        Args:
            request: What the client sent.
            client_epoch: From enlisting the client, if the token is another client's.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.
        """
        outcome = exchanged_tokens.exchange(
            self.db,
            request,
            client_epoch=client_epoch,
            policy=policy,
            fresh=fresh,
            now=now,
        )
        if isinstance(outcome, TokenResponse):
            self._sweep_soon(now)
        return outcome

    @turn
    def revoke_token(self, token: Token, *, client_id: str, now: int) -> Revoked:
        """Revoke a token at its client's request; the result is for the log only."""
        return exchange.revoke(self.db, token, client_id=client_id, now=now)

    @turn
    def accept_proof(self, token: Token, proof: Proof, *, now: int) -> Refused | None:
        """Accept a proof that came with an access token, once (F-05, F-06).

        Returns:
            Refused if the token is not alive, not bound to this key, or the proof was
            used before.
        """
        info = decide_access(
            token, find_access_token(self.db, token), now=now, with_props=False
        )
        if info is None or info.jkt is None or not same_key(info.jkt, proof):
            return Refused(Reason.DPOP_PROOF_SIGNATURE)
        refused = unless_used(self.db, proof, None)
        if refused is None:
            note_proof(self.db, proof, now=now)
            self._sweep_soon(now)
        return refused
