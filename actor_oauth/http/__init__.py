"""The authorization server over HTTP: protocol endpoints and pages."""

from actor_oauth.http.app import build_app
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.throttle import Rate

__all__ = ["HttpOptions", "Rate", "build_app"]
