"""`Vault`: tokens of other services, for the users of this one.

    vault = running.vault
    found = await vault.get_authorization(user_id, "https://api.example/mcp")

Whatever cannot be is a value, `UpstreamFailed`, which says why and whether it may work
later. Methods may raise `ActorError` when this server itself is too busy.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import trio

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import LookUp, VaultActor, Version
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.upstream.addresses import read_url
from actor_oauth.oauth.upstream.attempts import Attempt
from actor_oauth.oauth.upstream.challenges import AuthChallenge, find_challenge
from actor_oauth.oauth.upstream.credentials import Use
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.matching import find_match
from actor_oauth.oauth.upstream.policy import VaultPolicy
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.probe import Verdict, probe
from actor_oauth.upstream.registering import UpstreamClients
from actor_oauth.upstream.token_calls import TokenCalls
from actor_oauth.upstream.vault.answers import (
    Authorization,
    Connected,
    LoginRedirect,
    ProviderInfo,
    provider_info,
)
from actor_oauth.upstream.vault.endings import Endings
from actor_oauth.upstream.vault.logins import Logins
from actor_oauth.upstream.vault.refreshes import Refreshes
from actor_oauth.upstream.vault.reporting import Observe, Reporter
from actor_oauth.upstream.vault.revocations import Revocations
from actor_oauth.upstream.vault.upkeep import Upkeep

MAX_URLS: Final = 100
"""Of one call to `refresh`."""


class Vault:
    """The vaults of all users; see `Provider.vault`.

    Args:
        effects: Actors, keys, time and randomness.
        policy: What the operator decided.
        fetcher: Fetches from the web.
        callbacks: The application's, which may name a connection.
        observe: Receives what `on_error` is told.
        nursery: Owns what is under way.
    """

    def __init__(
        self,
        effects: Effects,
        policy: VaultPolicy,
        fetcher: Fetcher,
        callbacks: Callbacks,
        observe: Observe,
        nursery: trio.Nursery,
    ) -> None:
        self.policy = policy
        self._reporter = Reporter(observe)
        self._effects = effects
        self._fetcher = fetcher
        calls = TokenCalls(effects, fetcher)
        self._clients = UpstreamClients(effects, fetcher, policy, nursery)
        self._revocations = Revocations(
            effects, calls, self._clients, self._reporter, nursery
        )
        self._refreshes = Refreshes(
            effects, calls, self._clients, self._revocations, self._reporter, nursery
        )
        self.upkeep = Upkeep(
            effects, self._revocations, self._refreshes, Endings(callbacks, policy)
        )
        self._logins = Logins(
            effects,
            fetcher,
            policy,
            self._clients,
            calls,
            self._revocations,
            callbacks,
            nursery,
        )

    # Connecting

    def login_url(self, url: str) -> str:
        """Give the URL at which a user begins to connect a service."""
        return self.policy.login_url(url)

    async def begin_login(
        self, user_id: str, url: str, *, browser: str, scope: Scope = NO_SCOPE
    ) -> LoginRedirect | Connected | UpstreamFailed:
        """Begin to connect a URL for a user.

        Args:
            user_id: Who.
            url: Of any protected resource.
            browser: A secret that only this user's browser has, such as what its
                session cookie holds. The answer must come from the same one.
            scope: What to ask for; empty for what the resource wants.

        Returns:
            Where to send the browser; or the connection, if the resource is public.
        """
        begun = await self._logins.begin(
            self._actor(user_id), url, browser=browser, scope=scope
        )
        return self._reporter.report("vault/login", begun)

    async def finish_login(
        self, user_id: str, answer: Parameters, *, browser: str, redirect_uri: str
    ) -> Connected | UpstreamFailed:
        """Process the response that a browser brought. Of several the first counts.

        Args:
            user_id: Whose browser it is.
            answer: The parameters of the callback's query.
            browser: As for `begin_login`.
            redirect_uri: The URL at which it arrived, without its query.
        """
        finished = await self._logins.finish(
            self._actor(user_id),
            answer,
            user_id=user_id,
            browser=browser,
            redirect_uri=redirect_uri,
        )
        return self._reporter.report("vault/callback", finished)

    async def keep(
        self, user_id: str, attempt: Attempt, tokens: UpstreamTokens
    ) -> Connected | UpstreamFailed:
        """Store tokens that were obtained in another way, as by `upstream.steps`.

        A connection that can be refreshed is not given up for tokens that cannot.

        Args:
            user_id: Whose they are.
            attempt: How they were asked for: at whom, as whom, for which resource.
            tokens: What came.
        """
        vault, effects = self._actor(user_id), self._effects
        if read_url(attempt.resource, loopback=self.policy.loopback) is None:
            fault = UpstreamFault.URL_REFUSED
            return UpstreamFailed(fault=fault, detail=attempt.resource)
        kept = await vault.adopt(
            attempt,
            tokens,
            user_id=user_id,
            keyring=effects.keyring,
            fresh=effects.fresh(),
            now=effects.now(),
        )
        if isinstance(kept, UpstreamFailed):
            return kept
        login_url = self.policy.login_url(kept.resource)
        provider = provider_info(kept, login_url=login_url, now=effects.now())
        return Connected(provider=provider)

    # Using

    async def get_authorization(
        self, user_id: str, url: str, *, newer_than: Version | None = None
    ) -> Authorization | UpstreamFailed:
        """Give what to send to a URL, refreshed if it expires within five minutes.

        Args:
            user_id: On whose behalf.
            url: Where the request goes: it gets the token of the connection with the
                longest path that is its own or above it, by whole segments.
            newer_than: `Authorization.version` of a token that was refused.
        """
        found = await self._authorized(user_id, url, newer_than)
        return self._reporter.report("vault/authorization", found)

    async def _authorized(
        self, user_id: str, url: str, newer_than: Version | None
    ) -> Authorization | UpstreamFailed:
        vault = self._actor(user_id)
        found = await vault.look_up(
            url,
            keyring=self._effects.keyring,
            now=self._effects.now(),
            newer_than=newer_than,
        )
        if found is not None and found.use is Use.REFRESH:
            found = await self._refreshes.refreshed(
                vault, found.connection.number, newer_than=newer_than
            )
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.NOT_CONNECTED)
        if found.use is Use.PROBE:
            return await self._asked_again(vault, found)
        if found.touch_due:
            await vault.note_use(found.connection.number, now=self._effects.now())
        return self._authorization(found)

    async def report_rejection(
        self, user_id: str, url: str, version: Version
    ) -> Authorization | UpstreamFailed:
        """Report that a URL answered 401 to a header, and get a better one.

        The first time the token is refreshed, once for all who report it. If the new
        one is refused as well, the user has to connect again (I-35); so does a resource
        that had been public (I-02).

        Args:
            user_id: On whose behalf.
            url: Where the request went.
            version: `Authorization.version` of what was refused.
        """
        vault, effects = self._actor(user_id), self._effects
        found = await vault.look_up(url, keyring=effects.keyring, now=effects.now())
        if found is not None:
            found = await vault.reject(
                found.connection.number,
                version,
                keyring=effects.keyring,
                now=effects.now(),
            )
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.NOT_CONNECTED)
        return await self.get_authorization(user_id, url, newer_than=version)

    async def report_lacking_scope(
        self, user_id: str, url: str, challenges: Sequence[AuthChallenge]
    ) -> str | UpstreamFailed:
        """Report that a URL answered 403 `insufficient_scope` (I-36).

        Args:
            user_id: On whose behalf.
            url: Where the request went.
            challenges: Of the answer, from `parse_www_authenticate`.

        Returns:
            Where the user grants more: what was asked for before and what is lacking.
            Failed with `SCOPE_REFUSED` if that was tried often enough.
        """
        found = await self._actor(user_id).look_up(
            url, keyring=self._effects.keyring, now=self._effects.now()
        )
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.NOT_CONNECTED)
        challenge = find_challenge(challenges)
        named = None if challenge is None else challenge.get("scope")
        scope = parse_scope(named or "") or NO_SCOPE
        counted = scope and await self._actor(user_id).want_scope(
            found.connection.number, scope, now=self._effects.now()
        )
        if not counted:
            return UpstreamFailed(fault=UpstreamFault.SCOPE_REFUSED)
        return self.policy.login_url(found.connection.resource)

    async def list_providers(
        self, user_id: str, urls: Sequence[str] | None = None
    ) -> Sequence[ProviderInfo]:
        """Give what a user has connected, newest first.

        Args:
            user_id: Whose.
            urls: To be given only the connections that these belong to; None for all.
        """
        now = self._effects.now()
        found = await self._actor(user_id).list_connections()
        if urls is not None:
            known = [(connection.resource, connection.resource) for connection in found]
            wanted = {find_match(url, known) for url in urls}
            found = [each for each in found if each.resource in wanted]
        return tuple(
            provider_info(
                connection,
                login_url=self.policy.login_url(connection.resource),
                now=now,
            )
            for connection in found
        )

    async def refresh(
        self, user_id: str, urls: Sequence[str], *, force: bool = False
    ) -> Mapping[str, Authorization | UpstreamFailed]:
        """Refresh what expires within five minutes, concurrently.

        Args:
            user_id: Whose.
            urls: Of connections, or below them.
            force: Whether to refresh also what does not.

        Raises:
            ValueError: These are too many.
        """
        if len(urls) > MAX_URLS:
            raise ValueError(f"at most {MAX_URLS} URLs at once")
        answers: dict[str, Authorization | UpstreamFailed] = {}

        async def one(url: str) -> None:
            found = await self.get_authorization(user_id, url)
            if force and isinstance(found, Authorization) and found.header is not None:
                found = await self.get_authorization(
                    user_id, url, newer_than=found.version
                )
            answers[url] = found

        async with trio.open_nursery() as nursery:
            for url in dict.fromkeys(urls):
                nursery.start_soon(one, url)
        return answers

    async def remove(self, user_id: str, resource: str) -> bool:
        """Remove a connection, and revoke its tokens if the other server supports it.

        Pending sign-ins and refreshes of the connection become void. The other server
        gets a few seconds; if it takes longer, or cannot be reached, revoking continues
        in the background, even if this process ends.

        Args:
            user_id: Whose.
            resource: Its identifier, as `list_providers` gives it.

        Returns:
            False if there is none.
        """
        vault = self._actor(user_id)
        removed = await vault.remove(resource, now=self._effects.now())
        if removed is None:
            return False
        await self._revocations.promptly(vault, removed.owed)
        return True

    async def remove_all(self, user_id: str) -> None:
        """Remove every connection of a user, and revoke their tokens as well."""
        async with trio.open_nursery() as nursery:
            for found in await self._actor(user_id).list_connections():
                nursery.start_soon(self.remove, user_id, found.resource)

    def _actor(self, user_id: str) -> VaultActor:
        return self._effects.system.get(VaultActor, self._effects.user_key(user_id))

    def _authorization(self, found: LookUp) -> Authorization | UpstreamFailed:
        connection = found.connection
        if found.use is Use.WAIT:
            wait = connection.credential.retry_at - self._effects.now()
            return UpstreamFailed(
                fault=UpstreamFault.UNREACHABLE, retry_after=max(1, wait)
            )
        # Another caller is still refreshing: meanwhile this token is valid.
        waiting = found.use is Use.REFRESH
        if waiting and found.access_token is None:
            return UpstreamFailed(fault=UpstreamFault.BUSY, retry_after=1)
        if found.use is Use.AUTHORIZE:
            return UpstreamFailed(fault=UpstreamFault.REAUTHORIZATION_NEEDED)
        token = None if found.use is Use.NOTHING else found.access_token
        return Authorization(
            resource=connection.resource,
            header=None if token is None else f"Bearer {token}",
            expires_at=connection.credential.expires_at,
            version=found.version,
        )

    async def _asked_again(
        self, vault: VaultActor, found: LookUp
    ) -> Authorization | UpstreamFailed:
        """Ask a resource once more that was public a while ago (I-02)."""
        resource = found.connection.resource
        probed = await probe(self._fetcher, resource)
        if isinstance(probed, UpstreamFailed):
            return probed
        if probed.verdict is Verdict.PROTECTED:
            await vault.reject(
                found.connection.number,
                found.version,
                keyring=self._effects.keyring,
                now=self._effects.now(),
            )
            return UpstreamFailed(fault=UpstreamFault.REAUTHORIZATION_NEEDED)
        await vault.note_public(resource, now=self._effects.now())
        return Authorization(
            resource=resource, header=None, expires_at=None, version=found.version
        )
