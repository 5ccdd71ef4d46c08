"""What a provider is made of, and what it is once it runs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.oauth.policy import Policy
from actor_oauth.provider.background import run_background_services
from actor_oauth.provider.mounts import Mount, PublicMount
from actor_oauth.resource import BearerGuard
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.runtime import Actor, Clock, Entropy
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.vault import Vault


class Endpoint(Protocol):
    """An MCP server as a provider runs it; see `GuardedTransport`."""

    def run(self) -> AbstractAsyncContextManager[None]:
        """Keep the sessions for as long as the block runs."""

    def end_listening(self) -> None:
        """End the event streams that would hold an orderly stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a provider is made of. See `Provider` for what each one is."""

    settings: Settings
    policy: Policy
    clock: Clock
    entropy: Entropy
    pages: Callable[[AuthorizationServer], ASGIApp] | None
    fetcher: Fetcher | None
    callbacks: Callbacks
    own_identity: OwnIdentity | None
    actors: Sequence[type[Actor]]
    mounts: list[Mount] = field(default_factory=list)
    public: list[PublicMount] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProvider:
    """An open provider.

    Attributes:
        server: The authorization server; its methods are the helper API.
        app: The whole provider as one ASGI application. Whoever serves it by other
            means than `Provider.serve` keeps `run_services` running beside it.
        data: The data directory.
        guards: Those of the protected applications.
        guarded_paths: Where these are.
        endpoints: The MCP servers among these.
        vault: Connections of users to other services; None if that is off.
        federation: Services that people may sign in with; None if there is none.
    """

    server: AuthorizationServer
    app: ASGIApp
    data: Path
    guards: Sequence[BearerGuard]
    guarded_paths: Sequence[str]
    endpoints: Sequence[Endpoint]
    vault: Vault | None = None
    federation: Federation | None = None

    async def run_services(self) -> None:
        """Run what is due beside the requests, until cancelled.

        That is to use the keys that `actor-oauth keys rotate` adds.
        """
        await run_background_services(self.server, self.data)

    def end_event_streams(self) -> None:
        """End the streams that would hold an orderly stop for as long as it may take.

        Answers that end by themselves are not touched.
        """
        for guard in self.guards:
            guard.end_event_streams()
        for endpoint in self.endpoints:
            endpoint.end_listening()
