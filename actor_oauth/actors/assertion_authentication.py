"""Authenticating a client by its signed assertion, fetching keys as needed."""

from collections.abc import Sequence

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.publications import Publications
from actor_oauth.oauth.client_assertion import VerifiedAssertion, decide_assertion
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.signed_jwt import Jwt


class AssertionAuthentication:
    """Verifies client assertions: keys, signature, and single use."""

    def __init__(self, effects: Effects, publications: Publications | None) -> None:
        self._effects = effects
        self._publications = publications
        self._token_endpoint = endpoints_of(effects.policy).token

    async def authenticate(self, jwt: Jwt, client: Client) -> Client | Refused:
        """Give the client if the assertion proves that it sent the request."""
        if "private_key_jwt" not in client.auth_methods_accepted:
            return Refused(Reason.CLIENT_METHOD_WRONG)
        effects = self._effects
        decision = await self._decide(jwt, client, renewed=False)
        if decision == Refused(Reason.CLIENT_ASSERTION_KEY_UNKNOWN):
            decision = await self._decide(jwt, client, renewed=True)
        if isinstance(decision, Refused):
            return decision
        actor = effects.system.get(ClientActor, client_key(client.client_id))
        refused = await actor.use_assertion(
            decision.jti_hash, keep_until=decision.keep_until, now=effects.now()
        )
        return client if refused is None else refused

    async def _decide(
        self, jwt: Jwt, client: Client, *, renewed: bool
    ) -> VerifiedAssertion | Refused:
        keys = await self._keys(client, renewed=renewed)
        if isinstance(keys, Refused):
            return keys
        return decide_assertion(
            jwt,
            client,
            keys,
            self._effects.policy,
            token_endpoint=self._token_endpoint,
            now=self._effects.now(),
        )

    async def _keys(
        self, client: Client, *, renewed: bool
    ) -> Sequence[VerificationKey] | Refused:
        if client.jwks is not None:
            return parse_jwks(dict(client.jwks)) or ()
        if client.jwks_uri is None or self._publications is None:
            return Refused(Reason.CLIENT_KEYS_UNAVAILABLE)
        return await self._publications.keys(client, renewed=renewed)
