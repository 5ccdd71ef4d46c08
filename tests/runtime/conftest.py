"""What the runtime's tests share."""

from pathlib import Path

import pytest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory, which does not exist yet."""
    return tmp_path / "data"
