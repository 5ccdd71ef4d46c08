"""Pushing authorization requests, and finding them again (RFC 9126)."""

from collections.abc import Sequence

from actor_oauth.actors.client.pushed_requests import (
    MAX_PUSHED,
    MAX_PUSHED_CONFIDENTIAL,
)
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.sender_proofs import SenderProofs
from actor_oauth.oauth.authorization_request import AuthorizationRequest, LocalRefusal
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.pushed_requests import (
    SECRET_LENGTH,
    PushedResponse,
    decide_presentation,
    decide_push,
    is_pushed,
    render_request_uri,
    request_uri_hash,
)
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.wire import WireError


class PushedAuthorizations:
    """The requests that clients pushed, each at its client's actor."""

    def __init__(self, effects: Effects, clients: Clients, refusals: Refusals) -> None:
        self._effects = effects
        self._clients = clients
        self._refusals = refusals
        self._proofs = SenderProofs(
            effects, endpoints_of(effects.policy).pushed_authorization_request or ""
        )

    async def push(
        self, form: Parameters, authorization: str | None, proofs: Sequence[str]
    ) -> PushedResponse | WireError:
        """Answer a client that pushes a request (C-25)."""
        answer = await self._push(form, authorization, proofs)
        if isinstance(answer, Refused):
            error = self._refusals.tell(answer, "par", form, authorization)
            return self._proofs.with_nonce(error, answer.reason)
        return answer

    async def _push(
        self, form: Parameters, authorization: str | None, proofs: Sequence[str]
    ) -> PushedResponse | Refused:
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return client
        proof = self._proofs.read(proofs)
        if isinstance(proof, Refused):
            return proof
        effects = self._effects
        request = decide_push(form, client, effects.policy, proof)
        if isinstance(request, Refused):
            return request
        name = render_request_uri(effects.entropy.token_bytes(SECRET_LENGTH))
        key = request_uri_hash(name)
        assert key is not None
        lifetime = effects.policy.lifetimes.pushed_request
        refused = await self._clients.actor(client.client_id).push(
            request,
            key,
            expires_at=effects.now() + lifetime,
            limit=MAX_PUSHED_CONFIDENTIAL if client.is_confidential else MAX_PUSHED,
            proof=proof,
            now=effects.now(),
        )
        if refused is not None:
            return refused
        return PushedResponse(request_uri=name, expires_in=lifetime)

    async def find(
        self, parameters: Parameters, *, presented_at: int | None
    ) -> AuthorizationRequest | LocalRefusal | None:
        """The request whose name a browser brings, or why it leads nowhere (C-26).

        Args:
            parameters: The query; all but the client's id and the name is ignored.
            presented_at: When the browser first came with it; None for now.

        Returns:
            None if the browser brings no name of a pushed request.
        """
        name = parameters.get("request_uri")
        if name is None or not is_pushed(name):
            return None
        client = await self._clients.lookup(parameters.get("client_id") or "")
        if client is None:
            return LocalRefusal(Reason.AUTHORIZE_CLIENT_UNKNOWN)
        key = request_uri_hash(name)
        stored = None
        if key is not None:
            # Another client's request is at another actor: unknown here.
            stored = await self._clients.actor(client.client_id).pushed_request(key)
        decision = decide_presentation(
            stored,
            name,
            presented_at=self._effects.now() if presented_at is None else presented_at,
        )
        if isinstance(decision, Refused):
            return LocalRefusal(decision.reason)
        if not any(matches(uri, decision.redirect_uri) for uri in client.redirect_uris):
            return LocalRefusal(Reason.REDIRECT_URI_UNREGISTERED)
        return decision

    async def complete(
        self, request: AuthorizationRequest, completion: bytes
    ) -> Refused | None:
        """Reserve the request for a completion; Refused if another one has it (C-27).

        A request that was not pushed has no name to spend.
        """
        if request.request_uri is None:
            return None
        key = request_uri_hash(request.request_uri)
        if key is None:
            return Refused(Reason.REQUEST_URI_UNKNOWN)
        actor = self._clients.actor(request.client_id)
        return await actor.complete_pushed_request(key, completion)
