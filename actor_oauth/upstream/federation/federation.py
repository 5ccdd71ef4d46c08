"""`Federation`: signing in with other services, from the button to the session.

Rule: a service that cannot be reached signs nobody in, and nobody out.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.federation import IdentityActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.identities import LinkedIdentity
from actor_oauth.oauth.federated import federated_user_id
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.identity import Identity
from actor_oauth.oauth.federation.providers import FederationPolicy
from actor_oauth.oauth.keyring import identity_key
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.tokens import SECRET_LENGTH
from actor_oauth.upstream.federation.keeping import keep_in_vault
from actor_oauth.upstream.federation.recognising import Recogniser
from actor_oauth.upstream.federation.refreshing import UpstreamRefreshes
from actor_oauth.upstream.federation.servers import ProviderServers
from actor_oauth.upstream.federation.sign_ins import FinishedSignIn, SignIns, logged
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.single_flight import SingleFlight
from actor_oauth.upstream.token_calls import TokenCalls

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Federation(SignIns):
    """The services that users can sign in with; see `Provider.federation`.

    Args:
        effects: Actors, keys, time and randomness.
        policy: The operator's.
        base: The issuer, without a slash at its end.
        servers: What is known of the services.
        calls: To their token endpoints.
        recogniser: Identifies users.
        refreshes: Of tokens that applications keep.
    """

    def __init__(
        self,
        *,
        effects: Effects,
        policy: FederationPolicy,
        base: str,
        servers: ProviderServers,
        calls: TokenCalls,
        recogniser: Recogniser,
        refreshes: UpstreamRefreshes,
    ) -> None:
        super().__init__(
            effects=effects,
            policy=policy,
            base=base,
            servers=servers,
            calls=calls,
            recogniser=recogniser,
        )
        self._refreshes = refreshes

    async def refresh_kept(
        self, context: TokenContext, *, name: str
    ) -> TokenChanges | TokenRefusal | None:
        """Refresh tokens in the props of a grant, together with the grant.

        Args:
            context: The argument of `on_token_exchange`.
            name: Of the member of the props that holds `KeptTokens.to_props()`.

        Returns:
            What `on_token_exchange` should return; None if the props contain no such
            tokens.
        """
        return await self._refreshes.refresh(context, name=name)

    async def sign_in(self, finished: FinishedSignIn) -> str | SignInRefused:
        """Open a session for a user who has returned from a service.

        Returns:
            What the browser's session cookie holds.
        """
        effects, identity = self._effects, finished.identity
        provider = finished.provider
        linked = await self._identity(identity).user_id()
        user_id = linked or self.own_user_id(identity.issuer, identity.subject)
        user = effects.system.get(UserActor, effects.user_key(user_id))
        entered = await user.sign_in_by(
            self._linked(finished),
            user_id=user_id,
            creates=provider.creates_accounts and linked is None,
            authenticated_at=identity.authenticated_at,
            methods=identity.methods,
            secret=effects.entropy.token_bytes(SECRET_LENGTH),
            lifetimes=effects.policy.lifetimes,
            now=effects.now(),
        )
        if isinstance(entered, SignInFault):
            refused = SignInRefused(fault=entered, detail=identity.subject)
            return logged(refused, provider)
        log.info("signed in", provider=provider.name)
        await keep_in_vault(effects, finished, user_id)
        return entered

    async def link(
        self, finished: FinishedSignIn, user_id: str
    ) -> SignInRefused | None:
        """Link the returned identity to the account of a signed-in user.

        From then on the service leads to that account. One that was created for the
        identity before keeps its data, but this service no longer signs anybody in to
        it.
        """
        effects = self._effects
        linked = await self._identity(finished.identity).link(
            user_id, now=effects.now()
        )
        if not linked:
            refused = SignInRefused(fault=SignInFault.LINKED_ELSEWHERE)
            return logged(refused, finished.provider)
        user = effects.system.get(UserActor, effects.user_key(user_id))
        added = await user.add_identity(self._linked(finished), now=effects.now())
        if not added:
            await self._identity(finished.identity).unlink(user_id)
            return SignInRefused(fault=SignInFault.TOO_MANY)
        await keep_in_vault(effects, finished, user_id)
        return None

    async def unlink(self, user_id: str, issuer: str, subject: str) -> bool:
        """Unlink an identity from an account; False if they are not linked."""
        effects = self._effects
        identity = Identity(issuer=issuer, subject=subject)
        ended = await self._identity(identity).unlink(user_id)
        user = effects.system.get(UserActor, effects.user_key(user_id))
        await user.remove_identity(issuer, subject, now=effects.now())
        return ended

    def own_user_id(self, issuer: str, subject: str) -> str:
        """Give the name of the account that is created for an identity.

        The same one that assertions of that issuer lead to.
        """
        return federated_user_id(self._effects.keyring, issuer=issuer, subject=subject)

    async def identities(self, user_id: str) -> tuple[LinkedIdentity, ...]:
        """Give a user's accounts at other services."""
        user = self._effects.system.get(UserActor, self._effects.user_key(user_id))
        return await user.identities()

    def _identity(self, identity: Identity) -> IdentityActor:
        effects = self._effects
        key = identity_key(effects.keyring, identity.issuer, identity.subject)
        return effects.system.get(IdentityActor, key)

    def _linked(self, finished: FinishedSignIn) -> LinkedIdentity:
        identity = finished.identity
        return LinkedIdentity(
            issuer=identity.issuer,
            subject=identity.subject,
            provider=finished.provider.name,
            label=_label(identity),
            linked_at=self._effects.now(),
        )


def _label(identity: Identity) -> str:
    return identity.username or identity.email or identity.name or identity.subject


@asynccontextmanager
async def open_federation(
    *, effects: Effects, policy: FederationPolicy, base: str, fetcher: Fetcher
) -> AsyncIterator[Federation]:
    """Serve sign-ins for as long as the block lasts.

    Args:
        effects: Of the authorization server.
        policy: The operator's.
        base: The issuer, without a slash at its end.
        fetcher: Fetches from the web.
    """
    async with trio.open_nursery() as nursery:
        servers = ProviderServers(
            effects, fetcher, SingleFlight(nursery), loopback=policy.loopback
        )
        calls = TokenCalls(effects, fetcher)
        yield Federation(
            effects=effects,
            policy=policy,
            base=base,
            servers=servers,
            calls=calls,
            recogniser=Recogniser(effects, fetcher, servers),
            refreshes=UpstreamRefreshes(effects, policy, base, servers, calls, nursery),
        )
        nursery.cancel_scope.cancel()
