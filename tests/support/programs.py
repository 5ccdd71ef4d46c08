"""Programs beyond Python that some tests drive, and how to say that one is missing."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Set in CI: what is missing there is a mistake in its set-up, not a reason to skip.
REQUIRE_ALL_VARIABLE: Final = "ACTOR_OAUTH_REQUIRE_ALL"

_EXECUTABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "chrome"),
    "node": ("node", "nodejs"),
}


def find_program(name: str) -> Path | None:
    """Find a program on the path.

    Args:
        name: What `@pytest.mark.needs(…)` calls it.

    Raises:
        KeyError: No test may need a program that is not listed here.
    """
    found = (shutil.which(executable) for executable in _EXECUTABLES[name])
    return next((Path(path) for path in found if path is not None), None)


def require_all() -> bool:
    """Tell whether a missing program is a failure rather than a skip."""
    return os.environ.get(REQUIRE_ALL_VARIABLE, "") not in ("", "0")
