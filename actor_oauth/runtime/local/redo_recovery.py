"""Puts back what a machine has lost of the actors' own logs when its power failed.

Each process does this before it opens any actor, one process at a time. The commits are
written to the places that they were copied from, if the log there has the same salts: if
it has not, SQLite has moved them into the database and synced that before it began the log
anew. Then SQLite recovers the log as after any crash.

After a crash of a process only, the kernel still has all that was written, and other
processes may be at work in the same logs: they are synced, and not written to.
"""

import os
from pathlib import Path

import structlog

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.files import ActorFiles
from actor_oauth.runtime.local.locked_file import folder_lock, orphans
from actor_oauth.runtime.local.log_frames import HEADER_BYTES, read_salts
from actor_oauth.runtime.local.redo_records import Record, boot_of, decode

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def recover(
    folder: Path,
    *,
    boot: str | None,
    files: ActorFiles,
) -> None:
    """Take over the redo logs of dead processes. Blocks.

    Args:
        folder: Where the redo logs are.
        boot: Names this run of the machine; None if that cannot be known: then no process
            here has ever written a redo log, and those found come from elsewhere.
        files: Where the actors' own logs are.

    A redo log that covers an actor whose own log cannot be synced stays, and nobody else
    is kept from starting.

    Raises:
        OSError: If the storage refuses. What was not put back is tried again next time.
    """
    # Whoever starts meanwhile waits: it must not open an actor before this is done.
    with folder_lock(folder):
        for path in orphans(folder, "*.redo"):
            data = path.read_bytes()
            covered = {record.address for record in decode(data)}
            if boot_of(data) != boot:
                log.warning(
                    "putting back what a power failure may have lost",
                    file=path.name,
                    actors=len(covered),
                )
                for record in decode(data):
                    _put_back(record, files.log_path(record.address))
            failed = [error for one in covered if (error := _sync(one, files))]
            if failed:
                # It goes on covering them. Whoever starts looks again.
                log.error("redo log kept", file=path.name, error=str(failed[0]))
            else:
                path.unlink()


def _sync(address: Address, files: ActorFiles) -> OSError | None:
    """Sync an actor's log; why that failed, if it did, and then the actor is suspect."""
    try:
        files.sync_logs([address])
    except OSError as error:
        return error
    return None


def _put_back(record: Record, path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        if read_salts(os.pread(descriptor, HEADER_BYTES, 0)) == record.salts:
            os.pwrite(descriptor, record.data, record.offset)
    finally:
        os.close(descriptor)
