"""`BearerGuard`: lets requests with a good access token through to an ASGI application.

It checks every request anew, so that a revoked token stops working with the next
request; `passage.py` goes on checking while an answer stays open (G-14).

A check that could not be made (`ActorError`: overload, full disk, shutdown) is answered
503 and never 401, since clients throw tokens away on 401.

The guard holds no token and no answer between requests.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, cast

from actor_oauth.actors.faults import reason_of
from actor_oauth.oauth.bearer import BearerToken, BoundToken
from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.presented_grant import grant_of_token
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.admission import (
    Protection,
    decide_request,
    decide_sender,
    decide_token,
    missing_scopes,
    refused_proof,
)
from actor_oauth.resource.answers import Answer, challenge_answer, unavailable
from actor_oauth.resource.asgi import (
    ASGIApp,
    Receive,
    RequestHead,
    Scope,
    Send,
    request_head,
)
from actor_oauth.resource.passage import Passage
from actor_oauth.resource.proof_memory import ProofMemory
from actor_oauth.runtime import ActorError, Clock, OverloadedError, SystemClock

ValidateToken = Callable[[str, str], Awaitable[AccessTokenInfo | None]]
"""Maps `(resource identifier, token)` to the facts of a valid token, or None."""

AcceptProof = Callable[[str, Proof], Awaitable[Refused | None]]
"""`(token, proof)`: remembers the proof; Refused if it was used before."""

ProofNonces = Callable[[], Sequence[str] | None]
"""Gives the nonces that are accepted, the newest first; None if none is wanted."""

TOKEN_KEY: Final = "actor_oauth.token"  # noqa: S105  a key, not a token
"""Where the guarded application finds the verified `AccessTokenInfo` in its scope."""
PROTECTION_KEY: Final = "actor_oauth.protection"
"""Where it finds how it is guarded, a `Protection`."""

RETRY_AFTER: Final = 1


class BearerGuard:
    """ASGI middleware that protects an application with access tokens.

    `lifespan` goes through to the application. WebSockets are refused: no browser can
    send a header with them, and nothing here re-checks them.

    Args:
        app: Any ASGI application.
        protection: What is guarded and how; `ResourceServer.guard` makes it.
        validate_token: Asks the authorization server, for every request.
        clock: Tells when tokens expire while a stream is open.
        accept_proof: Remembers DPoP proofs; in this process's memory if not given.
        proof_nonces: What DPoP proofs must hold; nothing if not given.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        protection: Protection,
        validate_token: ValidateToken,
        clock: Clock | None = None,
        accept_proof: AcceptProof | None = None,
        proof_nonces: ProofNonces | None = None,
    ) -> None:
        self._app = app
        self._protection = protection
        self._validate_token = validate_token
        self._clock = clock or SystemClock()
        self._accept_proof = accept_proof or ProofMemory(self._clock).accept
        self._proof_nonces = proof_nonces
        self._open_passages: set[Passage] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Cancelling it cancels the application; nothing is left behind.
        """
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._app(scope, receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1008})

    def end_event_streams(self) -> None:
        """End the event streams that are open for GET requests, as at a shutdown.

        Such a stream never ends by itself, so an orderly stop would wait for it until
        its deadline. Its client connects again, and finds another worker or nobody.
        """
        for passage in self._open_passages:
            if passage.is_event_source:
                passage.cut()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = request_head(scope)
        decision = decide_request(self._protection, head)
        if isinstance(decision, Answer):
            self._protection.note(decision)
        else:
            verdict = await self._admit(decision, head)
            if isinstance(verdict, Passage):
                found = {TOKEN_KEY: verdict.info, PROTECTION_KEY: self._protection}
                await verdict({**scope, **found}, receive, send)
                return
            decision = verdict
        await decision(scope, receive, send)

    async def _admit(
        self, token: BearerToken | BoundToken, head: RequestHead
    ) -> Answer | Passage:
        known: AccessTokenInfo | None = None
        try:
            known = await self._validate_token(self._protection.resource, token.value)
            verdict = self._decide(token, head.path, known)
            if isinstance(token, BoundToken) and not isinstance(verdict, Challenge):
                verdict = await self._check_sender(token, head, verdict)
        except ActorError as fault:
            answer = unavailable(RETRY_AFTER, reason_of(fault))
            return self._protection.note(answer, detail=type(fault).__name__)
        if isinstance(verdict, Challenge):
            return self._protection.note(
                challenge_answer(verdict),
                client_id=None if known is None else known.client_id,
                grant=grant_of_token(token.value),
            )
        check = partial(self._check, token, head.path)
        return Passage(
            self._app,
            verdict,
            check=check,
            clock=self._clock,
            open_passages=self._open_passages,
        )

    async def _check(
        self, token: BearerToken | BoundToken, path: str
    ) -> Challenge | AccessTokenInfo:
        known = await self._validate_token(self._protection.resource, token.value)
        return self._decide(token, path, known)

    def _decide(
        self,
        token: BearerToken | BoundToken,
        path: str,
        known: AccessTokenInfo | None,
    ) -> Challenge | AccessTokenInfo:
        return decide_token(
            self._protection,
            path,
            known,
            now=self._clock.now(),
            bound=isinstance(token, BoundToken),
        )

    async def _check_sender(
        self, token: BoundToken, head: RequestHead, info: AccessTokenInfo
    ) -> Challenge | AccessTokenInfo:
        nonces = None if self._proof_nonces is None else self._proof_nonces()
        proof = decide_sender(
            self._protection, head, token, info, nonces=nonces, now=self._clock.now()
        )
        if isinstance(proof, Challenge):
            return proof
        refused = await self._accept_proof(token.value, proof)
        if refused is None:
            return info
        if refused.reason is Reason.DPOP_PROOFS_TOO_MANY:
            raise OverloadedError("too many proofs at once")
        return refused_proof(self._protection, refused, nonces=nonces)


def verified_token(scope: Mapping[str, object]) -> AccessTokenInfo:
    """What the caller's token is good for: user, client, scope, props.

    Args:
        scope: The ASGI scope of a request that the guard let through.

    Raises:
        KeyError: There is no guard in front.
    """
    return cast("AccessTokenInfo", scope[TOKEN_KEY])


def require_scopes(scope: Mapping[str, object], *names: str) -> Answer | None:
    """Require more scopes than the guard does, for one operation.

    Args:
        scope: The ASGI scope of a request that the guard let through.
        *names: All scopes that the operation needs (G-08).

    Returns:
        None if the token has them all; otherwise the 403 to answer with, which tells
        the client what to ask its user for: these, and what the guard requires of
        everybody, without which the new token would not pass.

    Raises:
        KeyError: There is no guard in front.
    """
    info = verified_token(scope)
    protection = cast("Protection", scope[PROTECTION_KEY])
    if not missing_scopes(names, info.scope, protection.implied):
        return None
    bound = info.jkt is not None
    wanted = tuple(dict.fromkeys((*protection.required, *names)))
    answer = challenge_answer(protection.insufficient_scope(wanted, bound=bound))
    return protection.note(answer, client_id=info.client_id)
