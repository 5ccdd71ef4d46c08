"""What makes a client another one in the eyes of whoever consented to it."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.client_fingerprint import client_fingerprint
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import CLIENT

NAMED = replace(
    CLIENT,
    client_name="Ledger",
    redirect_uris=("https://a.example/1", "https://a.example/2"),
    metadata={"client_name#de": "Kassenbuch", "contacts": ["a@a.example"]},
)


@pytest.mark.requirement("B-19")
@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "Ledger II"},
        {"logo_uri": "https://a.example/logo.png"},
        {"redirect_uris": ("https://a.example/1",)},
        {"redirect_uris": (*NAMED.redirect_uris, "https://evil.example/")},
        {"jwks": {"keys": []}},
        {"jwks_uri": "https://a.example/keys"},
        {"auth_methods_accepted": frozenset({"private_key_jwt"})},
        {"metadata": {"client_name#de": "Bank"}},
    ],
)
def test_a_change_that_matters_to_the_user_is_seen(change: dict[str, Json]) -> None:
    changed = replace(NAMED, **change)  # type: ignore[arg-type]  # a table of keywords
    assert client_fingerprint(changed) != client_fingerprint(NAMED)


@pytest.mark.requirement("B-19")
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"redirect_uris": tuple(reversed(NAMED.redirect_uris))},
        {"epoch": 7, "issued_at": 12},
        {"scope": Scope(("read",)), "tos_uri": "https://a.example/terms"},
        {"metadata": {"client_name#de": "Kassenbuch", "software_version": "2"}},
    ],
)
def test_other_changes_are_not(change: dict[str, Json]) -> None:
    changed = replace(NAMED, **change)  # type: ignore[arg-type]  # a table of keywords
    assert client_fingerprint(changed) == client_fingerprint(NAMED)
