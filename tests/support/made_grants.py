"""Grants of many users, made on the data directory of a running server."""

from collections.abc import Sequence

from actor_oauth.bench.helper_grants import open_helper
from actor_oauth.config import Settings
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.provider import Provider
from actor_oauth.runtime import SystemEntropy


async def make_grants(
    settings: Settings, count: int
) -> tuple[str, Sequence[TokenResponse]]:
    """Give each of `count` users, `user0` and so on, a grant for one client.

    Nobody logs in: the helper API says who the user is, in a second process on the same
    data directory.

    Args:
        settings: Of the server: its data directory, its issuer, its resources.
        count: How many users.

    Returns:
        The `client_id`, and the tokens of each grant.
    """
    async with Provider(settings).open() as running:
        helper = await open_helper(running.server, SystemEntropy())
        tokens = [await helper.grant(f"user{number}") for number in range(count)]
    return helper.client_id, tokens
