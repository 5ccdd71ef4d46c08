"""How long one check of an access token takes, in the process that issued it.

    python -m benchmarks.checks [--checks 5000]

What a tool call of an embedded MCP server pays for its authorization, without HTTP: the
SDK's question to its `TokenVerifier`, answered from the owner's committed state each time.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.config import Settings
from actor_oauth.mcp import ActorTokenVerifier
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.pkce import challenge_of
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.provider import Provider

ISSUER = "http://127.0.0.1:8000"
VERIFIER = "v" * 64
REDIRECT_URI = "http://127.0.0.1/callback"
USERS = 16


async def measure(checks: int, data: Path) -> list[float]:
    """Check tokens of several users in turn; the seconds of each check."""
    async with Provider(Settings(data=data, issuer=ISSUER)).open() as running:
        server = running.server
        verifier = ActorTokenVerifier(
            server.policy.resources[0],
            issuer=ISSUER,
            validate_token=server.validate_token,
        )
        tokens = [await issue(server, f"user{number}") for number in range(USERS)]
        taken = []
        for number in range(checks):
            begun = perf_counter()
            checked = await verifier.verify_token(tokens[number % USERS])
            taken.append(perf_counter() - begun)
            assert checked is not None
            assert checked.subject == f"user{number % USERS}"
        return taken


async def issue(server: AuthorizationServer, user_id: str) -> str:
    """Give a user's access token, with props, to a client of their own."""
    client = await server.create_client(
        client_name="checks", redirect_uris=[REDIRECT_URI]
    )
    assert isinstance(client, NewClient)
    client_id = client.client.client_id
    wish = await server.parse_auth_request(
        parameters_of(
            {
                "response_type": "code",
                "client_id": client_id,
                "redirect_uri": REDIRECT_URI,
                "code_challenge": challenge_of(VERIFIER),
                "code_challenge_method": "S256",
            }.items()
        )
    )
    assert isinstance(wish, AuthorizationRequest)
    sent = await server.complete_authorization(
        wish, user_id=user_id, props={"plan": "gold"}
    )
    assert isinstance(sent, Redirect)
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": sent.url.partition("code=")[2].partition("&")[0],
        "code_verifier": VERIFIER,
    }
    answer = await server.token(parameters_of(form.items()), None)
    assert isinstance(answer, TokenResponse)
    return answer.access_token


def main(arguments: list[str]) -> None:
    """Measure, and print three figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks")
    parser.add_argument("--checks", type=int, default=5000)
    checks = parser.parse_args(arguments).checks
    with tempfile.TemporaryDirectory() as folder:
        taken = trio.run(partial(measure, checks, Path(folder)))
    cuts = quantiles(taken, n=100)
    print(f"{checks} checks of {USERS} users' tokens in this process")
    print(f"median {cuts[49] * 1e3:.3f} ms, 99 of 100 within {cuts[98] * 1e3:.3f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
