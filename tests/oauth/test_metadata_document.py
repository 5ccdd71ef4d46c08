"""Clients that are known by the URL of a document that they publish."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.metadata_document import (
    MAX_CACHED,
    MAX_STALE,
    MIN_CACHED,
    USUALLY_CACHED,
    CacheTimes,
    cache_times,
    decide_document,
    is_document_url,
)
from actor_oauth.oauth.wire import Category, Reason, Refused
from tests.oauth.documents import NOW, POLICY, URL, accepted, decide
from tests.support.signing import signer

MINIMAL: dict[str, Json] = {
    "client_id": URL,
    "client_name": "A client",
    "redirect_uris": ["https://c.example/cb"],
}
KEYS = signer("RS256").jwks()


@pytest.mark.requirement("B-06")
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://c.example:8443/x",
        "https://c.example/a/b/",
        "https://c.example/client.json?v=1",
        "https://c.example/a..b/.well-known/x",
    ],
)
def test_an_https_url_with_a_path_is_a_document_s(url: str) -> None:
    assert is_document_url(url, POLICY)
    assert not is_document_url(url, replace(POLICY, metadata_documents_enabled=False))


@pytest.mark.requirement("B-06")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "aocl_x",
        "https://c.example",
        "https://c.example/",
        "https://c.example?x=/y",
        "http://c.example/client.json",
        "HTTPS://c.example/client.json",
        "https://c.example/client.json#x",
        "https://c.example/client.json#",
        "https://user@c.example/client.json",
        "https://user:pw@c.example/client.json",
        "https://@c.example/client.json",
        "https://c.example/./x",
        "https://c.example/a/../x",
        "https://c.example/..",
        "https://c.example/%2e%2e/x",
        "https://c.example/.%2E/x",
        "https://c.example/%2e/x",
        "https://c.example/a b",
        "https://c.example\\@d.example/x",
        "https://c.example:0/x",
        "https://c.exämple/x",
        " https://c.example/x",
        "https:///x",
        "https:c.example/x",
        "https://c.example/" + "x" * 2048,
    ],
)
def test_any_other_client_id_is_not(url: str) -> None:
    assert not is_document_url(url, POLICY)


@pytest.mark.requirement("B-06", "B-14")
def test_for_development_a_document_may_be_on_this_machine() -> None:
    local = replace(POLICY, loopback_documents=True)
    for url in ("http://localhost:9000/x", "http://127.0.0.1/x", "https://[::1]/x"):
        assert is_document_url(url, local)
    for url in ("http://c.example/x", "http://127.0.0.2/x", "http://localhost/"):
        assert not is_document_url(url, local)
    assert not is_document_url("http://localhost:9000/x", POLICY)


@pytest.mark.requirement("B-08", "B-09", "B-11")
def test_the_smallest_document_is_a_public_client() -> None:
    client = accepted(MINIMAL)
    assert client == Client(
        client_id=URL,
        redirect_uris=("https://c.example/cb",),
        auth_method="none",
        auth_methods_accepted=frozenset(("none",)),
        grant_types=("authorization_code",),
        response_types=("code",),
        origin="metadata-document",
        client_name="A client",
        issued_at=NOW,
    )
    assert not client.is_confidential
    assert Client.from_record(client.to_record()) == client


@pytest.mark.requirement("B-07")
@pytest.mark.parametrize(
    "client_id",
    [
        None,
        "",
        7,
        "https://c.example/client.json/",
        "https://C.example/client.json",
        "https://c.example:443/client.json",
        "https://c.example/client%2Ejson",
        "https://d.example/client.json",
    ],
)
def test_the_document_names_its_own_url_character_for_character(
    client_id: Json,
) -> None:
    decision = decide({**MINIMAL, "client_id": client_id})
    assert decision == Refused(Reason.DOCUMENT_CLIENT_ID_WRONG)


@pytest.mark.requirement("B-08", "B-09", "B-10", "B-11")
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"client_name": None}, Reason.DOCUMENT_NAME_MISSING),
        ({"client_name": ""}, Reason.DOCUMENT_NAME_MISSING),
        ({"client_name": " \u202e "}, Reason.DOCUMENT_NAME_MISSING),
        ({"client_name": 7}, Reason.METADATA_TYPE_WRONG),
        ({"redirect_uris": None}, Reason.REDIRECT_URIS_MISSING),
        ({"redirect_uris": []}, Reason.REDIRECT_URIS_MISSING),
        ({"redirect_uris": [7]}, Reason.REDIRECT_URI_MALFORMED),
        ({"redirect_uris": ["javascript:alert(1)"]}, Reason.REDIRECT_URI_SCHEME),
        ({"redirect_uris": ["http://c.example"]}, Reason.REDIRECT_URI_NOT_LOOPBACK),
        ({"client_secret": "s"}, Reason.DOCUMENT_HAS_SECRET),
        ({"client_secret_expires_at": 0}, Reason.DOCUMENT_HAS_SECRET),
        (
            {"token_endpoint_auth_method": "client_secret_basic"},
            Reason.DOCUMENT_HAS_SECRET,
        ),
        (
            {"token_endpoint_auth_methods_supported": ["none", "client_secret_jwt"]},
            Reason.DOCUMENT_HAS_SECRET,
        ),
        (
            {
                "token_endpoint_auth_method": "none",
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "jwks": KEYS,
            },
            Reason.DOCUMENT_METHOD_INCONSISTENT,
        ),
        (
            {"token_endpoint_auth_method": "tls_client_auth"},
            Reason.AUTH_METHOD_UNSUPPORTED,
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt"},
            Reason.AUTH_METHOD_UNSUPPORTED,
        ),
        ({"token_endpoint_auth_method": 7}, Reason.METADATA_TYPE_WRONG),
        (
            {"jwks": KEYS, "jwks_uri": "https://c.example/jwks"},
            Reason.METADATA_INCONSISTENT,
        ),
        (
            {"jwks": {"keys": [{**signer("RS256").key.as_dict(private=True)}]}},
            Reason.METADATA_JWKS_INVALID,
        ),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, Reason.METADATA_JWKS_INVALID),
        ({"jwks": []}, Reason.METADATA_JWKS_INVALID),
        ({"logo_uri": "javascript:alert(1)"}, Reason.METADATA_URI_INVALID),
        ({"grant_types": ["implicit"]}, Reason.GRANT_TYPES_UNSUPPORTED),
        ({"response_types": ["token"]}, Reason.RESPONSE_TYPES_UNSUPPORTED),
    ],
)
def test_a_document_that_does_not_hold_is_refused(
    members: dict[str, Json], reason: Reason
) -> None:
    assert decide({**MINIMAL, **members}) == Refused(reason)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b"7", b'{"a":1,"a":2}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    refused = decide_document(body, URL, POLICY, now=NOW)
    assert refused == Refused(Reason.DOCUMENT_MALFORMED)
    assert Reason.DOCUMENT_MALFORMED.category is Category.INVALID_CLIENT


NONE, PKJ = "none", "private_key_jwt"


@pytest.mark.requirement("B-09", "B-10", "B-12")
@pytest.mark.parametrize(
    ("preferred", "choices", "keys", "method", "methods"),
    [
        (None, None, False, NONE, {NONE}),
        (None, None, True, NONE, {NONE}),
        (NONE, None, True, NONE, {NONE}),
        (PKJ, None, True, PKJ, {PKJ}),
        (PKJ, [PKJ], True, PKJ, {PKJ}),
        (PKJ, [PKJ, NONE], True, PKJ, {PKJ}),
        (PKJ, [NONE, PKJ], False, NONE, {NONE}),
        (NONE, [NONE, PKJ], True, NONE, {NONE, PKJ}),
        (None, [NONE, PKJ], True, NONE, {NONE, PKJ}),
        (None, [PKJ], True, PKJ, {PKJ}),
        (None, [NONE, "tls_client_auth"], False, NONE, {NONE}),
        ("tls_client_auth", ["tls_client_auth", NONE], False, NONE, {NONE}),
        (None, [], False, NONE, {NONE}),
    ],
)
def test_the_way_to_authenticate_is_one_that_both_have(
    preferred: str | None,
    choices: list[Json] | None,
    keys: bool,
    method: str,
    methods: set[str],
) -> None:
    client = accepted(
        {
            **MINIMAL,
            "token_endpoint_auth_method": preferred,
            "token_endpoint_auth_methods_supported": choices,
            "jwks": KEYS if keys else None,
        }
    )
    assert client.auth_method == method
    assert client.auth_methods_accepted == methods
    assert client.is_confidential is (NONE not in methods)


@pytest.mark.requirement("B-11")
def test_what_this_server_does_not_have_is_passed_over() -> None:
    device = "urn:ietf:params:oauth:grant-type:device_code"
    client = accepted(
        {
            **MINIMAL,
            "grant_types": [device, "refresh_token", "authorization_code", "magic"],
            "response_types": ["code", "token"],
            "redirect_uris": ["vscode://x/cb", "https://c.example/cb"],
            "invented": [1],
        }
    )
    assert set(client.grant_types) & {"authorization_code", "refresh_token"}
    assert client.response_types == ("code",)
    assert client.redirect_uris == ("https://c.example/cb",)
    assert "refresh_token" not in accepted(MINIMAL).grant_types


@pytest.mark.requirement("B-16")
@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        (None, USUALLY_CACHED),
        (0, MIN_CACHED),
        (59, MIN_CACHED),
        (61, 61),
        (86400, 86400),
        (MAX_CACHED, MAX_CACHED),
        (MAX_CACHED + 1, MAX_CACHED),
        (10**9, MAX_CACHED),
    ],
)
def test_a_document_is_cached_for_a_minute_to_a_week(
    stated: int | None, seconds: int
) -> None:
    assert cache_times(stated, now=NOW) == CacheTimes(
        fresh_until=NOW + seconds, usable_until=NOW + seconds + MAX_STALE
    )


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*MINIMAL, "jwks", "scope"]), _VALUES))
def test_no_document_raises(members: dict[str, Json]) -> None:
    decide({**MINIMAL, **members})
    decide(members)


@given(st.binary(max_size=200), st.text(max_size=50))
def test_no_bytes_and_no_client_id_raise(body: bytes, client_id: str) -> None:
    decide_document(body, URL, POLICY, now=NOW)
    is_document_url("https://" + client_id, POLICY)
