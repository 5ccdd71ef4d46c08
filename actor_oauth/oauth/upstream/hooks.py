"""What the application may say about connections to other services."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from actor_oauth.oauth.json_values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSuccess:
    """The application's description of a new connection.

    Attributes:
        name: What to call it; None to leave it as it is.
        metadata: Anything, to be listed with it. Not encrypted.
    """

    name: str | None = None
    metadata: Json = None


OnAuthSuccess: TypeAlias = Callable[[str, str | None], Awaitable[AuthSuccess | None]]
"""Called with the resource and the header value (None if public); names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionEnded:
    """A connection that only its user can restore.

    Attributes:
        user_id: Whose.
        resource: Its identifier.
        name: For people.
        reauthorize_url: Where the user connects it again.
    """

    user_id: str
    resource: str
    name: str
    reauthorize_url: str


OnConnectionEnded: TypeAlias = Callable[[ConnectionEnded], Awaitable[None]]
"""Called at least once for each end, some seconds after it."""
