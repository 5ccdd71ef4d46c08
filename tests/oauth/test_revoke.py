"""What a revocation ends."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.grants import GrantState
from actor_oauth.oauth.revoke import Revoked, decide_revocation
from actor_oauth.oauth.tokens import TokenKind
from tests.support.grants import a_chain, an_issued_code


@pytest.mark.requirement("H-05")
@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        (TokenKind.REFRESH, Revoked.GRANT),
        (TokenKind.ACCESS, Revoked.ACCESS_TOKEN),
        (TokenKind.CODE, Revoked.NOTHING),
        (TokenKind.SESSION, Revoked.NOTHING),
    ],
)
def test_a_refresh_token_stands_for_its_grant_and_an_access_token_for_itself(
    kind: TokenKind, ends: Revoked
) -> None:
    grant = a_chain()[0].grant
    assert decide_revocation(kind, grant, client_id="app", matches=True) is ends


@pytest.mark.requirement("H-04")
@pytest.mark.parametrize("kind", TokenKind)
def test_another_clients_token_is_not_revoked(kind: TokenKind) -> None:
    grant = a_chain()[0].grant
    decision = decide_revocation(kind, grant, client_id="other", matches=True)
    assert decision is Revoked.NOTHING


@pytest.mark.requirement("D-29", "H-03")
@pytest.mark.parametrize("kind", TokenKind)
def test_a_token_that_matches_nothing_revokes_nothing(kind: TokenKind) -> None:
    grant = an_issued_code().grant
    for named in (None, grant):
        decision = decide_revocation(kind, named, client_id="app", matches=False)
        assert decision is Revoked.NOTHING


@pytest.mark.requirement("H-03", "H-07")
@pytest.mark.parametrize("state", [GrantState.REVOKED, GrantState.EXPIRED])
def test_revoking_what_has_ended_does_nothing(state: GrantState) -> None:
    grant = replace(a_chain()[0].grant, state=state)
    decision = decide_revocation(
        TokenKind.REFRESH, grant, client_id="app", matches=True
    )
    assert decision is Revoked.NOTHING
