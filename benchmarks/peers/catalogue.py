"""The peers: how each is started, what it is set to, and what is durable of it."""

import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actor_oauth.bench.own_server import pinned
from actor_oauth.bench.plan import Foreign, divide_cores
from benchmarks.peers.environments import (
    SERVERS,
    Tell,
    node_of_peers,
    python_of_peers,
    versions,
)
from benchmarks.peers.postgresql import groups_of, postgresql

ROOT = SERVERS.parent.parent.parent
WINDOW = 3.0
"""Seconds of grace, for every server that has it."""


@dataclass(slots=True)
class Stage:
    """What a peer is started on: all of it goes away afterwards.

    Attributes:
        folder: Empty.
        stack: Ends what else is started.
        tell: Told of what takes long.
        groups: Gives process groups that are the peer's, besides its command's.
    """

    folder: Path
    stack: ExitStack
    tell: Tell
    groups: Callable[[], Sequence[int]] = list


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that is measured.

    Attributes:
        key: Names it on the command line.
        name: Of it, with its version.
        runs_on: What serves it.
        durable: What of a refresh is on disk when it is answered.
        options: What it is set to, and why.
        by_design: What it does on purpose and the instrument calls wrong.
        start: Makes what it needs; None for the provider of this package.
        grace: Its window for used refresh tokens, in seconds.
    """

    key: str
    name: str
    runs_on: str
    durable: str
    options: str
    by_design: str = ""
    start: Callable[[Stage], Foreign] | None = None
    grace: float = 0.0


def peers() -> Sequence[Peer]:
    """Give all of them, this package's provider first."""
    pins = versions()
    uvicorn = f"uvicorn {pins['uvicorn']} with uvloop, one process"
    gunicorn = f"gunicorn {pins['gunicorn']}, 3 processes of 4 threads"
    narrow = (
        "Its grace period is for the token right before the current one. An older one is a"
        " replay also within these seconds, and ends the grant."
    )
    secret = "Clients have a secret: its revocation endpoint refuses those without."
    oidc = f"oidc-provider {pins['oidc-provider']}"
    toolkit = f"django-oauth-toolkit {pins['django-oauth-toolkit']}"
    django = f"Django {pins['django']} on {gunicorn}"
    return [
        Peer(
            key="actor-oauth",
            name="actor_oauth",
            runs_on="Hypercorn on Trio, one process",
            durable="yes: SQLite, synced before the answer",
            options="A used token leads to the current ones for"
            f" {WINDOW:g} s; a later replay ends the grant. Its default is 120 s.",
            grace=WINDOW,
        ),
        Peer(
            key="oidc-provider",
            name=oidc,
            runs_on="Node.js, one process",
            durable="no: in memory, its own adapter (the last 1,000 to 2,000 entries)",
            options="`rotateRefreshToken: true`. It has no grace period.",
            by_design="It takes every second use for a theft and ends the grant, also"
            " when two programs of one user meet.",
            start=partial(_oidc_provider, on_disk=False),
        ),
        Peer(
            key="oidc-provider-sqlite",
            name=f"{oidc} on SQLite",
            runs_on="Node.js, one process",
            durable="yes: SQLite, write-ahead log, `synchronous=FULL`",
            options="As above, over an adapter written for this page on `node:sqlite`,"
            " whose calls are synchronous: nothing comes between its reading and its"
            " writing, as it would with a database over a network.",
            by_design="As above.",
            start=partial(_oidc_provider, on_disk=True),
        ),
        Peer(
            key="workers",
            name=f"workers-oauth-provider {pins['@cloudflare/workers-oauth-provider']}",
            runs_on=f"workerd by miniflare {pins['miniflare']}, one process",
            durable="yes: local KV, a synced file and a row of SQLite for each value. In"
            " production KV is a replicated store, consistent only after a while",
            options="Its defaults, with dynamic registration.",
            by_design="The token before the current one stays valid until the current"
            " one is first used, for whatever time, and every use of it makes new tokens.",
            start=_workers,
        ),
        Peer(
            key="django-sqlite",
            name=f"{toolkit} on SQLite",
            runs_on=django,
            durable="yes: SQLite, write-ahead log, `synchronous=FULL`",
            options="Its defaults: tokens rotate, no grace period, no protection against"
            " reuse. Immediate transactions, as Django advises for SQLite.",
            start=partial(_django, grace=0, on_postgresql=False),
        ),
        Peer(
            key="django-sqlite-grace",
            name=f"{toolkit} on SQLite, with grace",
            runs_on=django,
            durable="yes: SQLite, write-ahead log, `synchronous=FULL`",
            options=f"`REFRESH_TOKEN_GRACE_PERIOD_SECONDS` = {WINDOW:g} and"
            " `REFRESH_TOKEN_REUSE_PROTECTION`: what it offers for these very races.",
            by_design=narrow,
            start=partial(_django, grace=int(WINDOW), on_postgresql=False),
            grace=WINDOW,
        ),
        Peer(
            key="django-postgresql-grace",
            name=f"{toolkit} on PostgreSQL, with grace",
            runs_on=django,
            durable="yes: PostgreSQL, its defaults (synchronous commits)",
            options="As above, on a database that has the row locks it asks for.",
            by_design=narrow,
            start=partial(_django, grace=int(WINDOW), on_postgresql=True),
            grace=WINDOW,
        ),
        Peer(
            key="authlib",
            name=f"Authlib {pins['authlib']}",
            runs_on=f"Flask {pins['flask']} on {gunicorn}",
            durable="yes: SQLite by SQLAlchemy, write-ahead log, `synchronous=FULL`",
            options="Tokens rotate (`INCLUDE_NEW_REFRESH_TOKEN`), the used one is revoked"
            " in `revoke_old_credential`, models and functions as in its documentation."
            " It has no grace period.",
            start=_authlib,
        ),
        Peer(
            key="mcp-sdk",
            name=f"MCP Python SDK {pins['mcp']}",
            runs_on=uvicorn,
            durable="no: in memory",
            options="Its endpoints, over a provider of 60 lines that follows its"
            " interface, since its own example does not refresh. It says nothing of a"
            f" grace period. {secret}",
            start=partial(_python, "mcp_sdk"),
        ),
        Peer(
            key="fastmcp",
            name=f"FastMCP {pins['fastmcp']}, in-memory provider",
            runs_on=uvicorn,
            durable="no: in memory, and meant for tests",
            options=f"It has none. {secret}",
            start=partial(_python, "fastmcp_memory"),
        ),
        Peer(
            key="fastmcp-proxy",
            name=f"FastMCP {pins['fastmcp']}, OAuth proxy",
            runs_on=uvicorn,
            durable="yes: its default store, an encrypted file for each record, synced"
            " (their directory is not)",
            options="Its defaults without the consent page, before a sign-in service on"
            " the same core that answers at once, and whose refresh tokens do not rotate.",
            start=_fastmcp_proxy,
        ),
    ]


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _command(*parts: object) -> str:
    return shlex.join(pinned(list(map(str, parts)), divide_cores(1).server))


def mint_command(url: str) -> str:
    """Give the command that prints what a server has minted."""
    # As lean as Python can be: it is started for every race.
    return shlex.join([sys.executable, "-I", "-S", str(SERVERS / "mint.py"), url])


def _mint_by_browser(url: str, method: str) -> str:
    module = "benchmarks.peers.servers.mint_by_browser"
    run = [sys.executable, "-m", module, url, method]
    return shlex.join(["env", f"PYTHONPATH={ROOT}", *run])


def _module(stage: Stage, module: str, *options: object) -> str:
    python = python_of_peers(stage.tell)
    environment = ["env", f"PYTHONPATH={ROOT}", f"FASTMCP_HOME={stage.folder}"]
    run = [python, "-m", f"benchmarks.peers.servers.{module}"]
    return _command(*environment, *run, *options)


def _oidc_provider(stage: Stage, *, on_disk: bool) -> Foreign:
    node, url = node_of_peers(stage.tell), f"http://127.0.0.1:{(port := _port())}"
    options = ["--sqlite", stage.folder / "oidc.sqlite"] if on_disk else []
    program = SERVERS / "oidc_provider.mjs"
    return Foreign(
        issuer=url,
        endpoints={"resource": f"{url}/bench/protected"},
        token_command=mint_command(url),
        command=_command(node, program, "--port", port, *options),
    )


def _workers(stage: Stage) -> Foreign:
    node, url = node_of_peers(stage.tell), f"http://127.0.0.1:{(port := _port())}"
    program = SERVERS / "workers_oauth_provider.mjs"
    store = stage.folder / "kv"
    return Foreign(
        issuer=None,
        # It takes itself to be at https://bench.example.
        endpoints={
            "token": f"{url}/oauth/token",
            "authorization": f"{url}/authorize",
            "revocation": f"{url}/oauth/token",
            "registration": f"{url}/oauth/register",
            "resource": f"{url}/bench/protected",
        },
        command=_command(node, program, "--port", port, "--store", store),
    )


def _django(stage: Stage, *, grace: int, on_postgresql: bool) -> Foreign:
    database = f"sqlite:{stage.folder / 'django.sqlite'}"
    if on_postgresql:
        cores = divide_cores(1).server
        directory, program = stage.stack.enter_context(postgresql(cores))
        stage.groups = partial(groups_of, program)
        database = f"postgresql:{directory}"
    url = f"http://127.0.0.1:{(port := _port())}"
    options = ["--port", port, "--gunicorn", "--database", database, "--grace", grace]
    return Foreign(
        issuer=None,
        endpoints={
            "token": f"{url}/oauth/token/",
            "revocation": f"{url}/oauth/revoke_token/",
            "resource": f"{url}/bench/protected",
        },
        token_command=mint_command(url),
        command=_module(stage, "django_toolkit", *options),
    )


def _authlib(stage: Stage) -> Foreign:
    url = f"http://127.0.0.1:{(port := _port())}"
    database = stage.folder / "authlib.sqlite"
    options = ["--port", port, "--gunicorn", "--database", database]
    return authlib_at(url, _module(stage, "authlib_flask", *options))


def authlib_at(url: str, command: str | None = None) -> Foreign:
    """Give the Authlib of this folder, once it listens somewhere."""
    return Foreign(
        issuer=None,
        endpoints={
            "token": f"{url}/oauth/token",
            "revocation": f"{url}/oauth/revoke",
            "resource": f"{url}/bench/protected",
        },
        token_command=mint_command(url),
        command=command,
    )


def _python(module: str, stage: Stage) -> Foreign:
    url = f"http://127.0.0.1:{(port := _port())}"
    return Foreign(
        issuer=url,
        endpoints={"resource": f"{url}/bench/protected"},
        token_command=_mint_by_browser(url, "client_secret_post"),
        command=_module(stage, module, "--port", port),
    )


def _fastmcp_proxy(stage: Stage) -> Foreign:
    url = f"http://127.0.0.1:{(port := _port())}"
    options = ["--port", port, "--upstream-port", _port()]
    return Foreign(
        issuer=url,
        endpoints={"resource": f"{url}/bench/protected"},
        token_command=_mint_by_browser(url, "none"),
        command=_module(stage, "fastmcp_proxy", *options),
    )
