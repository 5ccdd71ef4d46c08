import io
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

import pytest
import structlog
from argon2 import profiles

from actor_oauth.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command ended with."""

    status: int
    out: str
    err: str


class Command(Protocol):
    """Runs a command line."""

    def __call__(self, *arguments: str, stdin: str | TextIO = "") -> Outcome: ...


@pytest.fixture(autouse=True)
def _clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command does to its process: it is made to end with it."""
    for name in os.environ:
        if name.startswith("ACTOR_OAUTH_"):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _weak_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in no time: no test here is about hashing."""
    monkeypatch.setattr(profiles, "RFC_9106_LOW_MEMORY", profiles.CHEAPEST)


@pytest.fixture
def actor_oauth(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """Run a command line in this process, with an empty data directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".actor-oauth").mkdir(mode=0o700, exist_ok=True)

    def run(*arguments: str, stdin: str | TextIO = "") -> Outcome:
        given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "argv", ["actor-oauth", *arguments])
        monkeypatch.setattr(sys, "stdin", given)
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        assert isinstance(status, int)
        return Outcome(status, *capfd.readouterr())

    return run
