"""The users that scale is measured with: created and measured on disk, kept on request.

Making, listing and backing up a million takes the better part of an hour, and asking for
some a minute. So what was measured while nobody asked for them is kept beside them, each
figure as soon as it is there.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import monotonic
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.leash import leashed
from actor_oauth.bench.make_users import Made, made_in
from actor_oauth.bench.own_server import own_settings
from actor_oauth.bench.target import Credentials
from actor_oauth.oauth.tokens import TokenKind

Tell = Callable[[str, int, int], None]

_BLOCK: Final = 512
_FIGURES: Final = "bench-figures.json"
_TOKENS: Final = "bench-tokens.json"


@dataclass(frozen=True, slots=True)
class Took:
    """What a program took.

    Attributes:
        seconds: Until it ended.
        cpu: Seconds of CPU.
    """

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """What was measured of users on disk while nobody asked for them.

    Attributes:
        making: All of them.
        bytes_each: Of a user's files, on average.
        room_each: Of the disk's blocks, likewise.
        listing: All of them, by the command line; None if that was cut short.
        backup: Of all of them, and reading it again; likewise.
        backup_bytes_each: Of the backup, for each user; likewise.
    """

    making: Took
    bytes_each: float
    room_each: float
    listing: Took | None = None
    backup: Took | None = None
    backup_bytes_each: float | None = None


class ManyUsers:
    """Users on disk, each with a grant.

    Args:
        data: Their data directory.
        made: Who they are.
        at_rest: What was measured of them.
    """

    def __init__(self, data: Path, made: Made, at_rest: AtRest) -> None:
        self.data = data
        self.count = made.count
        self.client = Credentials(client_id=made.client_id)
        self.at_rest = at_rest
        self._made = made
        self._newest: dict[int, str] = {}
        if (data / _TOKENS).exists():
            told = json.loads((data / _TOKENS).read_text())
            self._newest = {int(number): token for number, token in told.items()}

    def token(self, number: int) -> str:
        """The refresh token that a user's client was given last."""
        token = self._newest.get(number)
        return token or self._made.token(number, TokenKind.REFRESH).render()

    def keep(self, tokens: Mapping[int, str]) -> None:
        """Remember what clients were given, also for the next run on these users."""
        self._newest.update(tokens)
        (self.data / _TOKENS).write_text(json.dumps(self._newest))


def count_in(data: Path) -> int:
    """How many users a data directory has.

    Raises:
        BenchError: None were made there, or not to the end.
    """
    made = made_in(data)
    if made is None:
        raise BenchError(f"{data} has no users that were made to the end")
    return made.count


@contextmanager
def many_users(data: Path | None, count: int, tell: Tell) -> Iterator[ManyUsers]:
    """Have users on disk for as long as the block lasts, and measure them at rest.

    Args:
        data: A data directory that is kept: taken as it is if it has the users already.
            Without one they are deleted afterwards.
        count: How many.
        tell: Called with progress.

    Raises:
        BenchError: The directory has something else, or a command failed.
    """
    if data is not None:
        yield _users_in(data.absolute(), count, tell)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield _users_in(Path(folder) / "data", count, tell)


def _users_in(data: Path, count: int, tell: Tell) -> ManyUsers:
    making = None
    if not data.exists():
        tell(f"making {count} users", 0, 1)
        making = _make(data, count)
    made = made_in(data)
    if made is None or made.count != count:
        there = made.count if made is not None else "not all"
        raise BenchError(f"{data} has {there} of {count} users: delete it")
    if making is not None:
        _measure(data, count, making, tell)
    return ManyUsers(data, made, _read(data))


def _read(data: Path) -> AtRest:
    file = data / _FIGURES
    if not file.exists():
        raise BenchError(f"{data} was not measured when it was made: delete it")
    told = json.loads(file.read_text())
    for name in ("making", "listing", "backup"):
        told[name] = None if told[name] is None else Took(**told[name])
    return AtRest(**told)


def _measure(data: Path, users: int, making: Took, tell: Tell) -> None:
    size, room = _room(data / "actors" / "user")
    at_rest = AtRest(making=making, bytes_each=size / users, room_each=room / users)
    _keep(data, at_rest)
    tell("listing them", 0, 1)
    at_rest = replace(at_rest, listing=_command("users", "list", data=data))
    _keep(data, at_rest)
    tell("backing them up", 0, 1)
    with tempfile.TemporaryDirectory(dir=data.parent) as kept:
        backup = _command("backup", kept, "--with-keys", data=data)
        (file,) = Path(kept).iterdir()
        saved = file.stat().st_size
    _keep(data, replace(at_rest, backup=backup, backup_bytes_each=saved / users))


def _keep(data: Path, at_rest: AtRest) -> None:
    (data / _FIGURES).write_text(json.dumps(asdict(at_rest)))


def _make(data: Path, users: int) -> Took:
    # The issuer is part of no token; the resource is what the server will have.
    settings = own_settings(data, 8000).model_dump_json().encode() + b"\n"
    module = "actor_oauth.bench.make_users"
    return _run([sys.executable, "-m", module, str(users)], settings)


def _command(*words: str, data: Path) -> Took:
    """Run a command of the command line on a data directory."""
    return _run([sys.executable, "-m", "actor_oauth", *words, "--data", str(data)])


def _run(command: list[str], say: bytes = b"") -> Took:
    """Run a program, and see what it takes.

    Raises:
        BenchError: It failed.
    """
    used, begun = _children_cpu(), monotonic()
    ran = subprocess.run(  # noqa: S603 - this very program
        leashed(*command),
        input=say,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip()
        raise BenchError(f"{' '.join(command[2:])} failed: {said or 'it said nothing'}")
    return Took(monotonic() - begun, _children_cpu() - used)


def _children_cpu() -> float:
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _room(folder: Path) -> tuple[int, int]:
    """Count the bytes of files, and those of the disk's blocks."""
    size, blocks = 0, 0
    for top, _, names in os.walk(folder):
        for name in names:
            found = os.stat(os.path.join(top, name))  # noqa: PTH116, PTH118 - a million
            size, blocks = size + found.st_size, blocks + found.st_blocks
    return size, _BLOCK * blocks
