"""Token exchange: from a client's form, or the application's call, to the owner's turn."""

from dataclasses import replace

from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.exchange_token import ExchangeRequest, parse_exchange
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse


class TokenExchange:
    """Exchanges access tokens for ones that can do less."""

    def __init__(self, effects: Effects, clients: Clients) -> None:
        self._effects = effects
        self._clients = clients

    async def answer(
        self, client: Client, form: Parameters, proof: Proof | None = None
    ) -> TokenResponse | Refused:
        """Answer a token request of an authenticated client (RFC 8693 §2)."""
        request = parse_exchange(form, client)
        if isinstance(request, Refused):
            return request
        return await self.exchange(replace(request, proof=proof))

    async def exchange(self, request: ExchangeRequest) -> TokenResponse | Refused:
        """Exchange a token at the actor that owns it."""
        effects = self._effects
        owner = effects.system.get(UserActor, request.subject.actor_key)
        info = await owner.introspect(request.subject, now=effects.now())
        if info is None:
            return Refused(Reason.SUBJECT_TOKEN_INVALID)
        epoch = await self._enlist(request.client, info, owner.address.key)
        if isinstance(epoch, Refused):
            return epoch
        return await owner.exchange_token(
            request,
            client_epoch=epoch,
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    async def _enlist(
        self, client: Client | None, info: AccessTokenInfo, user_key: str
    ) -> int | Refused | None:
        # What a client got from another one's grant must end with the client too
        # (B-36).
        if client is None or client.client_id == info.client_id:
            return None
        if client.client_id not in self._effects.policy.exchange_clients:
            return Refused(Reason.SUBJECT_TOKEN_FOREIGN)
        return await self._clients.enlist(client.client_id, user_key)
