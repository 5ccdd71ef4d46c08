"""Connections to vetted addresses: resolve once, check every answer, connect to that.

Rule 1: a name is refused if any of its addresses may not be reached. A host that mixes
public and private addresses is not trusted.
Rule 2: the connection goes to the address that was checked. The name is never resolved
again, so a second, different answer (DNS rebinding) has no effect. The TLS handshake
and the `Host` header still use the name.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import httpcore2
import trio

from actor_oauth.upstream.addresses import is_literal, is_loopback, is_public

CONNECT_SECONDS = 4.0
"""For each address, so that an unresponsive one leaves time for the next."""

RESOLVER_THREADS = 16
"""Names that one resolver looks up at once."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host name and a port to addresses."""

Dial = Callable[[str, int], Awaitable[httpcore2.AsyncNetworkStream]]
"""From an address and a port to a connection."""


class AddressRefusedError(Exception):
    """A host has, or is, an address that must not be reached."""


class UnresolvedError(Exception):
    """A host name has no address."""


class SystemResolver:
    """Asks the system's resolver, in threads of its own.

    A name server that does not answer holds a thread for as long as the system waits for
    it, which is longer than anybody here does. Strangers choose the names: they must not
    hold threads that others need, such as those that open actors.
    """

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(RESOLVER_THREADS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Give the addresses of a name.

        Raises:
            UnresolvedError: The name does not exist, or there was no answer.
        """
        # As bytes: given a string, the standard library would apply IDNA 2003.
        look_up = partial(
            socket.getaddrinfo, host.encode("ascii"), port, type=socket.SOCK_STREAM
        )
        try:
            found = await trio.to_thread.run_sync(
                look_up, abandon_on_cancel=True, limiter=self._threads
            )
        except OSError as error:
            raise UnresolvedError(host) from error
        return [str(sockaddr[0]) for *_, sockaddr in found]


async def dial_address(address: str, port: int) -> httpcore2.AsyncNetworkStream:
    """Connect by TCP to an address, which needs no resolving."""
    backend = httpcore2.TrioBackend()
    return await backend.connect_tcp(address, port, timeout=CONNECT_SECONDS)


class VettedNetwork(httpcore2.AsyncNetworkBackend):
    """The network as an HTTP client may use it for a URL from a stranger.

    Args:
        loopback: Development only: this machine's own addresses may be reached too,
            and may be named by number.
        resolve: From names to addresses; by the system's resolver if not given.
        dial: Opens connections.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        resolve: Resolve | None = None,
        dial: Dial = dial_address,
    ) -> None:
        self._loopback = loopback
        self._resolve = resolve or SystemResolver()
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the library's signature
        local_address: str | None = None,  # noqa: ARG002 - likewise
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a host, at one of its addresses if all of them may be reached.

        Raises:
            AddressRefusedError: One of them may not.
            UnresolvedError: It has none.
            httpcore2.ConnectError: None of them answers.
        """
        addresses = await self._vetted(host, port)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return await self._dial(address, port)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the library's signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing on the internet is a file.

        Raises:
            AddressRefusedError: Always.
        """
        raise AddressRefusedError(path)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)

    async def _vetted(self, host: str, port: int) -> Sequence[str]:
        bare = host.strip("[]")
        if is_literal(host) or ":" in bare:
            # Only as the library of addresses spells it, or resolvers may differ.
            if self._loopback and is_loopback(bare):
                return [bare]
            raise AddressRefusedError(host)
        addresses = list(dict.fromkeys(await self._resolve(host, port)))
        if not addresses:
            raise UnresolvedError(host)
        refused = [address for address in addresses if not self._may_reach(address)]
        if refused:
            raise AddressRefusedError(f"{host} has the address {refused[0]}")
        return addresses

    def _may_reach(self, address: str) -> bool:
        return is_public(address) or (self._loopback and is_loopback(address))
