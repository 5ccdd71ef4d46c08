"""What the servers written in Python have in common: what they mint, and how."""

import argparse
import json
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import NoReturn

CLIENT_ID = "bench"
REDIRECT_URI = "http://127.0.0.1/callback"
SCOPE = "read"
LIFETIME_SECONDS = 3600


def new_verifier() -> tuple[str, str]:
    """Give a code verifier, and its challenge by S256."""
    verifier = token_urlsafe(36)
    digest = sha256(verifier.encode()).digest()
    return verifier, urlsafe_b64encode(digest).rstrip(b"=").decode()


def lines_of(minted: Iterable[Mapping[str, str]]) -> str:
    """Give what was minted as the instrument reads it: a JSON object a line."""
    return "".join(
        json.dumps({"client_id": CLIENT_ID, **members}) + "\n" for members in minted
    )


def arguments(
    *, name: str, database: bool = False, upstream: bool = False
) -> argparse.Namespace:
    """Read the command line of a server."""
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--port", type=int, required=True)
    if database:
        parser.add_argument("--database", required=True)
        parser.add_argument("--gunicorn", action="store_true")
        parser.add_argument("--grace", type=int, default=0)
    if upstream:
        parser.add_argument("--upstream-port", type=int, required=True)
    return parser.parse_args()


def become_gunicorn(application: str, port: int) -> NoReturn:
    """Go on as gunicorn.

    With as many processes as its documentation recommends for one core, and threads, so
    that connections are kept alive.
    """
    options = ["--workers", "3", "--threads", "4", "--keep-alive", "60"]
    address = ["--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    command = [sys.executable, "-m", "gunicorn", *options, *address, application]
    os.execv(sys.executable, command)
