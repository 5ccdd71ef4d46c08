"""Ends a program with the process that started it, even when that one is killed.

Run as `leash.py PID COMMAND…`, this becomes the command, in a process group of its own,
and leaves one process beside it that kills the group when either of the two has ended.

The kernel's own signal for a parent's death will not do: it comes when the *thread* ends
that started the child, and Trio starts processes in threads that do not stay.
"""

# Only these, and no `typing`: each start of a program waits for what is imported here.
import os
import select
import signal
import sys

_CANNOT_RUN = 127


def leashed(*command: str) -> list[str]:
    """The command, to end with this process; it keeps its process id.

    Where there is no Linux, it runs as it is.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _main(parent: int, command: list[str]) -> None:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    if hasattr(os, "pidfd_open"):
        _leave_watcher(parent)
    # Python ignores these two, and what is ignored stays so in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        sys.exit(_CANNOT_RUN)


def _leave_watcher(parent: int) -> None:
    """Start the process that watches: nobody's child, or the command would find it."""
    try:
        ends = os.pidfd_open(parent), os.pidfd_open(os.getpid())
    except ProcessLookupError:
        sys.exit(_CANNOT_RUN)
    group = os.getpid()
    if child := os.fork():
        os.waitpid(child, 0)
        return
    os.setsid()
    if not os.fork():
        _watch(ends, group)
    os._exit(0)


def _watch(ends: tuple[int, int], group: int) -> None:
    # What the command has open is not to stay open for as long as this looks on.
    os.dup2(ends[0], 0)
    os.dup2(ends[1], 1)
    os.closerange(2, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(1, select.POLLIN)
    poll.poll()
    try:  # noqa: SIM105 - see the imports
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
