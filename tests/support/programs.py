"""Programs beyond Python that some tests drive, and how to say that one is missing."""

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Set in CI: what is missing there is a mistake in its set-up, not a reason to skip.
REQUIRE_ALL_VARIABLE: Final = "ACTOR_OAUTH_REQUIRE_ALL"

_EXECUTABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "caddy": ("caddy",),
    "cc": ("cc", "gcc"),
    "chromium": ("chromium", "chromium-browser", "google-chrome", "chrome"),
    "nginx": ("nginx",),
    "node": ("node", "nodejs"),
}

NODE_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "node"
"""Where `npm ci` puts the programs of `package.json`, with the Node.js they need."""

# What a test may need of them: the package, and the file to look for in it.
_PACKAGES: Final[Mapping[str, str]] = {
    "conformance": "@modelcontextprotocol/conformance",
    "inspector": "@modelcontextprotocol/inspector",
    "mcp-client": "@modelcontextprotocol/client",
    "mcp-remote": "mcp-remote",
    "mcp-sdk": "@modelcontextprotocol/sdk",
    "oidc-provider": "oidc-provider",
}
_MACHINES: Final = {"x86_64": "x64", "aarch64": "arm64"}


def find_program(name: str) -> Path | None:
    """Find a program: on the path, or what `npm ci` in `tests/node` brought.

    Args:
        name: What `@pytest.mark.needs(…)` calls it. `node22` is the Node.js of
            `tests/node`, the others of that folder give their package's directory.

    Raises:
        KeyError: No test may need a program that is not listed here.
    """
    modules = NODE_DIRECTORY / "node_modules"
    if name == "node22":
        machine = _MACHINES.get(platform.machine(), "none")
        return _existing(modules / f"node-linux-{machine}" / "bin" / "node")
    if name in _PACKAGES:
        return _existing(modules / _PACKAGES[name])
    found = (shutil.which(executable) for executable in _EXECUTABLES[name])
    return next((Path(path) for path in found if path is not None), None)


def require_all() -> bool:
    """Tell whether a missing program is a failure rather than a skip."""
    return os.environ.get(REQUIRE_ALL_VARIABLE, "") not in ("", "0")


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
