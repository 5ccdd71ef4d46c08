"""Fetching one page of a site that a test makes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from actor_oauth.upstream.fetch import Fetched, FetchFailed, FetchFault, FetchLimits
from tests.support.web import Web

LIMITS = FetchLimits(body_bytes=5120, seconds=10)
URL = "https://c.example/client.json"
PAGE = "c.example/client.json"


async def fetched(web: Web, url: str = URL) -> Fetched | FetchFailed:
    return await web.fetcher().fetch_json(url, LIMITS)


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Fail, rather than hang, if what is tested does not happen."""
    with trio.fail_after(30):
        yield


def fault(answer: Fetched | FetchFailed) -> FetchFault:
    assert isinstance(answer, FetchFailed)
    return answer.fault
