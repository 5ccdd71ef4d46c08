"""Signing in at another service: from a URL to tokens in the vault (point by point).

Determine what the URL is, which server issues its tokens and how this server is
registered there; record the attempt; redirect the browser. On its return: take the
response once, exchange the code, store the tokens, ask the application for a name for
the connection.
"""

import hashlib
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.callbacks.parts import ask_application, awaited
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import Answered, Stored, Taken, VaultActor
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.props import encode_metadata
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.addresses import read_url
from actor_oauth.oauth.upstream.attempts import (
    Departure,
    begin_attempt,
    choose_scope,
    state_hash,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.hooks import AuthSuccess
from actor_oauth.oauth.upstream.matching import find_match
from actor_oauth.oauth.upstream.policy import ConfiguredResource, VaultPolicy
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE
from actor_oauth.upstream.discovery import Discovered, discover, discover_server
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.probe import Verdict, probe
from actor_oauth.upstream.registering import LONGEST_PAUSE, UpstreamClients
from actor_oauth.upstream.single_flight import SingleFlight
from actor_oauth.upstream.token_calls import TokenCalls
from actor_oauth.upstream.vault.answers import (
    Connected,
    LoginRedirect,
    provider_info,
)
from actor_oauth.upstream.vault.revocations import Revocations

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PATIENCE: Final = 30.0
"""Seconds that a repeated delivery waits for the outcome of the first."""


class Logins:
    """Connects users to other services.

    Args:
        effects: Actors, keys, time and randomness.
        fetcher: Fetches from the web.
        policy: What the operator decided.
        clients: Who this server is elsewhere.
        calls: To other servers.
        revocations: End tokens that nobody wants.
        callbacks: The application's, which may name a connection.
        nursery: Owns the exchanges under way.
    """

    def __init__(
        self,
        effects: Effects,
        fetcher: Fetcher,
        policy: VaultPolicy,
        clients: UpstreamClients,
        calls: TokenCalls,
        revocations: Revocations,
        callbacks: Callbacks,
        nursery: trio.Nursery,
    ) -> None:
        self._effects = effects
        self._fetcher = fetcher
        self._policy = policy
        self._clients = clients
        self._calls = calls
        self._revocations = revocations
        self._callbacks = callbacks
        self._flights = SingleFlight[tuple[str, bytes], Connected | UpstreamFailed](
            nursery
        )

    async def begin(
        self, vault: VaultActor, url: str, *, browser: str, scope: Scope
    ) -> LoginRedirect | Connected | UpstreamFailed:
        """Begin to connect a URL.

        Args:
            vault: Whose.
            url: Of a protected resource.
            browser: A secret that only this user's browser has.
            scope: What to ask for; empty to find out.
        """
        if read_url(url, loopback=self._policy.loopback) is None:
            return UpstreamFailed(fault=UpstreamFault.URL_REFUSED, detail=url)
        configured = find_match(
            url, [(known.resource, known) for known in self._policy.resources]
        )
        found = (
            await self._find(vault, url)
            if configured is None
            else await self._by_hand(configured)
        )
        if not isinstance(found, Discovered):
            return found
        now = self._effects.now()
        known = await vault.look_up(
            found.resource, keyring=self._effects.keyring, now=now
        )
        terms = None if known is None else known.connection.terms
        chosen = choose_scope(
            wanted=scope or (NO_SCOPE if terms is None else terms.wanted),
            challenged=found.challenged,
            listed=found.listed,
            earlier=NO_SCOPE if terms is None else terms.requested,
            server=found.server,
        )
        leaving = await self._depart(found, configured, chosen)
        if isinstance(leaving, UpstreamFailed):
            return leaving
        departure, location = leaving
        await vault.begin_attempt(
            state_hash(departure.state),
            departure.attempt,
            browser=browser_hash(browser),
            keyring=self._effects.keyring,
            fresh=self._effects.fresh(),
            now=now,
        )
        return LoginRedirect(url=location, resource=found.resource)

    async def finish(
        self,
        vault: VaultActor,
        answer: Parameters,
        *,
        user_id: str,
        browser: str,
        redirect_uri: str,
    ) -> Connected | UpstreamFailed:
        """Act on a response, once: a repeated one only learns the outcome.

        Args:
            vault: Of the user whose browser brought it.
            answer: The callback's parameters.
            user_id: That user.
            browser: As for `begin`.
            redirect_uri: Where it arrived.
        """
        state = answer.get("state")
        if state is None:
            return UpstreamFailed(fault=UpstreamFault.ATTEMPT_UNKNOWN)
        key = state_hash(state)
        # A task of its own: a browser that goes away must not lose the tokens.
        return await self._flights.run(
            (vault.address.key, key + browser_hash(browser)),
            partial(self._finish, vault, key, answer, user_id, browser, redirect_uri),
        )

    async def _depart(
        self,
        found: Discovered,
        configured: ConfiguredResource | None,
        scope: Scope,
        *,
        once_more: bool = True,
    ) -> tuple[Departure, str] | UpstreamFailed:
        """Make the request, and give where the browser goes with it."""
        client = await self._clients.client_for(found.resource, found.server)
        if isinstance(client, UpstreamFailed):
            return client
        departure = begin_attempt(
            resource=found.resource,
            server=found.server,
            client=client,
            scope=scope,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
            sends_resource=configured is None or configured.sends_resource,
            further=None if configured is None else configured.parameters,
            name=found.name,
        )
        location = await self._calls.authorization_url(departure)
        if not isinstance(location, UpstreamFailed):
            return departure, location
        log.info(
            "sign-in not begun upstream",
            issuer=found.server.issuer,
            fault=str(location.fault),
            detail=location.detail,
        )
        rejected = location.fault is UpstreamFault.CLIENT_REJECTED
        forgotten = rejected and await self._clients.rejected(client, found.server)
        # Register once more, and no third time (I-14).
        if forgotten and once_more:
            return await self._depart(found, configured, scope, once_more=False)
        return location

    async def _by_hand(self, known: ConfiguredResource) -> Discovered | UpstreamFailed:
        server = known.server or await discover_server(
            self._fetcher,
            known.issuer,
            loopback=self._policy.loopback,
            needs_pkce=False,
        )
        if isinstance(server, UpstreamFailed):
            return server
        return Discovered(
            resource=known.resource,
            server=server,
            challenged=known.scope,
            name=known.name,
        )

    async def _find(
        self, vault: VaultActor, url: str
    ) -> Discovered | Connected | UpstreamFailed:
        probed = await probe(self._fetcher, url)
        if isinstance(probed, UpstreamFailed):
            return probed
        now = self._effects.now()
        known = await vault.look_up(url, keyring=self._effects.keyring, now=now)
        if known is not None and not known.is_public:
            # It has required a token before, whatever it answers to an anonymous
            # request.
            probed = replace(probed, verdict=Verdict.PROTECTED)
        if probed.verdict is not Verdict.PUBLIC:
            return await discover(
                self._fetcher,
                url,
                probed,
                preferred=[known.issuer for known in self._policy.clients],
                loopback=self._policy.loopback,
            )
        connection = await vault.note_public(url.partition("?")[0], now=now)
        if isinstance(connection, UpstreamFailed):
            return connection
        return await self._named(
            vault, Stored(connection=connection, access_token=None)
        )

    async def _finish(
        self,
        vault: VaultActor,
        key: bytes,
        answer: Parameters,
        user_id: str,
        browser: str,
        redirect_uri: str,
    ) -> Connected | UpstreamFailed:
        pause, waiting_since = 0.01, trio.current_time()
        while True:
            taken = await vault.take_attempt(
                key,
                answer,
                browser=browser_hash(browser),
                redirect_uri=redirect_uri,
                keyring=self._effects.keyring,
                now=self._effects.now(),
            )
            if isinstance(taken, UpstreamFailed):
                log.info("sign-in upstream refused", fault=str(taken.fault))
                return taken
            if isinstance(taken, Taken):
                return await self._exchange(vault, key, taken, user_id)
            if taken.is_over:
                return await self._outcome(vault, taken)
            if trio.current_time() - waiting_since > PATIENCE:
                return UpstreamFailed(fault=UpstreamFault.BUSY)
            await trio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _exchange(
        self, vault: VaultActor, key: bytes, taken: Taken, user_id: str
    ) -> Connected | UpstreamFailed:
        attempt = taken.attempt
        tokens = await self._calls.exchange_code(attempt, taken.code)
        if (
            isinstance(tokens, UpstreamFailed)
            and tokens.fault is UpstreamFault.CLIENT_REJECTED
        ):
            await self._clients.rejected(attempt.client, attempt.server)
        stored = await vault.finish_attempt(
            key,
            attempt,
            tokens,
            user_id=user_id,
            keyring=self._effects.keyring,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(stored, Stored):
            return await self._named(vault, stored)
        await self._revocations.promptly(vault, stored.owed)
        return stored.failed

    async def _named(self, vault: VaultActor, stored: Stored) -> Connected:
        """Ask the application what to call a connection, and say what there is."""
        connection = stored.connection
        said = await self._ask_application(
            connection.resource,
            None if stored.access_token is None else f"Bearer {stored.access_token}",
        )
        if said is not None:
            described = await vault.describe(
                connection.number, name=said.name, metadata=said.metadata
            )
            connection = described or connection
        return Connected(
            provider=provider_info(
                connection,
                login_url=self._policy.login_url(connection.resource),
                now=self._effects.now(),
            )
        )

    async def _outcome(
        self, vault: VaultActor, answered: Answered
    ) -> Connected | UpstreamFailed:
        if answered.fault is not None:
            return UpstreamFailed(fault=answered.fault)
        now = self._effects.now()
        found = await vault.look_up(
            answered.resource, keyring=self._effects.keyring, now=now
        )
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.NOT_CONNECTED)
        login_url = self._policy.login_url(found.connection.resource)
        return Connected(
            provider=provider_info(found.connection, login_url=login_url, now=now)
        )

    async def _ask_application(
        self, resource: str, header: str | None
    ) -> AuthSuccess | None:
        callback = self._callbacks.on_auth_success
        if callback is None:
            return None

        async def described() -> AuthSuccess | None:
            said = await awaited(callback(resource, header))
            encode_metadata(None if said is None else said.metadata)
            return said

        said = await ask_application(
            "on_auth_success", described, seconds=self._callbacks.seconds
        )
        # It only affects names: the connection works without it.
        return None if isinstance(said, Refused) else said


def browser_hash(browser: str) -> bytes:
    """Give what is stored of the secret that binds an attempt to a browser."""
    return hashlib.sha256(b"upstream browser\0" + browser.encode()).digest()[:16]
