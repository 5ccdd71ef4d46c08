"""Checking access tokens, by asking the actors that own them."""

from collections.abc import Sequence
from typing import Final

from actor_oauth.actors.callbacks import CallbackRunner, ExternalToken
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.sender_proofs import SenderProofs
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.json_values import render_attached
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenKind

ACCESS_KINDS: Final = frozenset((TokenKind.ACCESS, TokenKind.CLIENT_ACCESS))


class AccessTokens:
    """Checks access tokens, and the proofs that come with them.

    Args:
        effects: What to act through.
        token_format: Reads them.
        proofs: Knows the nonces.
        callbacks: Ask the application about tokens of others; None if it has none.
    """

    def __init__(
        self,
        effects: Effects,
        token_format: TokenFormat,
        proofs: SenderProofs,
        callbacks: CallbackRunner | None,
    ) -> None:
        self._effects = effects
        self._format = token_format
        self._proofs = proofs
        self._callbacks = callbacks

    async def validate(self, resource: str, token: str) -> AccessTokenInfo | None:
        """Give what an access token allows at a resource; None if nothing (G-05)."""
        info = await self.unwrap(token) or await self._resolve(resource, token)
        if info is None or canonical_resource(info.resource) != canonical_resource(
            resource
        ):
            return None
        return info

    async def unwrap(self, text: str) -> AccessTokenInfo | None:
        """What an access token says, whichever resource it is for."""
        token = self._format.read(text)
        if token is None or token.kind not in ACCESS_KINDS:
            return None
        access = await self._format.holder(token).access(token)
        return None if access is None else access.at(self._effects.now())

    async def accept_proof(self, text: str, proof: Proof) -> Refused | None:
        """Accept a proof that came with an access token, once (F-05, F-06)."""
        token = self._format.read(text)
        if token is None or token.kind is not TokenKind.ACCESS:
            return Refused(Reason.DPOP_PROOF_SIGNATURE)
        owner = self._effects.system.get(UserActor, token.actor_key)
        return await owner.accept_proof(token, proof, now=self._effects.now())

    def proof_nonces(self) -> Sequence[str] | None:
        """The nonces for resource servers, if proofs need one (F-13)."""
        if not self._effects.policy.dpop_nonces_required:
            return None
        return self._proofs.accepted("resource server")

    async def _resolve(self, resource: str, text: str) -> AccessTokenInfo | None:
        # A token in our format is ours: the application is not asked about it.
        if self._callbacks is None or self._format.read(text) is not None:
            return None
        external = await self._callbacks.resolve(text, resource)
        now = self._effects.now()
        if external is None or now >= external.expires_at:
            return None
        return _facts_of(external, now=now)


def _facts_of(external: ExternalToken, *, now: int) -> AccessTokenInfo:
    return AccessTokenInfo(
        grant_id="",
        client_id=external.client_id,
        user_id=external.user_id,
        scope=external.scope,
        resource=external.resource,
        issued_at=now,
        expires_at=external.expires_at,
        props_text=render_attached(external.props),
        principal="external",
    )
