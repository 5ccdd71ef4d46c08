"""`clients token`: who may register clients."""

import pytest

from actor_oauth.actors import registrar
from tests.cli.conftest import Command


@pytest.mark.requirement("B-21")
def test_a_token_is_printed_and_revoked_by_its_name(actor_oauth: Command) -> None:
    done = actor_oauth("clients", "token", "--label", "ci", "--uses", "3")
    assert done.status == 0
    assert done.out.startswith("aoia_")
    assert "only its hash is stored" in done.err
    more = actor_oauth("clients", "token", "--label", "ci", "--seconds", "60")
    assert more.out != done.out
    revoke = ("clients", "token", "--label", "ci", "--revoke")
    assert "revoked 2" in actor_oauth(*revoke).err
    assert "revoked 0" in actor_oauth(*revoke).err


def test_there_are_not_too_many_tokens(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "MAX_INITIAL_TOKENS", 0)
    done = actor_oauth("clients", "token", "--label", "ci")
    assert done.status != 0
    assert "too many" in done.err
