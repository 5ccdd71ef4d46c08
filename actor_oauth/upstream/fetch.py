"""Fetching untrusted URLs safely.

Anyone who can make this server fetch a URL can try to make it reach what only it can
reach, or wait, or fill its memory. So: https to public addresses only (`network.py`),
one request without cookies, no redirect followed, the body limited as it is decoded,
one deadline over all of it, a limit on how many run at once and on how often one host
is asked.

A fetch that fails is a value: nothing is wrong with this server.
"""

import ssl
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Final

import httpcore2
import structlog
import trio

from actor_oauth.oauth.upstream.failures import is_unavailable
from actor_oauth.oauth.uris import Uri, parse_web_url
from actor_oauth.upstream.body import TooLargeError, UndecodableError, read_body
from actor_oauth.upstream.freshness import fresh_for
from actor_oauth.upstream.host_rate import HostBudget, HostRate
from actor_oauth.upstream.network import (
    AddressRefusedError,
    Dial,
    Resolve,
    UnresolvedError,
    VettedNetwork,
    dial_address,
)
from actor_oauth.upstream.outgoing import Outgoing, Reply

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_OK: Final = 200


class FetchFault(StrEnum):
    """Why a document could not be had, as the operator's log names it."""

    URL_REFUSED = "url_refused"
    ADDRESS_REFUSED = "address_refused"
    HOST_ASKED_TOO_OFTEN = "host_asked_too_often"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    CUT_OFF = "cut_off"
    TIMED_OUT = "timed_out"
    STATUS = "status"
    MEDIA_TYPE = "media_type"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"


_PASSING: Final = frozenset(
    (
        FetchFault.HOST_ASKED_TOO_OFTEN,
        FetchFault.UNRESOLVED,
        FetchFault.UNREACHABLE,
        FetchFault.CUT_OFF,
        FetchFault.TIMED_OUT,
    )
)
# The request may have arrived: what it does may be done.
_UNKNOWN: Final = frozenset((FetchFault.CUT_OFF, FetchFault.TIMED_OUT))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What a fetch may cost.

    Attributes:
        body_bytes: The longest body, decoded.
        seconds: For everything from the name's resolution to the body's last byte.
    """

    body_bytes: int
    seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A document.

    Attributes:
        body: Decoded; not parsed.
        fresh_for: Seconds that it says it stays fresh; None if it says nothing.
    """

    body: bytes
    fresh_for: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """No document.

    Attributes:
        fault: Why not.
        detail: For the operator's log. Never sent to anybody.
        status: The answer's, if it was the status that was wrong.
    """

    fault: FetchFault
    detail: str = ""
    status: int | None = None

    @property
    def is_passing(self) -> bool:
        """Whether it says nothing about the document: later it may work again."""
        if self.status is not None:
            return is_unavailable(self.status)
        return self.fault in _PASSING

    @property
    def is_lost(self) -> bool:
        """Whether the request may have arrived, and been answered."""
        return self.fault in _UNKNOWN


@cache
def _system_context() -> ssl.SSLContext:
    """Believe whom this machine believes; read once, as that takes a moment."""
    return httpcore2.default_ssl_context()


class Fetcher:
    """Fetches documents from untrusted URLs.

    Args:
        ssl_context: Decides whose certificates are believed.
        loopback: Development only: this machine may be reached too, also by http.
        concurrency: Fetches at once; further ones wait, within their deadline.
        rate: For each host.
        resolve: From names to addresses; by the system's resolver if not given.
        dial: Opens connections.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        loopback: bool = False,
        concurrency: int = 64,
        rate: HostRate | None = None,
        resolve: Resolve | None = None,
        dial: Dial = dial_address,
    ) -> None:
        self._loopback = loopback
        self._room = trio.CapacityLimiter(concurrency)
        self._budget = HostBudget(rate or HostRate())
        self._network = VettedNetwork(loopback=loopback, resolve=resolve, dial=dial)
        self._ssl_context = ssl_context or _system_context()

    async def fetch_json(self, url: str, limits: FetchLimits) -> Fetched | FetchFailed:
        """Fetch a document of media type `application/json` or `application/…+json`.

        Source: draft-ietf-oauth-client-id-metadata-document-01 §4, §6.5 (B-13, B-14).
        """
        reply = await self.send(Outgoing(url=url), limits, expects_json=True)
        if isinstance(reply, FetchFailed):
            return reply
        fresh = fresh_for([reply.header("cache-control") or ""], reply.header("age"))
        return Fetched(body=reply.body, fresh_for=fresh)

    async def send(
        self, request: Outgoing, limits: FetchLimits, *, expects_json: bool = False
    ) -> Reply | FetchFailed:
        """Send a request, and give the answer whatever its status.

        Args:
            request: To any URL: it is checked here.
            limits: What it may cost.
            expects_json: Whether any answer but 200 with JSON is a failure.
        """
        uri = parse_web_url(request.url)
        if uri is None or uri.host is None or not self._may_ask(uri):
            return FetchFailed(fault=FetchFault.URL_REFUSED)
        if not self._budget.take(uri.host.lower(), now=trio.current_time()):
            return FetchFailed(fault=FetchFault.HOST_ASKED_TOO_OFTEN)
        with trio.move_on_after(limits.seconds):
            async with self._room:
                return await self._exchange(request, uri, limits, expects_json)
        return FetchFailed(fault=FetchFault.TIMED_OUT)

    def _may_ask(self, uri: Uri) -> bool:
        return uri.scheme == "https" or (self._loopback and uri.is_loopback)

    async def _exchange(
        self,
        request: Outgoing,
        uri: Uri,
        limits: FetchLimits,
        expects_json: bool,  # noqa: FBT001 - handed through
    ) -> Reply | FetchFailed:
        try:
            return await self._send(request, uri, limits, expects_json)
        except AddressRefusedError as error:
            return FetchFailed(fault=FetchFault.ADDRESS_REFUSED, detail=str(error))
        except UnresolvedError as error:
            return FetchFailed(fault=FetchFault.UNRESOLVED, detail=str(error))
        except TooLargeError:
            return FetchFailed(fault=FetchFault.TOO_LARGE)
        except UndecodableError as error:
            return FetchFailed(fault=FetchFault.ENCODING, detail=str(error))
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            return _not_had(FetchFault.UNREACHABLE, error)
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
            OSError,
        ) as error:
            return _not_had(FetchFault.CUT_OFF, error)

    async def _send(
        self,
        request: Outgoing,
        uri: Uri,
        limits: FetchLimits,
        expects_json: bool,  # noqa: FBT001 - handed through
    ) -> Reply | FetchFailed:
        # A pool for this one request: a connection that is kept would be used again
        # without its name being resolved and checked again.
        async with (
            httpcore2.AsyncConnectionPool(
                ssl_context=self._ssl_context, network_backend=self._network
            ) as pool,
            pool.stream(
                request.method,
                _target(uri),
                headers=request.header_lines(uri),
                content=request.body or None,
            ) as response,
        ):
            reply = Reply(
                status=response.status, lines=_readable(response.headers), body=b""
            )
            if expects_json and reply.status != _OK:
                return FetchFailed(fault=FetchFault.STATUS, status=reply.status)
            if expects_json and not reply.is_json:
                media_type = reply.header("content-type") or ""
                return FetchFailed(fault=FetchFault.MEDIA_TYPE, detail=media_type)
            # The body of a server that cannot answer says nothing that anybody here reads.
            if not request.reads_body or reply.is_unavailable:
                return reply
            async with aclosing(response.aiter_stream()) as chunks:
                body = await read_body(
                    chunks,
                    encoding=reply.header("content-encoding"),
                    limit=limits.body_bytes,
                )
            return replace(reply, body=body)


def _target(uri: Uri) -> httpcore2.URL:
    assert uri.host is not None
    target = uri.path or "/"
    if uri.query is not None:
        target += "?" + uri.query
    return httpcore2.URL(
        scheme=uri.scheme.encode(),
        host=uri.host.lower().strip("[]").encode(),
        port=uri.port,
        target=target.encode(),
    )


def _readable(lines: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in lines
    )


def _not_had(fault: FetchFault, error: Exception) -> FetchFailed:
    return FetchFailed(fault=fault, detail=", caused by ".join(_reasons(error)))


def _reasons(error: BaseException) -> Iterator[str]:
    """Say what was raised, and what that came of: an error of TLS is hidden below two."""
    link: BaseException | None = error
    while link is not None:
        yield f"{type(link).__name__}: {link}".removesuffix(": ")
        link = link.__cause__ or link.__context__


def log_failure(what: str, whose: str, failed: FetchFailed) -> None:
    """Tell the operator of a fetch that failed.

    Args:
        what: Such as `key set`.
        whose: The client's id, or the issuer.
        failed: Why.
    """
    log.info(
        "fetch failed",
        what=what,
        whose=whose,
        fault=str(failed.fault),
        status=failed.status,
        detail=failed.detail,
    )
