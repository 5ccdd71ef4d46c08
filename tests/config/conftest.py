"""No variable of the machine that runs the tests may be taken for a setting."""

import os

import pytest


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ACTOR_OAUTH_"):
            monkeypatch.delenv(name)
