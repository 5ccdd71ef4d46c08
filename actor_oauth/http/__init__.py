"""The authorization server over HTTP: protocol endpoints and pages."""

from actor_oauth.actors.throttle import Rate
from actor_oauth.http.options import HttpOptions

__all__ = ["HttpOptions", "Rate"]
