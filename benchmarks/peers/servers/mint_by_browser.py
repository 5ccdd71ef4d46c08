"""Prints what `actor-oauth bench --token-command` asks for, of a server behind another.

    python -m benchmarks.peers.servers.mint_by_browser URL METHOD

For servers that send a browser elsewhere and back before they give a code, or whose
clients need a secret. The client authenticates by METHOD: none or client_secret_post.
"""

import json
import os
import sys
from collections.abc import Mapping
from secrets import token_urlsafe
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from benchmarks.peers.servers.minted import REDIRECT_URI, new_verifier

_MOST_REDIRECTS = 8


class Staying(HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


_opener = build_opener(Staying)


def post(url: str, data: bytes, kind: str) -> Mapping[str, str]:
    """Post something, and read the JSON that is answered."""
    request = Request(url, data, {"Content-Type": kind})
    with _opener.open(request) as answer:
        found: Mapping[str, str] = json.load(answer)
        return found


def code_at(url: str) -> str:
    """Follow redirects until one leads back to the client, and give its code."""
    for _ in range(_MOST_REDIRECTS):
        try:
            _opener.open(url)
        except HTTPError as answer:
            url = answer.headers["Location"]
        if url.startswith(REDIRECT_URI):
            return parse_qs(urlsplit(url).query)["code"][0]
    raise SystemExit(f"no code: {url}")


def mint(server: str, client: Mapping[str, str], kind: str) -> Mapping[str, str]:
    """Get a code; redeem it, if a grant is wanted."""
    verifier, challenge = new_verifier()
    query = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": REDIRECT_URI,
        "state": token_urlsafe(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    code = {
        **client,
        "code": code_at(f"{server}/authorize?{urlencode(query)}"),
        "code_verifier": verifier,
    }
    if kind == "codes":
        return code
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        **code,
    }
    data = urlencode(form).encode()
    given = post(f"{server}/token", data, "application/x-www-form-urlencoded")
    return {**client, **given}


def main() -> None:
    """Register a client, and print."""
    _, server, method = sys.argv
    metadata = {
        "client_name": "bench",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
    }
    registered = post(
        f"{server}/register", json.dumps(metadata).encode(), "application/json"
    )
    names = ("client_id", "client_secret")
    client = {name: registered[name] for name in names if registered.get(name)}
    kind = os.environ["ACTOR_OAUTH_BENCH_KIND"]
    for _ in range(int(os.environ["ACTOR_OAUTH_BENCH_COUNT"])):
        print(json.dumps(mint(server, client, kind)))


if __name__ == "__main__":
    main()
