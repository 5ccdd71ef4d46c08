"""What an operator may change about a client."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.client_credentials import decide_service_client
from actor_oauth.oauth.client_update import ClientChanges, decide_update
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import Registered, decide_client
from actor_oauth.oauth.scopes import Scope

POLICY = Policy(
    issuer="https://as.example",
    resources=(
        ResourcePolicy(
            identifier="https://as.example/mcp",
            scopes=("read", "write"),
            default_scopes=("read",),
        ),
    ),
)


def a_client(**members: object) -> Client:
    decided = decide_client(
        {
            "client_name": "Notes",
            "redirect_uris": ["https://a.example/cb"],
            "scope": "read",
            "contacts": ["ada@a.example"],
            **members,  # type: ignore[dict-item]  # JSON as the tests write it
        },
        POLICY,
        client_id="aocl_1",
        now=7,
        origin="pre-registered",
    )
    assert isinstance(decided, Registered)
    return decided.client


def a_service() -> Client:
    decided = decide_service_client(
        client_id="aocl_2",
        client_name="Robot",
        scope=Scope(("read",)),
        resources=(),
        policy=POLICY,
        now=7,
    )
    assert isinstance(decided, Registered)
    return decided.client


CLIENT, SERVICE = a_client(), a_service()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (ClientChanges(), CLIENT),
        (ClientChanges(client_name="Other"), replace(CLIENT, client_name="Other")),
        (
            ClientChanges(redirect_uris=("https://b.example/cb",)),
            replace(CLIENT, redirect_uris=("https://b.example/cb",)),
        ),
        (
            ClientChanges(scope=Scope(("write",))),
            replace(CLIENT, scope=Scope(("write",))),
        ),
        (ClientChanges(any_scope=True), replace(CLIENT, scope=None)),
    ],
)
def test_what_is_named_changes_and_nothing_else(
    changes: ClientChanges, expected: Client
) -> None:
    assert decide_update(CLIENT, changes, POLICY) == expected


@pytest.mark.requirement("B-02", "B-24")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            ClientChanges(redirect_uris=("javascript:alert(1)",)),
            Reason.REDIRECT_URI_SCHEME,
        ),
        (ClientChanges(redirect_uris=()), Reason.REDIRECT_URIS_MISSING),
        (ClientChanges(scope=Scope(("other",))), Reason.METADATA_SCOPE_MALFORMED),
        (ClientChanges(resources=()), Reason.CHANGE_UNFIT),
    ],
)
def test_a_client_cannot_become_what_could_not_be_registered(
    changes: ClientChanges, reason: Reason
) -> None:
    assert decide_update(CLIENT, changes, POLICY) == Refused(reason)


def test_what_is_not_touched_is_kept_even_if_it_is_not_allowed_any_more() -> None:
    old = replace(CLIENT, scope=Scope(("gone",)), redirect_uris=("cursor://cb",))
    changed = decide_update(old, ClientChanges(client_name="Other"), POLICY)
    assert changed == replace(old, client_name="Other")


def test_a_client_without_redirects_gets_none() -> None:
    bare = replace(CLIENT, redirect_uris=())
    changes = ClientChanges(redirect_uris=("https://a.example/cb",))
    assert decide_update(bare, changes, POLICY) == Refused(Reason.CHANGE_UNFIT)


def test_a_service_has_resources_and_a_scope() -> None:
    resource = "https://as.example/mcp"
    changed = decide_update(
        SERVICE,
        ClientChanges(
            client_name="Other", scope=Scope(("write",)), resources=(resource,)
        ),
        POLICY,
    )
    assert changed == replace(
        SERVICE, client_name="Other", scope=Scope(("write",)), resources=(resource,)
    )
    assert decide_update(SERVICE, ClientChanges(), POLICY) == SERVICE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (ClientChanges(redirect_uris=("https://a.example/cb",)), Reason.CHANGE_UNFIT),
        (ClientChanges(any_scope=True), Reason.CHANGE_UNFIT),
        (ClientChanges(scope=Scope(("other",))), Reason.SCOPE_NOT_ALLOWED),
        (ClientChanges(resources=("https://x.example",)), Reason.RESOURCE_NOT_ALLOWED),
    ],
)
def test_a_service_cannot_become_anything_else(
    changes: ClientChanges, reason: Reason
) -> None:
    assert decide_update(SERVICE, changes, POLICY) == Refused(reason)


def test_a_client_that_publishes_itself_is_changed_by_nobody_else() -> None:
    published = replace(CLIENT, origin="metadata-document")
    refused = decide_update(published, ClientChanges(client_name="x"), POLICY)
    assert refused == Refused(Reason.CLIENT_PUBLISHED)
