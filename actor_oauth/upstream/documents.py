"""Documents of other servers: present, definitely absent, or unavailable."""

from typing import Final

from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.fetch import Fetcher, FetchFailed, FetchFault, FetchLimits
from actor_oauth.upstream.outgoing import Outgoing, Reply

DOCUMENT_LIMITS: Final = FetchLimits(body_bytes=64 * 1024, seconds=10.0)
ANSWER_LIMITS: Final = FetchLimits(body_bytes=64 * 1024, seconds=15.0)

_OK: Final = 200
_REFUSED: Final = (FetchFault.URL_REFUSED, FetchFault.ADDRESS_REFUSED)


async def fetch_document(fetcher: Fetcher, url: str) -> bytes | UpstreamFailed | None:
    """Fetch a JSON document that may not be there.

    Returns:
        None if the server says that the document does not exist, or serves something
        else in its place. Failed if that cannot be determined: mistaking a fault for
        "not there" would continue the search elsewhere (I-10).
    """
    reply = await ask(fetcher, Outgoing(url=url), DOCUMENT_LIMITS)
    if isinstance(reply, UpstreamFailed):
        return reply
    if reply.is_unavailable:
        return unreachable(reply)
    return reply.body if reply.status == _OK and reply.is_json else None


async def ask(
    fetcher: Fetcher, request: Outgoing, limits: FetchLimits = ANSWER_LIMITS
) -> Reply | UpstreamFailed:
    """Send a request to another server."""
    reply = await fetcher.send(request, limits)
    return _failure(reply) if isinstance(reply, FetchFailed) else reply


def unreachable(reply: Reply) -> UpstreamFailed:
    """Make the failure of a server that answers that it cannot answer."""
    return UpstreamFailed(
        fault=UpstreamFault.UNREACHABLE,
        detail=str(reply.status),
        retry_after=reply.retry_after,
    )


def _failure(failed: FetchFailed) -> UpstreamFailed:
    detail = f"{failed.fault} {failed.detail}".strip()
    if failed.fault in _REFUSED:
        fault = UpstreamFault.ADDRESS_REFUSED
    elif failed.is_lost:
        fault = UpstreamFault.ANSWER_LOST
    elif failed.is_passing:
        fault = UpstreamFault.UNREACHABLE
    else:
        fault = UpstreamFault.METADATA_MALFORMED
    return UpstreamFailed(fault=fault, detail=detail)
