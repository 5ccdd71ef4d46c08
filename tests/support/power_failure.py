"""What the disk of a machine may hold after its power has failed.

Whatever was synced, by SQLite too, is there. Of everything else that was written each
piece may be there or not, in any order: `leave` draws one such state.
"""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from struct import Struct
from typing import Final

from actor_oauth.bench.chance import Chance
from tests.support.programs import find_program

SOURCE: Final = Path(__file__).with_name("recorded_syncs.c")
_HEAD: Final = Struct("<8sQQ")
_PIECE: Final = 512
"""No disk writes less at once; nor does SQLite here, whose pages have this size."""


def compile_recorder(folder: Path) -> Path:
    """Make the library that records what is synced; its path."""
    library, compiler = folder / "recorded_syncs.so", find_program("cc")
    assert compiler is not None
    command = [str(compiler), "-shared", "-fPIC", "-O1"]
    subprocess.run([*command, "-o", str(library), str(SOURCE)], check=True)
    return library


def recording(library: Path, record: Path) -> Mapping[str, str]:
    """The environment of a process whose syncs are to be recorded."""
    return {"LD_PRELOAD": str(library), "RECORDED_SYNCS": str(record)}


class PowerFailure:
    """The power has failed: nothing of what had been at work runs any more.

    Args:
        record: What was synced.
        data: The folder as the kernel had it.
    """

    def __init__(self, record: Path, data: Path) -> None:
        self._data = data
        self._files: dict[int, bytes] = {}
        self._folders: dict[int, dict[str, int]] = {}
        for kind, inode, content in _records(record.read_bytes()):
            if kind == b"F":
                self._files[inode] = content
            else:
                lines = (line.split(" ", 1) for line in content.decode().splitlines())
                self._folders[inode] = {name: int(number) for number, name in lines}

    def leave(self, target: Path, *, chance: Chance, written: float) -> None:
        """Write a state that may be left into another folder.

        Args:
            target: Is made.
            chance: What is there of what was not synced.
            written: How likely each piece of that is there; with 0 only what was synced.
        """
        self._leave(self._data.stat().st_ino, self._data, target, chance, written)

    def _leave(
        self, inode: int, folder: Path, target: Path, chance: Chance, written: float
    ) -> None:
        target.mkdir()
        synced = self._folders.get(inode, {})
        known = (
            {path.name: path for path in folder.glob("*")} if folder.exists() else {}
        )
        for name in sorted({*synced, *known}):
            path = known.get(name)
            there = None if path is None else path.stat().st_ino
            number = there if chance.happens(written) else synced.get(name)
            if number is None or name.endswith("-shm"):
                continue
            if number in self._folders or (path is not None and path.is_dir()):
                self._leave(number, folder / name, target / name, chance, written)
                continue
            before = self._files.get(number, b"")
            after = before if path is None or number != there else path.read_bytes()
            (target / name).write_bytes(_mixed(before, after, chance, written))


def _mixed(before: bytes, after: bytes, chance: Chance, written: float) -> bytes:
    """A file of which some pieces were written and some were not."""
    length = len(after if chance.happens(written) else before)
    pieces = []
    for start in range(0, length, _PIECE):
        there = after if chance.happens(written) else before
        piece = there[start : start + _PIECE] or before[start : start + _PIECE]
        pieces.append(piece.ljust(_PIECE, b"\0"))
    return b"".join(pieces)[:length]


def _records(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    start = 0
    while start + _HEAD.size <= len(data):
        kind, inode, length = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        yield kind.rstrip(b"\0"), inode, data[start : start + length]
        start += length
