"""A client's logo, stored in the client's actor once it was fetched and accepted."""

from dataclasses import dataclass
from typing import Protocol

from actor_oauth.actors.client.registration import load_registration
from actor_oauth.actors.documents import load_document, save_document
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.metadata_document import CacheTimes
from actor_oauth.oauth.pictures import Picture, parse_picture
from actor_oauth.runtime import Actor, turn, view

# No URL has one.
_END_OF_URL = b"\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLogo:
    """A logo as it is kept.

    Attributes:
        picture: To be shown.
        fresh_until: Until then it is used without asking, in Unix seconds.
        usable_until: Until when it is used if it cannot be fetched again.
    """

    picture: Picture
    fresh_until: int
    usable_until: int


class Logos(Protocol):
    """Finds the logos of clients, as the actors' layer sees it."""

    async def get(self, client: Client) -> Picture | None:
        """Give a client's logo; None if it has none that may be shown."""
        ...


class LogoKeeper(Actor, kind="client"):
    """The part of a client's actor that keeps its logo."""

    @view
    def logo(self, url: str) -> StoredLogo | None:
        """Give what was fetched from a URL, or None."""
        stored = load_document(self.db, "logo")
        if stored is None:
            return None
        fetched_from, _, body = stored.body.partition(_END_OF_URL)
        picture = parse_picture(body)
        if fetched_from != url.encode() or picture is None:
            return None
        return StoredLogo(
            picture=picture,
            fresh_until=stored.fresh_until,
            usable_until=stored.usable_until,
        )

    @turn
    def remember_logo(
        self, url: str, picture: Picture, times: CacheTimes, *, now: int
    ) -> None:
        """Store what was fetched from a URL, if there is an active client."""
        if load_registration(self.db).client is not None:
            body = url.encode() + _END_OF_URL + picture.body
            save_document(self.db, "logo", body, times, now=now)
