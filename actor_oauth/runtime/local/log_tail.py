"""Where the next commit of a store goes in its write-ahead log, as far as that is known.

With it the frames of one's own commits can be copied out of the log without asking SQLite.
It is known only while nobody else commits: a turn looks when it holds the write lock, and
whatever another connection has done makes it unknown again. Then the log itself is synced.
"""

import os
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.runtime.local.log_frames import (
    HEADER_BYTES,
    LogHeader,
    chained,
    ends_commit,
    has_salts,
    read_header,
    read_salts,
)

MAX_FRAMES_TO_LOOK_AT: Final = 8
"""Checking a frame costs some 20 µs of the event loop's time."""

_CHUNK_FRAMES: Final = 32
_MAX_FRAMES_OF_A_BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class Position:
    """The end of the last commit in a log.

    Attributes:
        header: Of the log.
        end: Bytes from its beginning.
        checksum: Of the frame before, for as long as no commit has confirmed that SQLite
            goes on from here; None from then on.
    """

    header: LogHeader
    end: int
    checksum: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Pending:
    """Commits that are to be made durable: what a sync begins with.

    Attributes:
        position: After the last commit that is durable; None if that is unknown.
        commits: How many have followed.
    """

    position: Position | None
    commits: int

    @property
    def may_be_copied(self) -> bool:
        """Whether copying the commits out of the log may stand for syncing it.

        Not the first ones after a look: those before it may not be durable either.
        """
        return self.position is not None and self.position.checksum is None


@dataclass(frozen=True, slots=True)
class Copied:
    """Commits as they stand in the log.

    Attributes:
        salts: Of the log.
        offset: Where they begin.
        data: Their frames.
        after: Where the next commit will begin.
    """

    salts: bytes
    offset: int
    data: bytes
    after: Position


class LogTail:
    """What one connection knows of the end of its log. Used by one thread."""

    __slots__ = ("_commits", "_may_look", "_position")

    def __init__(self) -> None:
        self._position: Position | None = None
        self._commits = 0
        self._may_look = True

    def lose(self) -> None:
        """Another connection has committed."""
        self._position = None

    def look_again(self) -> None:
        """The log may be short now: a checkpoint has begun it anew."""
        self._may_look = True

    def look(self, descriptor: int) -> None:
        """Find the end of the log, while no other connection can write.

        A log that is longer than a few frames stays unknown.
        """
        if self._position is not None or not self._may_look:
            return
        self._may_look = False
        self._position = find_end(descriptor)
        self._commits = 0

    def committed(self) -> None:
        """This connection has committed something."""
        self._commits += 1

    def pending(self) -> Pending:
        """What a sync that begins now has to make durable."""
        return Pending(self._position, self._commits)

    def made_durable(self, pending: Pending, copied: Copied | None) -> None:
        """Go on after a sync.

        Args:
            pending: What it began with.
            copied: The commits; None if they were not where they were expected.
        """
        if self._position is not pending.position:
            return
        self._position = None if copied is None else copied.after
        self._commits -= pending.commits


def find_end(descriptor: int) -> Position | None:
    """Find the end of the last commit in a short log; None if it is long, or none."""
    header = read_header(os.pread(descriptor, HEADER_BYTES, 0))
    if header is None:
        return None
    size = header.frame_bytes
    data = os.pread(descriptor, MAX_FRAMES_TO_LOOK_AT * size, HEADER_BYTES)
    checksum = header.checksum
    found = Position(header, HEADER_BYTES, checksum)
    for start in range(0, MAX_FRAMES_TO_LOOK_AT * size, size):
        following = chained(data, start, header, checksum)
        if following is None:
            return found
        checksum = following
        if ends_commit(data, start):
            found = Position(header, HEADER_BYTES + start + size, checksum)
    return None


def copy_commits(descriptor: int, pending: Pending) -> Copied | None:
    """Copy commits out of a log, beside the thread that commits further ones.

    Returns:
        None if they are not where they should be: the log has begun anew, or the end was
        not where it seemed to be.

    Raises:
        OSError: If the log cannot be read.
    """
    position = pending.position
    if position is None:
        return None
    header = position.header
    if read_salts(os.pread(descriptor, HEADER_BYTES, 0)) != header.salts:
        return None
    data, size, missing, start = b"", header.frame_bytes, pending.commits, 0
    while missing:
        if len(data) < start + size:
            more = os.pread(descriptor, _CHUNK_FRAMES * size, position.end + len(data))
            data += more
            if len(data) < start + size or start > _MAX_FRAMES_OF_A_BATCH * size:
                return None
        if not has_salts(data, start, header.salts):
            return None
        missing -= ends_commit(data, start)
        start += size
    if start and not _goes_on(data, position):
        return None
    return Copied(
        salts=header.salts,
        offset=position.end,
        data=data[:start],
        after=replace(
            position,
            end=position.end + start,
            checksum=None if start else position.checksum,
        ),
    )


def _goes_on(data: bytes, position: Position) -> bool:
    if position.checksum is None:
        return True
    return chained(data, 0, position.header, position.checksum) is not None
