"""Fetching trusted issuers' keys, and ensuring that an assertion is used once."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.issuer import IssuerActor
from actor_oauth.actors.publications import Publications
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.trusted_issuers import TrustedIssuer, assertion_key

V = TypeVar("V")

Decide: TypeAlias = Callable[[Sequence[VerificationKey]], V | Refused]


class Issuers:
    """The issuers that the operator trusts.

    Args:
        effects: What to act through.
        publications: Finds out what they publish; without it only those are of use
            whose keys the operator has given.
    """

    def __init__(self, effects: Effects, publications: Publications | None) -> None:
        self._effects = effects
        self._publications = publications

    async def decide(
        self, issuer: TrustedIssuer, decide: Decide[V], *, unknown: Reason
    ) -> V | Refused:
        """Decide something with an issuer's keys, and once more if it has new ones.

        Args:
            issuer: Whose keys.
            decide: Gives the decision for a set of keys.
            unknown: The refusal that means that the set lacks a key.
        """
        keys = await self._keys(issuer, renewed=False)
        decision = keys if isinstance(keys, Refused) else decide(keys)
        if decision != Refused(unknown) or issuer.jwks is not None:
            return decision
        keys = await self._keys(issuer, renewed=True)
        return keys if isinstance(keys, Refused) else decide(keys)

    async def use(
        self, issuer: TrustedIssuer, jti_hash: bytes, *, keep_until: int
    ) -> Refused | None:
        """Use an assertion, the first time in the whole deployment (D-47).

        Args:
            issuer: Whose it is.
            jti_hash: Of its `jti`.
            keep_until: When it has expired for sure, in Unix seconds.
        """
        if not issuer.is_single_use:
            return None
        memory = self._effects.system.get(
            IssuerActor, assertion_key(issuer.issuer, jti_hash)
        )
        return await memory.use_assertion(
            jti_hash, keep_until=keep_until, now=self._effects.now()
        )

    async def _keys(
        self, issuer: TrustedIssuer, *, renewed: bool
    ) -> Sequence[VerificationKey] | Refused:
        if issuer.jwks is not None:
            return parse_jwks(dict(issuer.jwks)) or ()
        if self._publications is None:
            return Refused(Reason.ISSUER_KEYS_UNAVAILABLE)
        return await self._publications.issuer_keys(issuer, renewed=renewed)
