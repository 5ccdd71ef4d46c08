"""What a user saw of a client, or relied on: consent is to these things (B-19)."""

import hashlib

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json, render_record

_LOCALIZED = ("client_name#", "logo_uri#")


def client_fingerprint(client: Client) -> bytes:
    """Give a hash that changes with a client's name, logo, redirect URIs or keys.

    A consent to the client as it was is none to the client as it is, if this differs.
    Keys that it publishes at a `jwks_uri` may rotate there.
    """
    members: dict[str, Json] = {
        "client_name": client.client_name,
        "logo_uri": client.logo_uri,
        "redirect_uris": [*sorted(client.redirect_uris)],
        "auth_methods": [*sorted(client.auth_methods_accepted)],
        "jwks": None if client.jwks is None else dict(client.jwks),
        "jwks_uri": client.jwks_uri,
        **{
            name: value
            for name, value in sorted(client.metadata.items())
            if name.startswith(_LOCALIZED)
        },
    }
    return hashlib.sha256(render_record(members).encode()).digest()
