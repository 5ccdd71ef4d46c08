"""Starts the provider of this package for a run, and programs like it; ends them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.flow import Flow
from actor_oauth.bench.identity_provider import IdentityProvider
from actor_oauth.bench.leash import leashed
from actor_oauth.bench.source import FlowSource
from actor_oauth.bench.target import (
    Assertion,
    Credentials,
    Target,
    discover,
    overridden,
)
from actor_oauth.config import LogLevel, Settings
from actor_oauth.runtime import SystemEntropy

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_BACKLOG: Final = 1024
_MARKER: Final = b"listening on "


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """The command, kept to some cores where the machine can do that."""
    taskset = shutil.which("taskset")
    if not cores or taskset is None:
        return list(command)
    return [taskset, "-c", ",".join(map(str, cores)), *command]


@dataclass(slots=True)
class Program:
    """A program that was started.

    Attributes:
        process: It.
        log: What it said on standard error.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for_url(self) -> str:
        """Wait until it says `listening on URL`.

        Raises:
            BenchError: It ended, or said nothing for a minute.
        """
        deadline = monotonic() + _START_SECONDS
        while monotonic() < deadline:
            ended = self.process.poll() is not None
            text = self.log.read_bytes()
            for line in text.splitlines(keepends=True):
                if line.endswith(b"\n") and _MARKER in line:
                    return line.rpartition(_MARKER)[2].decode().strip()
            if ended:
                break
            sleep(0.01)
        said = self.log.read_text(errors="replace")
        raise BenchError(f"a server did not start: {said or 'it said nothing'}")

    def stop(self) -> None:
        """Terminate it, or else."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._let_go()

    def close(self) -> None:
        """Wait for its end, if it ends with its standard input."""
        self._let_go()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End it as `kill -9` does, with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._let_go()

    def _let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


def start_program(
    command: Sequence[str],
    *,
    folder: Path,
    cores: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    inherit: Sequence[int] = (),
    say: bytes = b"",
) -> Program:
    """Start a program in a process group of its own.

    Its standard input stays open until `Program.close`, after which it may end by
    itself. When this process ends, for whatever reason, the group is killed.

    Args:
        command: What to run.
        folder: Where its log goes.
        cores: What it is kept to; anything if empty.
        environment: Changes to this process's.
        inherit: Descriptors that it gets.
        say: Put on its standard input.
    """
    descriptor, name = tempfile.mkstemp(suffix=".log", dir=folder)
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - what the operator asked for
            leashed(*pinned(command, cores)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **(environment or {})},
            pass_fds=inherit,
            process_group=0,
        )
    assert process.stdin is not None
    process.stdin.write(say)
    process.stdin.flush()
    return Program(process, Path(name))


@contextmanager
def started(
    command: Sequence[str],
    *,
    cores: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Program]]:
    """Run a program that says `listening on URL`; gives that URL.

    Raises:
        BenchError: It did not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = start_program(
            command, folder=Path(folder), cores=cores, environment=environment
        )
        try:
            yield program.wait_for_url(), program
        finally:
            program.stop()


@dataclass(slots=True, kw_only=True)
class OwnServer:
    """The provider of this package, over one or more processes on one socket.

    Attributes:
        settings: With port and issuer.
        workers: How many processes.
        cores: What they are kept to.
        environment: Changes to theirs.
        module: What they run.
        feels_lag: Whether they measure how late their event loop is.
        programs: They.
        identity_provider: Which they trust.
        presenter: Who may present its assertions, once there is somebody.
    """

    settings: Settings
    listener: socket.socket
    folder: Path
    workers: int = 1
    cores: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str = "actor_oauth.bench.server"
    feels_lag: bool = False
    programs: list[Program] = field(default_factory=list)
    identity_provider: IdentityProvider = field(default_factory=IdentityProvider)
    presenter: Credentials | None = None

    @property
    def url(self) -> str:
        """The issuer."""
        assert self.settings.issuer is not None
        return self.settings.issuer

    def start(self) -> None:
        """Start the processes and wait until they accept connections.

        Raises:
            BenchError: One did not come up.
        """
        fd = self.listener.fileno()
        command = [sys.executable, "-m", self.module, "--fd", str(fd)]
        if self.feels_lag:
            command.append("--lag")
        for _ in range(self.workers):
            self.programs.append(
                start_program(
                    command,
                    folder=self.folder,
                    cores=self.cores,
                    environment=self.environment,
                    inherit=[fd],
                    say=self.settings.model_dump_json().encode() + b"\n",
                )
            )
        for program in self.programs:
            program.wait_for_url()

    def close(self) -> None:
        """Have the processes leave their data in order, as at a stop signal."""
        for program in self.programs:
            program.close()

    def stop(self) -> None:
        """Terminate the processes."""
        for program in self.programs:
            program.stop()
        self.programs.clear()

    def groups(self) -> list[int]:
        """Give their process groups."""
        return [program.process.pid for program in self.programs]

    def kill(self) -> None:
        """End them all at once, as `kill -9` does."""
        for program in self.programs:
            program.process.kill()
        for program in self.programs:
            program.kill()
        self.programs.clear()

    def target(self) -> Target:
        """How to ask it for things."""
        endpoints = overridden(
            discover(self.url),
            {"resource": f"{self.url}/mcp", "unguarded": f"{self.url}/echo"},
        )
        return Target(endpoints, spreads_addresses=True)

    def add_checker(self) -> Credentials:
        """Register a client that may introspect any token, as an operator does."""
        return self._add_client("--redirect-uri", "http://127.0.0.1/callback")

    def add_presenter(self) -> Credentials:
        """Register a client that may present assertions, as an operator does."""
        return self._add_client("--assertions")

    def _add_client(self, *options: str) -> Credentials:
        command = [sys.executable, "-m", "actor_oauth", "clients", "add"]
        named = ["--name", "bench", "--confidential", "--json"]
        trusted = self.settings.model_dump_json(include={"trusted_issuers"})
        issuers = json.dumps(json.loads(trusted)["trusted_issuers"])
        ran = subprocess.run(  # noqa: S603 - this very program
            leashed(*command, *named, *options, "--data", str(self.settings.data)),
            stdout=subprocess.PIPE,
            env={**os.environ, "ACTOR_OAUTH_TRUSTED_ISSUERS": issuers},
            check=True,
        )
        members = json.loads(ran.stdout)
        return Credentials(
            client_id=members["client_id"], secret=members["client_secret"]
        )

    def source(self, target: Target) -> FlowSource:
        """Where its grants come from: every one is of another user."""
        flow = Flow(target, SystemEntropy())
        return FlowSource(flow, many_users=True, asserts=self._assert)

    def _assert(self, number: int) -> list[Assertion]:
        if self.presenter is None:
            self.presenter = self.add_presenter()
        client, sign = self.presenter, self.identity_provider.assertion
        return [
            Assertion(client=client, assertion=sign(self.url, client.client_id))
            for _ in range(number)
        ]


def own_settings(data: Path, port: int, **changes: object) -> Settings:
    """Give the settings of a provider that is measured.

    Args:
        data: The data directory.
        port: That is listened on.
        changes: Settings by name.
    """
    given: dict[str, object] = {
        "data": data,
        "port": port,
        "issuer": f"http://127.0.0.1:{port}",
        "registration_management_enabled": True,
        # So that a driver can come from many addresses, each with its own limits.
        "trusted_proxy_hops": 1,
        "log_level": LogLevel.WARNING,
        "demo": False,
        **changes,
    }
    return Settings.model_validate(given)


@contextmanager
def own_server(
    *,
    data: Path | None = None,
    workers: int = 1,
    cores: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    module: str = "actor_oauth.bench.server",
    feels_lag: bool = False,
    **changes: object,
) -> Iterator[OwnServer]:
    """Serve for as long as the block lasts.

    Args:
        data: The data directory; an empty one that goes away if not given.
        workers: Processes.
        cores: What these are kept to; anything if empty.
        environment: Changes to theirs.
        module: What they run.
        feels_lag: Whether they measure how late their event loop is.
        changes: Settings by name.

    Raises:
        BenchError: It did not come up.
    """
    with (
        tempfile.TemporaryDirectory() as scratch,
        socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener,
    ):
        folder = Path(scratch)
        port: int = listener.getsockname()[1]
        identity_provider = IdentityProvider()
        changes.setdefault("trusted_issuers", (identity_provider.trusted(),))
        server = OwnServer(
            settings=own_settings(data or folder / "data", port, **changes),
            identity_provider=identity_provider,
            listener=listener,
            folder=folder,
            workers=workers,
            cores=cores,
            environment=environment or {},
            module=module,
            feels_lag=feels_lag,
        )
        try:
            server.start()
            yield server
        finally:
            server.stop()
