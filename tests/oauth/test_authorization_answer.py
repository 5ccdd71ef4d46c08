"""Where the browser is sent: complete URLs, to redirect URIs that are the client's."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from actor_oauth.oauth.authorization_answer import (
    AuthorizationError,
    Redirect,
    error_for_client,
)
from actor_oauth.oauth.reasons import Reason

ISSUER = "https://h.example"


def parameters_in(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


@pytest.mark.requirement("C-02", "C-03")
@pytest.mark.parametrize("trusted", [True, False])
def test_an_error_says_whether_the_browser_may_be_sent_at_once(
    *, trusted: bool
) -> None:
    error = error_for_client(
        Reason.SCOPE_UNKNOWN,
        redirect_uri="https://c.example/cb",
        state="s",
        issuer=ISSUER,
        trusted=trusted,
    )
    assert error.redirect_to == (error.link_to if trusted else None)
    assert parameters_in(error.link_to or "") == [
        ("error", "invalid_scope"),
        ("error_description", Reason.SCOPE_UNKNOWN.description),
        ("state", "s"),
        ("iss", ISSUER),
    ]
    assert error.redirect_uri == "https://c.example/cb"
    assert (error.category, error.error) == ("invalid_scope", "invalid_scope")
    assert error.description == Reason.SCOPE_UNKNOWN.description


@pytest.mark.requirement("C-02")
def test_an_error_that_nobody_can_be_told_leads_nowhere() -> None:
    error = AuthorizationError(reason=Reason.REDIRECT_URI_UNREGISTERED)
    assert (error.redirect_to, error.link_to, error.redirect_uri) == (None, None, None)


def test_a_redirect_with_a_code_does_not_show_it_in_logs() -> None:
    assert "secret" not in repr(Redirect("https://c.example/cb?code=secret"))
