"""The application's own durable actors, beside those of the server."""

from typing import TypeVar

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.runtime import Actor

T = TypeVar("T", bound=Actor)


class ApplicationMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    def actor_of(self, actor_class: type[T], user_id: str) -> T:
        """Give a user's actor of some kind; it need not exist yet.

        Its key is a keyed hash of the user's id, as that of the user's own actor, so
        neither a file name nor a log line tells who the user is.

        Args:
            actor_class: One of those that the provider was given as `actors`.
            user_id: As tokens name the user: for tools, of the caller.

        Raises:
            ActorUsageError: The provider does not know the class.
        """
        key = self._effects.user_key(user_id)
        return self._effects.system.get(actor_class, key)
