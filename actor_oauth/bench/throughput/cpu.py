"""CPU time and memory of the processes that are measured, as the kernel counts them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Counted from behind the name, which may hold anything.
_GROUP, _USER, _SYSTEM, _RESIDENT = 2, 11, 12, 21


def cpu_seconds(groups: Iterable[int]) -> float:
    """Give the CPU seconds that process groups have used so far."""
    wanted = set(groups)
    return sum(
        int(fields[_USER]) + int(fields[_SYSTEM])
        for fields in _processes()
        if int(fields[_GROUP]) in wanted
    ) / float(_TICKS)


def resident_bytes(groups: Iterable[int]) -> int:
    """Give the memory that process groups have in use."""
    wanted = set(groups)
    return _PAGE * sum(
        int(fields[_RESIDENT])
        for fields in _processes()
        if int(fields[_GROUP]) in wanted
    )


def _processes() -> Iterable[list[str]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield path.read_text().rpartition(")")[2].split()
        except OSError:
            # It has ended meanwhile.
            continue
