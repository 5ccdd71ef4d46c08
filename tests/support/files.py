"""Looking at an engine's files from outside. Plain functions, so that no test waits."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find(root: Path, name: str) -> Path:
    """The one file of that name below a folder."""
    (path,) = root.rglob(name)
    return path


def names(root: Path, pattern: str = "*") -> list[str]:
    """The names of the files below a folder, in order."""
    return sorted(path.name for path in root.rglob(pattern) if path.is_file())


def size(root: Path, name: str) -> int:
    """The size of the one file of that name below a folder."""
    return find(root, name).stat().st_size


def readable_by_others(root: Path) -> list[Path]:
    """The files and folders below a folder, and itself, that others may read."""
    paths = [root, *root.rglob("*")]
    return [path for path in paths if path.stat().st_mode & 0o077]


def write(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def open_files(below: Path) -> list[str]:
    """The files below a folder that this process has open, by name, in order."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = link.readlink()
        except FileNotFoundError:
            continue
        if target.is_relative_to(below):
            found.append(target.name)
    return sorted(found)


@contextmanager
def no_index(data: Path) -> Iterator[None]:
    """While the block lasts, the index of wake-ups cannot be used."""
    db = sqlite3.connect(data / "wakes.db", isolation_level=None)
    db.execute("ALTER TABLE wakes RENAME TO hidden")
    yield
    db.execute("ALTER TABLE hidden RENAME TO wakes")
    db.close()
