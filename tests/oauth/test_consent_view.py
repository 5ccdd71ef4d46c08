"""What a consent page is given to show."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import BrowserBinding, Consent
from actor_oauth.oauth.consent_view import ConsentScope, ConsentView, view_of
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import CLIENT, POLICY, RESOURCE, SCOPE, START, a_request

NAMED_POLICY = replace(
    POLICY,
    resources=(ResourcePolicy(identifier=RESOURCE, scopes=SCOPE.names, name="Notes"),),
    scope_descriptions=(("read", "Read your notes"),),
)
LOOPBACK = "http://127.0.0.1/callback"


def view(
    client: Client = CLIENT,
    *,
    redirect_uri: str = "https://app.example/callback",
    granted: str = "",
) -> ConsentView:
    consent = Consent(
        state=QuestionState.PENDING,
        browser=BrowserBinding(b"", is_session=False),
        request=a_request(redirect_uri=redirect_uri, scope=Scope(("read", "write"))),
        client=client,
        granted=Scope(tuple(granted.split())),
        expires_at=START,
    )
    return view_of(consent, "ada", NAMED_POLICY)


@pytest.mark.requirement("C-13")
def test_scopes_come_with_the_operators_words_and_what_is_new_about_them() -> None:
    assert view(granted="admin read").scopes == (
        ConsentScope(
            name="read", description="Read your notes", requested=True, granted=True
        ),
        ConsentScope(name="write", description=None, requested=True, granted=False),
        ConsentScope(name="admin", description=None, requested=False, granted=True),
    )


@pytest.mark.requirement("C-13")
def test_a_client_is_called_by_its_name_and_vouched_for_by_its_host() -> None:
    shown = view(replace(CLIENT, client_name="Ledger"))
    assert (shown.client_name, shown.client_host) == ("Ledger", None)
    assert (shown.user_id, shown.resource_name) == ("ada", "Notes")
    assert not shown.is_vetted
    url = "https://Ledger.example/client.json"
    document = view(replace(CLIENT, client_id=url, origin="metadata-document"))
    assert (document.client_name, document.client_host) == (url, "ledger.example")
    assert view(replace(CLIENT, origin="pre-registered")).is_vetted


@pytest.mark.requirement("C-13")
@pytest.mark.parametrize(
    ("redirect_uri", "host"),
    [
        ("https://App.example:8443/callback", "app.example"),
        (LOOPBACK, "127.0.0.1"),
        ("cursor://anysphere.cursor/callback", "cursor:"),
        ("com.example.app:/callback", "com.example.app:"),
    ],
)
def test_where_a_yes_leads_is_always_said(redirect_uri: str, host: str) -> None:
    assert view(redirect_uri=redirect_uri).redirect_host == host


@pytest.mark.requirement("C-13")
@pytest.mark.parametrize(
    ("uris", "origin", "warns"),
    [
        ((LOOPBACK,), "dynamic", True),
        ((LOOPBACK, "http://localhost/cb"), "metadata-document", True),
        ((LOOPBACK, "https://app.example/cb"), "dynamic", False),
        ((LOOPBACK,), "pre-registered", False),
    ],
)
def test_a_name_that_any_local_program_can_use_is_warned_about(
    uris: tuple[str, ...], origin: str, *, warns: bool
) -> None:
    client = replace(
        CLIENT,
        client_id="https://app.example/client.json",
        redirect_uris=uris,
        origin=origin,  # type: ignore[arg-type]  # from the table
    )
    assert view(client).only_on_device is warns
