"""The token endpoint: one module for each grant, behind the table in `grants.py`."""

from actor_oauth.actors.token_endpoint.endpoint import TokenEndpoint

__all__ = ["TokenEndpoint"]
