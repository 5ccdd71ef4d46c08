"""The system calls that make things durable: the seam where tests put a failing disk."""

import os
from pathlib import Path


class Disk:
    """Stable storage. Every method blocks: call it in a thread."""

    def sync_data(self, descriptor: int) -> None:
        """Put a file's data on stable storage.

        Raises:
            OSError: If that failed; the data may be gone, and trying again proves nothing.
        """
        os.fdatasync(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable.

        Raises:
            OSError: As for `sync_data`.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
