"""The token endpoint.

The order is the same for every grant (D-03): who is the client, what does it want, may
it want that, and only then the grant's own rules, in a turn of the actor that owns it.
"""

from collections.abc import Callable, Sequence

from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device_authorizations import DeviceAuthorizations
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.id_tokens import IdTokens
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.sender_proofs import SenderProofs
from actor_oauth.actors.token_endpoint.grant import Answer, GrantParts
from actor_oauth.actors.token_endpoint.grants import enabled_grants
from actor_oauth.actors.token_exchange import TokenExchange
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenKind, TokenResponse
from actor_oauth.oauth.wire import WireError


class TokenEndpoint:
    """Answers clients that ask for tokens.

    Args:
        effects: What to act through.
        clients: Authenticates clients.
        token_format: Reads and writes access tokens.
        proofs: Reads DPoP proofs.
        refusals: Where refusals are reported.
        issuers: Whose assertions are taken.
        callbacks: Runs the application's callbacks.
    """

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        *,
        token_format: TokenFormat,
        proofs: SenderProofs,
        refusals: Refusals,
        issuers: Issuers,
        callbacks: CallbackRunner | None = None,
    ) -> None:
        self._clients = clients
        self._format = token_format
        self._proofs = proofs
        self._refusals = refusals
        self._watchers: list[Callable[[str], None]] = []
        self._id_tokens = IdTokens(effects)
        # Without a callback to ask, trading a token is one turn.
        has_callback = callbacks is not None and callbacks.callbacks.on_token_exchange
        exchange_callback = callbacks if has_callback else None
        self.devices = DeviceAuthorizations(
            effects, clients, refusals, exchange_callback
        )
        self._exchange = TokenExchange(effects, clients)
        self._grants = enabled_grants(
            GrantParts(
                effects=effects,
                clients=clients,
                exchange_callback=exchange_callback,
                callbacks=callbacks,
                devices=self.devices,
                exchange=self._exchange,
                issuers=issuers,
            )
        )

    def watch(self, watcher: Callable[[str], None]) -> None:
        """See `AuthorizationServer.watch_tokens`."""
        self._watchers.append(watcher)

    async def token(
        self,
        form: Parameters,
        authorization: str | None,
        proofs: Sequence[str] = (),
    ) -> TokenResponse | WireError:
        """Answer a token request (RFC 6749 §4.1.3, §6; RFC 9449 §5)."""
        answer = await self._token(form, authorization, proofs)
        if not isinstance(answer, Refused):
            for watcher in self._watchers:
                watcher(form.get("grant_type") or "")
            return answer
        error = self._refusals.tell(answer, "token", form, authorization)
        return self._proofs.with_nonce(error, answer.reason)

    async def exchange(
        self,
        token: str,
        *,
        scope: Scope | None,
        resource: str | None,
        expires_in: int | None,
    ) -> TokenResponse | Refused:
        """Exchange an access token on behalf of the client that has it."""
        subject = self._format.read(token)
        if subject is None or subject.kind is not TokenKind.ACCESS:
            return Refused(Reason.SUBJECT_TOKEN_INVALID)
        request = ExchangeRequest(
            subject=subject,
            client=None,
            scope=scope,
            resources=() if resource is None else (resource,),
            expires_in=expires_in,
        )
        return await self._write(await self._exchange.exchange(request))

    async def _token(
        self, form: Parameters, authorization: str | None, proofs: Sequence[str]
    ) -> Answer:
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return client
        proof = self._proofs.need(proofs, client)
        if isinstance(proof, Refused):
            return proof
        form = self._format.read_subject(form)
        answer = await self._grant(client, form, proof)
        written = await self._write(answer)
        if isinstance(answer, Refused) or isinstance(written, Refused):
            return written
        grant_type = form.get("grant_type") or ""
        return await self._id_tokens.add(
            written, answer.access_token, client, grant_type
        )

    async def _grant(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        grant_type = form.get("grant_type")
        if grant_type is None:
            return Refused(Reason.GRANT_TYPE_MISSING)
        if grant_type not in self._grants:
            return Refused(Reason.GRANT_TYPE_UNSUPPORTED)
        if grant_type not in client.grant_types:
            return Refused(Reason.GRANT_TYPE_UNREGISTERED)
        details = form.get("authorization_details")
        if details is not None and grant_type != "refresh_token":
            # Better refused than taken for narrowed (RFC 9396 §6).
            return Refused(Reason.DETAILS_NOT_NARROWED)
        return await self._grants[grant_type](client, form, proof)

    async def _write(self, answer: Answer) -> Answer:
        return (
            answer if isinstance(answer, Refused) else await self._format.write(answer)
        )
