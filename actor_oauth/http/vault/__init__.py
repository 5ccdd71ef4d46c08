"""The vault over HTTP: pages for users, documents for other servers, an API."""

from actor_oauth.http.vault.api import build_vault_api
from actor_oauth.http.vault.documents import client_routes, key_routes
from actor_oauth.http.vault.routes import vault_pages

__all__ = ["build_vault_api", "client_routes", "key_routes", "vault_pages"]
