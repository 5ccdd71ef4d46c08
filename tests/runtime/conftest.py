"""What the runtime's tests share."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.failing import Failing

_MEMORY: Final = Path("/dev/shm")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder, in memory where there is such a place.

    SQLite syncs by itself, hundreds of times in some tests, and no test outlives a power
    failure.
    """
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=_MEMORY, prefix="actors-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data(memory: Path) -> Path:
    """A data directory, which does not exist yet."""
    return memory / "data"


@pytest.fixture
def failing_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test begins with alarms that fail."""
    monkeypatch.setattr(Failing, "fails", True)
    monkeypatch.setattr(Failing, "attempts", [])
