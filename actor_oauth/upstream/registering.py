"""Registering at another server, once for all users of this one (I-11 to I-14)."""

import json
from functools import partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.upstream_client import (
    RegistrationRunning,
    UpstreamClientActor,
    upstream_client_key,
)
from actor_oauth.oauth.upstream.addresses import host_label, read_url
from actor_oauth.oauth.upstream.clients import (
    UpstreamClient,
    choose_method,
    client_metadata,
    decide_registration,
    document_method,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.policy import VaultPolicy
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.upstream.documents import ANSWER_LIMITS, ask, unreachable
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.outgoing import Outgoing
from actor_oauth.upstream.single_flight import SingleFlight

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CLAIM_BYTES: Final = 16
LEASE: Final = int(ANSWER_LIMITS.seconds) + 10
"""Seconds: longer than the one request that is made under a claim can take."""

LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks at a claim that another process holds."""

Registered = UpstreamClient | UpstreamFailed


class UpstreamClients:
    """Who this server is elsewhere.

    Args:
        effects: Actors, keys, time and randomness.
        fetcher: Fetches from the web.
        policy: Which credentials there are.
        nursery: Owns the registrations under way.
    """

    def __init__(
        self,
        effects: Effects,
        fetcher: Fetcher,
        policy: VaultPolicy,
        nursery: trio.Nursery,
    ) -> None:
        self._effects = effects
        self._fetcher = fetcher
        self._policy = policy
        self._flights = SingleFlight[str, Registered](nursery)

    async def client_for(self, resource: str, server: UpstreamServer) -> Registered:
        """Give this server's registration at another one, registering if necessary.

        Args:
            resource: What a token is wanted for.
            server: Who gives it.
        """
        policy = self._policy
        label = label_of(server.issuer)
        redirect_uri = policy.redirect_uri(label)
        configured = self.configured_at(server.issuer)
        is_for_it = policy.client_for(resource, server.issuer) is not None
        if configured is not None and is_for_it:
            return configured
        if self._publishes_for(server):
            method = document_method(server)
            return UpstreamClient(
                client_id=policy.document_url(label, method),
                method=method,
                redirect_uri=redirect_uri,
                origin="document",
            )
        if server.registration_endpoint is None:
            return UpstreamFailed(
                fault=UpstreamFault.REGISTRATION_UNAVAILABLE, detail=server.issuer
            )
        return await self._flights.run(
            server.issuer, partial(self._registered, server, redirect_uri)
        )

    def configured_at(self, issuer: str) -> UpstreamClient | None:
        """Give the client that the operator configured for an issuer, or None."""
        configured = self._policy.client_at(issuer)
        if configured is None:
            return None
        return UpstreamClient(
            client_id=configured.client_id,
            method=configured.method,
            redirect_uri=self._policy.redirect_uri(label_of(issuer)),
            origin="configured",
            secret=configured.secret,
        )

    def current(
        self, client: UpstreamClient, server: UpstreamServer
    ) -> UpstreamClient | None:
        """Give a client as it is today: an operator may have changed its secret.

        Returns:
            None if the operator has taken it away.
        """
        if client.origin != "configured":
            return client
        today = self.configured_at(server.issuer)
        same = today is not None and today.client_id == client.client_id
        return today if same else None

    async def rejected(self, client: UpstreamClient, server: UpstreamServer) -> bool:
        """Note that a server does not accept this one any more (I-14, I-31).

        Returns:
            Whether registering again can help: only a dynamic registration can be
            replaced.
        """
        if client.origin != "registered":
            log.warning(
                "upstream does not accept this server",
                issuer=server.issuer,
                client_id=client.client_id,
                origin=client.origin,
            )
            return False
        actor = self._actor(server.issuer, client.redirect_uri)
        await actor.discard(client.client_id)
        return True

    def _publishes_for(self, server: UpstreamServer) -> bool:
        if not server.client_id_metadata_document_supported:
            return False
        # A server elsewhere cannot read what is published on this machine only.
        reachable = self._policy.base_url.startswith("https:")
        alone = self._policy.loopback and server.registration_endpoint is None
        return reachable or alone

    def _actor(self, issuer: str, redirect_uri: str) -> UpstreamClientActor:
        key = upstream_client_key(issuer, redirect_uri)
        return self._effects.system.get(UpstreamClientActor, key)

    async def _registered(
        self, server: UpstreamServer, redirect_uri: str
    ) -> Registered:
        effects = self._effects
        actor = self._actor(server.issuer, redirect_uri)
        known = await actor.known(keyring=effects.keyring, now=effects.now())
        if known is not None:
            return known
        claim, pause = effects.entropy.token_bytes(CLAIM_BYTES), 0.01
        with trio.move_on_after(2 * LEASE):
            while True:
                begun = await actor.begin_registration(
                    claim, lease=LEASE, keyring=effects.keyring, now=effects.now()
                )
                if begun is None:
                    return await self._register(actor, claim, server, redirect_uri)
                if not isinstance(begun, RegistrationRunning):
                    return begun
                log.debug("registration under way elsewhere", issuer=server.issuer)
                await trio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
        return UpstreamFailed(fault=UpstreamFault.BUSY, detail=server.issuer)

    async def _register(
        self,
        actor: UpstreamClientActor,
        claim: bytes,
        server: UpstreamServer,
        redirect_uri: str,
    ) -> Registered:
        effects = self._effects
        answer = await register(
            self._fetcher,
            server,
            client_name=self._policy.client_name,
            redirect_uri=redirect_uri,
            client_uri=self._policy.client_uri,
            jwks_uri=self._policy.jwks_uri,
            now=effects.now(),
        )
        client = answer if isinstance(answer, UpstreamClient) else None
        kept = await actor.finish_registration(
            claim,
            client,
            keyring=effects.keyring,
            fresh=effects.fresh(),
            now=effects.now(),
        )
        if kept is not None:
            log.info(
                "registered upstream", issuer=server.issuer, client_id=kept.client_id
            )
            return kept
        assert isinstance(answer, UpstreamFailed)
        log.info(
            "upstream registration failed",
            issuer=server.issuer,
            fault=str(answer.fault),
            detail=answer.detail,
        )
        return answer


async def register(
    fetcher: Fetcher,
    server: UpstreamServer,
    *,
    client_name: str,
    redirect_uri: str,
    client_uri: str | None = None,
    jwks_uri: str | None = None,
    now: int,
) -> Registered:
    """Register at another server, which gives a client of its own each time (RFC 7591).

    Args:
        fetcher: Fetches from the web.
        server: Where.
        client_name: For people who are asked for consent.
        redirect_uri: Where its answers come.
        client_uri: A web site, or None.
        jwks_uri: Public keys; None if there is no key to sign with.
        now: The time, in Unix seconds.
    """
    method = choose_method(server, signs=jwks_uri is not None)
    if method is None or server.registration_endpoint is None:
        return UpstreamFailed(
            fault=UpstreamFault.REGISTRATION_UNAVAILABLE, detail=server.issuer
        )
    members = client_metadata(
        client_name=client_name,
        redirect_uri=redirect_uri,
        method=method,
        client_uri=client_uri,
        jwks_uri=jwks_uri,
    )
    body = json.dumps(members).encode()
    request = Outgoing(url=server.registration_endpoint, method="POST", body=body)
    reply = await ask(fetcher, request)
    if isinstance(reply, UpstreamFailed):
        return reply
    if reply.is_unavailable:
        return unreachable(reply)
    return decide_registration(
        reply.status, reply.body, redirect_uri=redirect_uri, now=now
    )


def label_of(issuer: str) -> str:
    """Give the segment of a path that identifies an issuer's host."""
    uri = read_url(issuer, loopback=True)
    assert uri is not None
    return host_label(uri)
