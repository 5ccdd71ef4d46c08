"""What one check of an access token costs, in the process that issued it.

    python -m benchmarks.checks [--rounds 40] [--users 16]

Without HTTP, as a tool call of an embedded MCP server pays for it: the SDK's question to its
`TokenVerifier`, the check alone, the same where nothing may be remembered, and of its parts
those that no check can do without. Counts the CPU's time, not the clock's, and takes turns
round by round, so that a busy machine disturbs all of them alike.
"""

import argparse
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.config import Settings
from actor_oauth.mcp import ActorTokenVerifier
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.pkce import challenge_of
from actor_oauth.oauth.tokens import TokenResponse, parse_token
from actor_oauth.provider import Provider

ISSUER = "http://127.0.0.1:8000"
VERIFIER = "v" * 64
REDIRECT_URI = "http://127.0.0.1/callback"


CHECKS = 500
"""In a round: some milliseconds, so that no round is the only one to be disturbed."""

Check = Callable[[str], Awaitable[object]]


async def measure(rounds: int, users: int, folder: Path) -> dict[str, list[float]]:
    """Check tokens of several users in turn; seconds of CPU of each kind of check."""
    async with AsyncExitStack() as stack:
        kinds: dict[str, tuple[Check, list[str]]] = {}
        tokens: list[str] = []
        for name, budget in (("remembered", None), ("read from the tables", 0)):
            settings = Settings(data=folder / name, issuer=ISSUER)
            if budget is not None:
                settings = settings.model_copy(update={"remembered_bytes": budget})
            running = await stack.enter_async_context(Provider(settings).open())
            server = running.server
            resource = server.policy.resources[0]
            tokens = [await issue(server, f"user{number}") for number in range(users)]
            validate = partial(server.validate_token, resource.identifier)
            kinds[f"check, {name}"] = validate, tokens
            verifier = ActorTokenVerifier(
                resource, issuer=ISSUER, validate_token=server.validate_token
            )
            kinds[f"TokenVerifier of the SDK, {name}"] = verifier.verify_token, tokens
        kinds["of it: reading the token's text"] = _parse, tokens
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, (check, tokens) in kinds.items():
                taken[name].append(await _one_round(check, tokens))
                # Checks give way to nobody, and the providers have more to do.
                await trio.lowlevel.checkpoint()
        return taken


async def _one_round(check: Check, tokens: list[str]) -> float:
    begun = process_time()
    for number in range(CHECKS):
        assert await check(tokens[number % len(tokens)]) is not None
    return (process_time() - begun) / CHECKS


async def _parse(text: str) -> object:
    return parse_token(text)


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
    """Measure, and print a line for each kind of check."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--users", type=int, default=16)
    wanted = parser.parse_args(arguments)
    rounds, users = wanted.rounds, wanted.users
    with tempfile.TemporaryDirectory() as folder:
        taken = trio.run(partial(measure, rounds, users, Path(folder)))
    print(
        f"{rounds} rounds of {CHECKS} checks of {users} users' tokens; CPU time of each"
    )
    for name, seconds in taken.items():
        middle, best = median(seconds), min(seconds)
        print(
            f"{name:50} {middle * 1e6:7.1f} us, at best {best * 1e6:6.1f} us:"
            f" {1 / middle:8,.0f} to {1 / best:8,.0f} per second of CPU"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
