"""Where a run's grants, codes and assertions come from: own flow, file or command."""

import json
import os
import shlex
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final, Protocol, TypeVar

from actor_oauth.bench.asking import BenchError, converse
from actor_oauth.bench.flow import Flow
from actor_oauth.bench.target import REDIRECT_URI, Assertion, Code, Credentials, Grant
from actor_oauth.oauth.json_values import Json

COUNT_VARIABLE: Final = "ACTOR_OAUTH_BENCH_COUNT"
KIND_VARIABLE: Final = "ACTOR_OAUTH_BENCH_KIND"
# Conversations of a flow at once: more only queue at the server.
_AT_ONCE: Final = 16


class Source(Protocol):
    """Gives grants and codes, each of them once."""

    def grants(self, number: int, *, apart: bool = False) -> list[Grant]:
        """Give grants that no other call got; of different users, if that can be.

        Args:
            number: How many.
            apart: Whether each must be of a client that has no other.
        """
        ...

    def codes(self, number: int) -> list[Code]:
        """Give codes that were not redeemed yet."""
        ...

    def clients(self, number: int) -> list[Credentials]:
        """Give newly registered clients."""
        ...

    def assertions(self, number: int) -> list[Assertion]:
        """Give identity assertions that were not presented yet."""
        ...


class FlowSource:
    """Gets everything by the instrument's own flow.

    Args:
        flow: Of a server that approves at once.
        many_users: Whether the server takes the instrument's word for who the user is.
            If not, everybody is the same user, and every grant needs a client of its
            own: a second authorization of a client may supersede the first.
        asserts: Gives assertions that the server believes, if anything can.
    """

    def __init__(
        self,
        flow: Flow,
        *,
        many_users: bool,
        asserts: Callable[[int], list[Assertion]] | None = None,
    ) -> None:
        self._flow = flow
        self._asserts = asserts
        self._many_users = many_users
        self._numbers = count()
        self._shared: Credentials | None = None

    def clients(self, number: int) -> list[Credentials]:
        """Register clients."""
        found: list[Credentials] = []
        while len(found) < number:
            missing = min(_AT_ONCE, number - len(found))
            found += converse([self._flow.client() for _ in range(missing)])
        return found

    def grants(self, number: int, *, apart: bool = False) -> list[Grant]:
        """Go through the flow, some at once."""
        found: list[Grant] = []
        while len(found) < number:
            some = self._who(min(_AT_ONCE, number - len(found)), apart=apart)
            found += converse([self._flow.grant(*who) for who in some])
        return found

    def codes(self, number: int) -> list[Code]:
        """Go through the flow up to the code."""
        return converse(
            [self._flow.code(*who) for who in self._who(number, apart=False)]
        )

    def assertions(self, number: int) -> list[Assertion]:
        """Have an identity provider make them.

        Raises:
            BenchError: There is none that the server trusts.
        """
        if self._asserts is None:
            raise BenchError("assertions have to be given: --tokens, --token-command")
        return self._asserts(number)

    def _who(self, number: int, *, apart: bool) -> list[tuple[Credentials, str]]:
        users = [f"bench{next(self._numbers)}" for _ in range(number)]
        if apart or not self._many_users:
            return list(zip(self.clients(number), users, strict=True))
        if self._shared is None:
            self._shared = self.clients(1)[0]
        return [(self._shared, user) for user in users]


class LineSource:
    """Gives the contents of lines of text, each of them once.

    A line is a refresh token, or a JSON object with `refresh_token`, `code` or
    `assertion`, and as needed `access_token`, `client_id`, `client_secret`, `code_verifier`,
    `redirect_uri`.

    Args:
        lines: Of a file.
        client: Whose they are, where a line does not say.
    """

    def __init__(self, lines: Iterable[str], client: Credentials | None) -> None:
        self._client = client
        self._grants: deque[Grant] = deque()
        self._codes: deque[Code] = deque()
        self._assertions: deque[Assertion] = deque()
        self.add(lines)

    def add(self, lines: Iterable[str]) -> None:
        """Take in more.

        Raises:
            BenchError: A line holds nothing that is known.
        """
        for line in lines:
            if line.strip():
                self._add(_members(line.strip()))

    def _add(self, members: Mapping[str, Json]) -> None:
        client = _client_of(members, self._client)
        code, refresh = _text(members, "code"), _text(members, "refresh_token")
        assertion = _text(members, "assertion")
        if code is not None:
            self._codes.append(
                Code(
                    client=client,
                    code=code,
                    verifier=_text(members, "code_verifier"),
                    redirect_uri=_text(members, "redirect_uri") or REDIRECT_URI,
                )
            )
        elif refresh is not None:
            access = _text(members, "access_token")
            self._grants.append(
                Grant(client=client, refresh_token=refresh, access_token=access)
            )
        elif assertion is not None:
            self._assertions.append(Assertion(client=client, assertion=assertion))
        else:
            raise BenchError("a line has neither refresh_token, code nor assertion")

    def grants(self, number: int, *, apart: bool = False) -> list[Grant]:  # noqa: ARG002 - as others do
        """Give the next ones; whose they are is what the lines say.

        Raises:
            BenchError: There are not as many.
        """
        return _taken(self._grants, number, "refresh tokens")

    def codes(self, number: int) -> list[Code]:
        """Give the next ones.

        Raises:
            BenchError: There are not as many.
        """
        return _taken(self._codes, number, "codes")

    def clients(self, number: int) -> list[Credentials]:  # noqa: ARG002 - as others do
        """Give none: a line that registers a client says nothing."""
        raise BenchError("clients have to be registered, which tokens given do not do")

    def assertions(self, number: int) -> list[Assertion]:
        """Give the next ones.

        Raises:
            BenchError: There are not as many.
        """
        return _taken(self._assertions, number, "assertions")


def file_source(path: Path, client: Credentials | None) -> LineSource:
    """Read a file of tokens.

    Raises:
        BenchError: It cannot be read.
    """
    try:
        return LineSource(path.read_text().splitlines(), client)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from None


class CommandSource:
    """Runs a command for as many grants, codes or assertions as are needed.

    It finds their number in `ACTOR_OAUTH_BENCH_COUNT` and whether they are to be
    `grants`, `codes` or `assertions` in `ACTOR_OAUTH_BENCH_KIND`, and prints one a line.

    Args:
        command: As typed into a shell, but run without one.
        client: Whose they are, where a line does not say.
    """

    def __init__(self, command: str, client: Credentials | None) -> None:
        self._command = shlex.split(command)
        self._client = client

    def grants(self, number: int, *, apart: bool = False) -> list[Grant]:  # noqa: ARG002 - as others do
        """Have new ones printed; whose they are is the command's affair."""
        return self._run(number, "grants").grants(number)

    def codes(self, number: int) -> list[Code]:
        """Have new ones printed."""
        return self._run(number, "codes").codes(number)

    def clients(self, number: int) -> list[Credentials]:
        """Have new grants printed, for the sake of their clients."""
        return [grant.client for grant in self.grants(number)]

    def assertions(self, number: int) -> list[Assertion]:
        """Have new ones printed."""
        return self._run(number, "assertions").assertions(number)

    def _run(self, number: int, kind: str) -> LineSource:
        wanted = {COUNT_VARIABLE: str(number), KIND_VARIABLE: kind}
        try:
            ran = subprocess.run(  # noqa: S603 - the operator's own command
                self._command,
                env={**os.environ, **wanted},
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise BenchError(f"the command for tokens: {error}") from None
        return LineSource(ran.stdout.splitlines(), self._client)


def _members(line: str) -> Mapping[str, Json]:
    if not line.startswith("{"):
        return {"refresh_token": line}
    try:
        found: Json = json.loads(line)
    except ValueError as error:
        raise BenchError(f"a line with a token is not JSON: {error}") from None
    assert isinstance(found, dict)
    return found


def _client_of(members: Mapping[str, Json], default: Credentials | None) -> Credentials:
    client_id = _text(members, "client_id")
    if client_id is not None:
        return Credentials(
            client_id=client_id, secret=_text(members, "client_secret"), in_body=True
        )
    if default is None:
        raise BenchError("whose token? Give --client-id, or client_id in every line")
    return replace(default)


def _text(members: Mapping[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


Item = TypeVar("Item")


def _taken(items: deque[Item], number: int, what: str) -> list[Item]:
    if len(items) < number:
        raise BenchError(f"{number} {what} are needed, and {len(items)} are left")
    return [items.popleft() for _ in range(number)]
