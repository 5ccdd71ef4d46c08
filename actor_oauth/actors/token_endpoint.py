"""What clients ask with a form: tokens, revocation, introspection.

The order is the same everywhere (D-03): who is the client, what does it want, may it want
that, and only then the grant's own rules, in a turn of the user's actor.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from actor_oauth.actors.asking import redeem_asking, refresh_asking, resolved
from actor_oauth.actors.callbacks import CallbackRunner, ObservedError
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device_authorizations import DeviceAuthorizations
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.sender_proofs import SenderProofs
from actor_oauth.actors.token_exchange import TokenExchange
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.actors.user import Redeemed, Refreshed, UserActor
from actor_oauth.oauth.client_credentials import ClientTokenRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.grant_types import (
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    enabled_grant_types,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh import RefreshRequest
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import (
    AccessTokenInfo,
    Token,
    TokenKind,
    TokenResponse,
    parse_token,
)
from actor_oauth.oauth.wire import WireError, to_wire

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Answer = TokenResponse | Refused

ACCESS_KINDS: Final = frozenset((TokenKind.ACCESS, TokenKind.CLIENT_ACCESS))
INACTIVE: Final[Mapping[str, Json]] = {"active": False}


class TokenEndpoint:
    """Answers clients that authenticate by form or header."""

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        callbacks: CallbackRunner | None = None,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._callbacks = callbacks
        # Without a callback to ask, trading a token is one turn.
        asks = callbacks is not None and callbacks.callbacks.on_token_exchange
        self._asks = callbacks if asks else None
        self.devices = DeviceAuthorizations(effects, clients, self._asks)
        self._exchange = TokenExchange(effects, clients)
        self._format = TokenFormat(effects)
        self._proofs = SenderProofs(effects, endpoints_of(effects.policy).token)
        self._grants: Mapping[
            str, Callable[[Client, Parameters, Proof | None], Awaitable[Answer]]
        ] = {
            "authorization_code": self._redeem,
            "refresh_token": self._refresh,
            CLIENT_CREDENTIALS: self._client_credentials,
            TOKEN_EXCHANGE: self._exchange.answer,
            DEVICE_CODE: self.devices.poll,
        }
        self._enabled = frozenset(enabled_grant_types(effects.policy))

    async def token(
        self,
        form: Parameters,
        authorization: str | None,
        proofs: Sequence[str] = (),
    ) -> TokenResponse | WireError:
        """Answer a token request (RFC 6749 §4.1.3, §6; RFC 9449 §5)."""
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return self._tell(client, "token", form, authorization)
        proof = self._proofs.need(proofs, client)
        if isinstance(proof, Refused):
            error = self._tell(proof, "token", form, authorization)
            return self._proofs.with_nonce(error, proof.reason)
        answer = await self._grant(client, self._format.read_subject(form), proof)
        if not isinstance(answer, Refused):
            answer = await self._format.write(answer)
        if isinstance(answer, Refused):
            return self._tell(answer, "token", form, authorization)
        return answer

    async def _grant(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        grant_type = form.get("grant_type")
        if grant_type is None:
            return Refused(Reason.GRANT_TYPE_MISSING)
        if grant_type not in self._enabled:
            return Refused(Reason.GRANT_TYPE_UNSUPPORTED)
        if grant_type not in client.grant_types:
            return Refused(Reason.GRANT_TYPE_UNREGISTERED)
        return await self._grants[grant_type](client, form, proof)

    async def _redeem(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        text = form.get("code")
        if text is None or form.get("code_verifier") is None:
            return Refused(Reason.PARAMETER_MISSING)
        code = self._token(text, TokenKind.CODE)
        if code is None:
            return Refused(Reason.CODE_UNKNOWN)
        effects = self._effects
        owner, redirect_uri = self._owner(code), form.get("redirect_uri")
        verifier, resources = form.get("code_verifier"), form.getlist("resource")
        if self._asks is not None:
            request = CodeRequest(
                code, client, redirect_uri, verifier, resources, proof
            )
            answer = await redeem_asking(self._asks, effects, owner, request)
        else:
            answer = await owner.redeem(
                code,
                client=client,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
                resources=resources,
                proof=proof,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        return answer.response if isinstance(answer, Redeemed) else answer

    async def _refresh(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        text = form.get("refresh_token")
        if text is None:
            return Refused(Reason.PARAMETER_MISSING)
        scope = _scope(form)
        if isinstance(scope, Refused):
            return scope
        token = self._token(text, TokenKind.REFRESH)
        if token is None:
            return Refused(Reason.REFRESH_UNKNOWN)
        effects = self._effects
        owner, resources = self._owner(token), form.getlist("resource")
        if self._asks is not None:
            request = RefreshRequest(
                token,
                client.client_id,
                scope,
                resources,
                proof,
                binds=not client.is_confidential,
            )
            answer = await refresh_asking(self._asks, effects, owner, request)
        else:
            answer = await owner.refresh(
                token,
                client=client,
                scope=scope,
                resources=resources,
                proof=proof,
                keyring=effects.keyring,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        return answer.response if isinstance(answer, Refreshed) else answer

    async def _client_credentials(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        if proof is not None:
            # Better no token than one that its client takes for bound.
            return Refused(Reason.DPOP_UNSUPPORTED)
        scope = _scope(form)
        if isinstance(scope, Refused):
            return scope
        effects = self._effects
        resources = form.getlist("resource")
        return await self._clients.actor(client.client_id).issue_token(
            ClientTokenRequest(client=client, scope=scope, resources=resources),
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    async def revoke(
        self, form: Parameters, authorization: str | None
    ) -> WireError | None:
        """Answer a revocation request; None is success, whatever the token was.

        Source: RFC 7009 §2 (H-01 to H-05).
        """
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return self._tell(client, "revoke", form, authorization)
        text = form.get("token")
        if text is None:
            refused = Refused(Reason.TOKEN_MISSING)
            return self._tell(refused, "revoke", form, authorization)
        # The hint is not needed: a token says itself what it is (H-01).
        token = self._format.read(text)
        if token is not None:
            await self._format.holder(token).revoke_token(
                token, client_id=client.client_id, now=self._effects.now()
            )
        return None

    async def introspect(
        self, form: Parameters, authorization: str | None
    ) -> Mapping[str, Json] | WireError:
        """Answer an introspection request (RFC 7662 §2).

        Only confidential clients may ask. About other clients' tokens only those that the
        operator registered are answered, as resource servers are: anybody can register
        itself, and would else test whatever token it found (H-09).
        """
        client = await self._clients.authenticate(form, authorization)
        if not isinstance(client, Refused) and not client.is_confidential:
            client = Refused(Reason.CLIENT_METHOD_WRONG)
        if isinstance(client, Refused):
            return self._tell(client, "introspect", form, authorization)
        text = form.get("token")
        if text is None:
            refused = Refused(Reason.TOKEN_MISSING)
            return self._tell(refused, "introspect", form, authorization)
        info = await self._check(text)
        is_vetted = client.origin == "pre-registered"
        if info is None or not (is_vetted or info.client_id == client.client_id):
            return INACTIVE
        return self._active(info)

    async def validate(self, resource: str, token: str) -> AccessTokenInfo | None:
        """What an access token is good for at a resource; None if for nothing (G-05)."""
        info = await self._check(token) or await self._resolve(resource, token)
        if info is None or canonical_resource(info.resource) != canonical_resource(
            resource
        ):
            return None
        return info

    async def accept_proof(self, text: str, proof: Proof) -> Refused | None:
        """Accept a proof that came with an access token, once (F-05, F-06)."""
        token = self._format.read(text)
        if token is None or token.kind is not TokenKind.ACCESS:
            return Refused(Reason.DPOP_PROOF_SIGNATURE)
        now = self._effects.now()
        return await self._owner(token).accept_proof(token, proof, now=now)

    def proof_nonces(self) -> Sequence[str] | None:
        """The nonces for resource servers, if proofs need one (F-13)."""
        if not self._effects.policy.dpop_nonces_required:
            return None
        return self._proofs.accepted("resource server")

    async def unwrap(self, token: str) -> AccessTokenInfo | None:
        """What an access token says, whichever resource it is for."""
        return await self._check(token)

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
        answer = await self._exchange.exchange(request)
        return (
            answer if isinstance(answer, Refused) else await self._format.write(answer)
        )

    async def _check(self, text: str) -> AccessTokenInfo | None:
        token = self._format.read(text)
        if token is None or token.kind not in ACCESS_KINDS:
            return None
        return await self._format.holder(token).check_access_token(
            token, now=self._effects.now()
        )

    def _active(self, info: AccessTokenInfo) -> dict[str, Json]:
        return {
            "active": True,
            "scope": str(info.scope),
            "client_id": info.client_id,
            "sub": info.user_id,
            "aud": info.resource,
            "iss": self._effects.policy.issuer,
            "exp": info.expires_at,
            "iat": info.issued_at,
            "token_type": info.token_type,
            **({} if info.jkt is None else {"cnf": {"jkt": info.jkt}}),
        }

    @staticmethod
    def _token(text: str, kind: TokenKind) -> Token | None:
        token = parse_token(text)
        return token if token is not None and token.kind is kind else None

    def _owner(self, token: Token) -> UserActor:
        return self._effects.system.get(UserActor, token.actor_key)

    async def _resolve(self, resource: str, text: str) -> AccessTokenInfo | None:
        # Whatever has our form is ours: nobody else is asked about it.
        if self._callbacks is None or self._format.read(text) is not None:
            return None
        return resolved(
            await self._callbacks.resolve(text, resource), now=self._effects.now()
        )

    def _tell(
        self,
        refused: Refused,
        endpoint: str,
        form: Parameters,
        authorization: str | None,
    ) -> WireError:
        error = to_wire(refused.reason, header_used=authorization is not None)
        if self._callbacks is not None:
            self._callbacks.observe(
                ObservedError(
                    endpoint=endpoint,
                    reason=str(refused.reason),
                    category=refused.reason.category.name.lower(),
                    status=error.status,
                    client_id=form.get("client_id"),
                    detail=refused.detail,
                )
            )
        log.info(
            "refused",
            endpoint=endpoint,
            reason=str(refused.reason),
            category=refused.reason.category.name.lower(),
            detail=refused.detail,
            client_id=form.get("client_id"),
        )
        return error


def _scope(form: Parameters) -> Scope | Refused | None:
    text = form.get("scope")
    scope = None if text is None else parse_scope(text)
    return Refused(Reason.SCOPE_MALFORMED) if scope is None and text else scope
