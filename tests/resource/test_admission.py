"""Who passes: the decisions, without any server around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.challenge import Challenge, ChallengeError
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.admission import decide_token, missing_scopes
from tests.resource.asgi_calls import NOW, protection, token_info


def _error(
    info: AccessTokenInfo | None, *, path: str = "/mcp", now: int = NOW
) -> ChallengeError | None:
    verdict = decide_token(protection(), path, info, now=now)
    return verdict.error if isinstance(verdict, Challenge) else None


@pytest.mark.requirement("G-05")
@pytest.mark.parametrize(
    ("after", "passes"), [(0, True), (3599, True), (3600, False), (9999, False)]
)
def test_a_token_is_expired_from_its_expiry_on(after: int, passes: bool) -> None:
    assert (_error(token_info(), now=NOW + after) is None) is passes


@pytest.mark.requirement("G-04")
def test_a_token_that_nobody_knows_is_invalid() -> None:
    assert _error(None) is ChallengeError.INVALID_TOKEN


@pytest.mark.requirement("G-06")
@pytest.mark.parametrize(
    "path", ["/mcp", "/mcp/", "/mcp/x", "/mcp/x y", "/mcp/%2e%2ex", "/mcp/a/../b"]
)
def test_a_token_for_a_resource_covers_what_is_below_it(path: str) -> None:
    assert _error(token_info(), path=path) is None


@pytest.mark.requirement("G-06")
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/mcp-other",
        "/MCP",
        "/mcp/../admin",
        "/mcp/..",
        # For whoever decodes twice, this climbs.
        "/mcp/%2e%2e",
        "/x/mcp",
        "",
    ],
)
def test_a_token_for_a_resource_covers_nothing_beside_it(path: str) -> None:
    assert _error(token_info(), path=path) is ChallengeError.INVALID_TOKEN


@pytest.mark.requirement("G-06", "G-11")
@pytest.mark.parametrize(
    "resource",
    [
        "https://mcp.example/mcp/deeper",
        "https://mcp.example/other",
        "https://other.example/mcp",
        "http://mcp.example/mcp",
        "https://mcp.example:8443/mcp",
        "",
    ],
)
def test_a_token_for_another_resource_is_invalid(resource: str) -> None:
    assert _error(token_info(resource=resource)) is ChallengeError.INVALID_TOKEN


@pytest.mark.requirement("G-08")
def test_a_good_token_without_the_scope_is_told_all_scopes_of_the_operation() -> None:
    guarded = protection(required=("mcp", "files:write"))
    verdict = decide_token(guarded, "/mcp", token_info(), now=NOW)
    assert isinstance(verdict, Challenge)
    assert verdict.status == 403
    assert verdict.error is ChallengeError.INSUFFICIENT_SCOPE
    assert verdict.scope == ("mcp", "files:write")


@pytest.mark.requirement("G-09")
def test_a_scope_includes_what_it_implies_through_any_number_of_steps() -> None:
    implied = {"admin": ("write",), "write": ("read",), "read": ("admin",)}
    assert missing_scopes(("read",), Scope(("admin",)), implied) == ()
    assert missing_scopes(("read", "x"), Scope(("admin",)), implied) == ("x",)
    assert missing_scopes(("read",), Scope(("other",)), implied) == ("read",)


_NAMES = st.sampled_from(["a", "b", "c", "d"])


@pytest.mark.requirement("G-09")
@given(
    st.lists(_NAMES, unique=True),
    st.sets(_NAMES),
    st.sets(_NAMES),
    st.dictionaries(_NAMES, st.lists(_NAMES).map(tuple)),
)
def test_more_scopes_never_let_fewer_requests_pass(
    required: list[str],
    granted: set[str],
    more: set[str],
    implied: dict[str, tuple[str, ...]],
) -> None:
    fewer = missing_scopes(tuple(required), Scope(tuple(granted)), implied)
    after = missing_scopes(tuple(required), Scope(tuple(granted | more)), implied)
    assert set(after) <= set(fewer) <= set(required) - granted
